"""A reading whose day has no partition: 503 for it alone, whoever it shares a commit with."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta

import httpx
import psycopg
import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import Site, assert_problem, new_id, until_someone_waits_for_a_lock
from warehouse.contract.partitions import Stream, partition_name

NOON = datetime.combine(now_s().date() - timedelta(days=2), time(12), UTC)


def post(client: httpx.Client, payload: object) -> httpx.Response:
    return client.post("/v1/telemetry", json=payload)


@pytest.fixture
def attach(site: Site) -> Iterator[Callable[[], None]]:
    """The meters' partition of a day is away until this is called, or until the end."""
    name = partition_name(Stream.METER_READINGS, NOON.date())
    site.connection.execute(f"ALTER TABLE meter_readings DETACH PARTITION {name}".encode())
    is_away = True

    def attach() -> None:
        nonlocal is_away
        if is_away:
            bounds = f"FROM ('{NOON.date()}Z') TO ('{NOON.date() + timedelta(days=1)}Z')"
            site.connection.execute(f"ALTER TABLE meter_readings ATTACH PARTITION {name} FOR VALUES {bounds}".encode())
        is_away = False

    yield attach
    attach()


@pytest.mark.usefixtures("attach")
def test_one_reading_without_a_partition_does_not_fail_those_it_shares_a_commit_with(site: Site) -> None:
    api, connection = site.client, site.connection
    meters = [new_id("meter") for _ in range(8)]
    homeless = meter_payload(meterId=new_id("late"), timestamp=iso(NOON))
    good = [*(meter_payload(meterId=device) for device in meters), vehicle_payload(timestamp=iso(NOON))]
    bad = {"bad": "reading"}

    with psycopg.connect(site.database_url) as blocker, ThreadPoolExecutor(12) as pool:
        # While the writer waits for this lock, what comes gathers in one batch.
        blocker.execute("LOCK TABLE vehicle_latest")
        first = pool.submit(post, api, vehicle_payload(vehicleId="first"))
        until_someone_waits_for_a_lock(connection)
        answers = [pool.submit(post, api, payload) for payload in (*good[:4], homeless, bad, *good[4:])]
        for _ in range(50):  # by the end of which they have come
            api.get("/livez")
        blocker.rollback()
        assert first.result().status_code == 201
        statuses = [answer.result().status_code for answer in answers]
    assert statuses == [201, 201, 201, 201, 503, 422, 201, 201, 201, 201, 201]
    problem = answers[4].result()
    assert_problem(problem, 503, "partition_missing")
    assert int(problem.headers["retry-after"]) > 0
    assert [len(site.stored(device)) for device in meters] == [1] * 8
    assert site.stored(homeless["meterId"]) == []
    assert site.rows("SELECT code, times_seen FROM quarantined_readings") == [("unknown_kind", 1)]


def test_a_reading_without_a_partition_is_stored_once_there_is_one(site: Site, attach: Callable[[], None]) -> None:
    now, then = (meter_payload(meterId=new_id("meter"), timestamp=iso(ts)) for ts in (now_s(), NOON))
    for body in (then, [then], [now, then]):
        assert_problem(post(site.client, body), 503, "partition_missing")
    assert site.stored(now["meterId"]) == []
    attach()
    assert post(site.client, [now, then]).json()["accepted"] == 2
