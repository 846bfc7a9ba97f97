"""How PostgreSQL reads a series: of the span's days alone, the register from the key, all else once a point."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Composable

from ingest_api.series.series_reads import registers_question, samples_question, steps_question
from tests.factories import now_s
from tests.integration.ingest_api.test_performance_plan import scans
from warehouse.contract.energy import DeviceSettings
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect

DEVICES, HOURS = 20, 48


@pytest.fixture(scope="module")
def connection(shared_database_url: str) -> Iterator[psycopg.Connection]:
    with connect(shared_database_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def end(connection: psycopg.Connection) -> datetime:
    """Of two days of 20 pairs, vacuumed as sealed days are."""
    end = now_s()
    for kind in DeviceKind:
        connection.execute(
            f"""
            INSERT INTO {kind.readings} ({kind.device_id}, ts, kwh)
            SELECT device, ts, date_part('epoch', ts - %(start)s) / 1200
            FROM generate_series(%(start)s::timestamptz, %(end)s, INTERVAL '1 minute') AS ts,
                generate_series(1, %(devices)s) AS device
            """.encode(),
            {"start": end - timedelta(hours=HOURS), "end": end, "devices": DEVICES},
        )
    connection.execute("VACUUM ANALYZE")
    return end


def plan_of(connection: psycopg.Connection, query: Composable, asked: Mapping[str, Any]) -> dict[str, Any]:
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute(SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + query, asked)
        ((plan,),) = cursor.fetchall()
    found: dict[str, Any] = plan[0]["Plan"]
    return found


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_registers_are_read_from_the_key_of_the_spans_days(
    connection: psycopg.Connection, end: datetime, kind: DeviceKind
) -> None:
    begin = end - timedelta(hours=20)
    days = {f"{kind.readings}_{day:%Y_%m_%d}" for day in (begin, end)}
    spans = {"reads_from": [begin], "reads_to": [end], "window_from": begin, "window_to": end}
    asked = {"places": [0], "device_ids": [7], **spans}
    by_rule = {"classes": ["growth"], "device_id": 7, "reads_from": begin, "reads_to": end}
    for query, parameters in (
        (registers_question(kind), asked),
        (steps_question(kind), {**DeviceSettings()._asdict(), **by_rule}),
    ):
        plan = plan_of(connection, query, parameters)
        read = scans(plan)
        assert {node["Node Type"] for node in read} == {"Index Only Scan"}
        assert {node["Relation Name"] for node in read} <= days
        assert sum(node["Heap Fetches"] for node in read) == 0
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100


def test_what_else_was_measured_is_read_once_a_point(connection: psycopg.Connection, end: datetime) -> None:
    begin = end - timedelta(hours=24)
    instants = [begin + timedelta(hours=number) for number in range(24)]
    asked = {"device_id": 7, "instants": instants, "reads_from": begin, "reads_to": end}
    plan = plan_of(connection, samples_question(DeviceKind.VEHICLE), asked)
    read = scans(plan)
    assert {node["Node Type"] for node in read} == {"Index Scan"}
    assert sum(node["Actual Loops"] * node["Actual Rows"] for node in read) == len(instants)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 10 * len(instants)
