"""Many clients at once, several API processes' worth of writers: each key once, no deadlock, the newest state wins."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from tests.conftest import serving
from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import new_id
from warehouse.postgres.connection import connect

KINDS = ("meter", "vehicle")

NEWEST = """
    SELECT count(*) FROM {kind}_latest AS latest
    JOIN (SELECT DISTINCT ON ({kind}_id) * FROM {kind}_readings ORDER BY {kind}_id, ts DESC) AS newest USING ({kind}_id)
    JOIN {kind}s USING ({kind}_id)
    WHERE (latest.ts, latest.kwh) = (newest.ts, newest.kwh) AND external_id LIKE %s
"""
ROWS = "SELECT count(*) FROM {kind}_readings JOIN {kind}s USING ({kind}_id) WHERE external_id LIKE %s"
BEGIN = now_s() - timedelta(hours=100)


@pytest.fixture(scope="module")
def clients(shared_database_url: str) -> Iterator[list[httpx.Client]]:
    """Three APIs on one database: as many writers."""
    with ExitStack() as stack:
        clients = [stack.enter_context(serving(database_url=shared_database_url)) for _ in range(3)]
        for each in clients:  # the framework makes its routes at the first request, and not for several threads at once
            assert each.get("/livez").is_success
        yield clients


@pytest.fixture
def connection(shared_database_url: str) -> Iterator[psycopg.Connection]:
    with connect(shared_database_url) as connection:
        connection.execute("DELETE FROM quarantined_readings")
        yield connection


@pytest.fixture
def fleet() -> str:
    """How the ids of this test's devices begin."""
    return new_id("fleet")


def readings_of(fleet: str, devices: int, instants: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        payload
        for device in range(devices)
        for n in range(start, start + instants)
        for payload in (
            meter_payload(meterId=f"{fleet}-{device}", timestamp=iso(BEGIN + timedelta(seconds=n)), kwhConsumedAc=n),
            vehicle_payload(
                vehicleId=f"{fleet}-{device}", timestamp=iso(BEGIN + timedelta(seconds=n)), kwhDeliveredDc=n
            ),
        )
    ]


def post(client: httpx.Client, body: Any) -> Counter[str]:
    answer = client.post("/v1/telemetry", json=body)
    assert answer.status_code == 200, answer.text
    return Counter({name: number for name, number in answer.json().items() if isinstance(number, int)})


def number(connection: psycopg.Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row
    return row[0]


def test_overlapping_batches_in_random_order_from_several_writers(
    clients: list[httpx.Client], connection: psycopg.Connection, fleet: str
) -> None:
    chance = random.Random(3)  # noqa: S311 - a test's data, not a secret
    total: Counter[str] = Counter()
    sent = 0
    with ThreadPoolExecutor(9) as pool:
        for turn in range(12):  # new keys each turn, so that writers keep meeting at rows nobody has committed yet
            readings = readings_of(fleet, devices=8, instants=25, start=turn * 25)
            parts = [chance.sample(readings, 250) for _ in range(9)]
            sent += sum(len(part) for part in parts)
            for counts in pool.map(post, clients * 3, parts):
                total += counts
    assert total["conflicts"] == total["rejected"] == 0
    assert total["accepted"] + total["duplicates"] == sent
    of_fleet = f"{fleet}-%"
    assert total["accepted"] == sum(number(connection, ROWS.format(kind=kind), of_fleet) for kind in KINDS)
    for kind in KINDS:
        assert number(connection, NEWEST.format(kind=kind), of_fleet) == 8
        assert number(connection, f"SELECT count(*) FROM {kind}s WHERE external_id LIKE %s", of_fleet) == 8
    assert number(connection, "SELECT count(*) FROM quarantined_readings") == 0


def test_one_batch_posted_fifty_times_at_once_is_stored_once(
    clients: list[httpx.Client], connection: psycopg.Connection, fleet: str
) -> None:
    batch = [*readings_of(fleet, devices=5, instants=10), "bad"]
    with ThreadPoolExecutor(10) as pool:
        total = sum(pool.map(post, clients * 17, [batch] * 50), Counter[str]())
    assert total == {"accepted": 100, "duplicates": 49 * 100, "rejected": 50}
    assert number(connection, ROWS.format(kind="meter"), f"{fleet}-%") == 50
    assert number(connection, "SELECT times_seen FROM quarantined_readings") == 50


def test_of_conflicting_readings_posted_at_once_one_stays_and_all_others_are_told(
    clients: list[httpx.Client], connection: psycopg.Connection, fleet: str
) -> None:
    def send(kwh: int) -> tuple[int, int]:
        body = meter_payload(meterId=fleet, timestamp=iso(BEGIN), kwhConsumedAc=kwh)
        return clients[kwh % 3].post("/v1/telemetry", json=body).status_code, kwh

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(40)))
    assert Counter(status for status, _ in answers) == {201: 1, 409: 39}
    (winner,) = [kwh for status, kwh in answers if status == 201]
    for table in ("meter_readings", "meter_latest"):
        query = f"SELECT kwh FROM {table} JOIN meters USING (meter_id) WHERE external_id = %s"
        assert number(connection, query, fleet) == winner
    assert number(connection, "SELECT count(*) FROM quarantined_readings WHERE code = 'conflict'") == 39


def test_single_readings_streams_and_arrays_at_once_share_commits_and_keep_their_answers(
    clients: list[httpx.Client], connection: psycopg.Connection, fleet: str
) -> None:
    """Each request is told of its own items, whoever it shares a transaction with."""
    api = clients[0]
    readings = readings_of(fleet, devices=2, instants=20)

    def send(turn: int) -> tuple[int, int]:
        if turn % 4 == 0:
            answer = api.post("/v1/telemetry", json=[readings[turn], "bad", readings[turn]])
            return answer.status_code, answer.json()["accepted"] + answer.json()["duplicates"]
        if turn % 4 == 1:
            return api.post("/v1/telemetry", json={"bad": turn}).status_code, 0
        if turn % 4 == 2:
            return api.post("/v1/telemetry", content=b"{", headers={"content-type": "application/json"}).status_code, 0
        return api.post("/v1/telemetry", json=readings[turn]).status_code, 1

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(80)))
    assert answers == [(200, 2), (422, 0), (400, 0), (201, 1)] * 20
    assert number(connection, "SELECT sum(times_seen) FROM quarantined_readings") == 60


def test_devices_first_seen_by_everyone_at_once_are_registered_once(
    clients: list[httpx.Client], connection: psycopg.Connection, fleet: str
) -> None:
    readings = readings_of(fleet, devices=20, instants=1)
    devices = [f"{fleet}-{device}" for device in range(20)]

    def send(turn: int) -> int:
        chance = random.Random(turn)  # noqa: S311 - a test's data, not a secret
        api = clients[turn % 3]
        if turn % 5 == 0:
            new_mappings = [{"vehicleId": device, "meterId": device} for device in chance.sample(devices, 20)]
            return api.post("/v1/mappings", json=new_mappings).status_code
        return api.post("/v1/telemetry", json=chance.sample(readings, 40)).status_code

    with ThreadPoolExecutor(10) as pool:
        statuses = Counter(pool.map(send, range(30)))
    assert statuses == {200: 29, 201: 1}
    for kind in KINDS:
        assert number(connection, f"SELECT count(*) FROM {kind}s WHERE external_id LIKE %s", f"{fleet}-%") == 20
    mapped = "SELECT count(*) FROM vehicle_meter_map JOIN meters USING (meter_id) WHERE external_id LIKE %s"
    assert number(connection, mapped, f"{fleet}-%") == 20
