"""How PostgreSQL answers the 24 h question: pruned to the window's days, from the key alone, never a whole table."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from psycopg.sql import SQL, Composable

from ingest_api.analytics.window_statements import energy_of_both_sides, readings_of_both_sides
from tests.factories import now_s
from warehouse import sqlfiles
from warehouse.postgres.connection import connect

DEVICES = 20


@pytest.fixture(scope="module")
def connection(shared_database_url: str) -> Iterator[psycopg.Connection]:
    with connect(shared_database_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def filled(connection: psycopg.Connection) -> datetime:
    """Three days of 20 pairs, vacuumed as sealed days are; returns the end of the data."""
    end = now_s()
    for kind in ("meter", "vehicle"):
        connection.execute(
            f"""
            INSERT INTO {kind}_readings ({kind}_id, ts, kwh)
            SELECT device, ts, date_part('epoch', ts - %(start)s) / 1200
            FROM generate_series(1, %(devices)s) AS device,
                generate_series(%(start)s::timestamptz, %(end)s, INTERVAL '1 minute') AS ts
            """,
            {"start": end - timedelta(days=3), "end": end, "devices": DEVICES},
        )
    connection.execute("VACUUM ANALYZE")
    return end


QUERIES = {"fast path": readings_of_both_sides(), "whole rule": energy_of_both_sides()}


@pytest.fixture(params=list(QUERIES.values()), ids=list(QUERIES))
def query(request: pytest.FixtureRequest) -> Composable:
    return cast(Composable, request.param)


def explain(connection: psycopg.Connection, query: Composable, end: datetime, hours: int) -> dict[str, Any]:
    start = end - timedelta(hours=hours)
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute(
            SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + query,
            {
                "sides": ["ac", "dc"],
                "device_ids": [7, 7],
                "energy_kinds": ["counter", "counter"],
                "max_powers_kw": [400.0, 400.0],
                "rollovers_kwh": [None, None],
                "max_resets_kwh": [150.0, None],
                "expected_intervals_s": [60, 60],
                "counts_from": [start, start],
                "counts_to": [end, end],
                "window_from": start,
                "window_to": end,
            },
        )
        ((plan,),) = cursor.fetchall()
    return dict(plan[0])


def scans(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of a plan that read a table or an index and were not cut off."""
    found = [node] if "Relation Name" in node and node["Actual Loops"] > 0 else []
    for child in node.get("Plans", []):
        found += scans(child)
    return found


def test_the_window_is_read_from_the_key_of_its_days_alone(
    connection: psycopg.Connection, filled: datetime, query: Composable
) -> None:
    plan = explain(connection, query, filled, hours=24)
    read = scans(plan["Plan"])
    assert {node["Node Type"] for node in read} == {"Index Only Scan"}
    days = {filled.astimezone(UTC).date() - timedelta(days=back) for back in (0, 1)}
    assert {node["Relation Name"] for node in read} == {
        f"{kind}_readings_{day:%Y_%m_%d}" for kind in ("meter", "vehicle") for day in days
    }
    assert {node["Index Name"] for node in read} == {f"{node['Relation Name']}_pkey" for node in read}
    assert sum(node["Heap Fetches"] for node in read) == 0
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] <= 100


def test_the_fast_path_sorts_nothing(connection: psycopg.Connection, filled: datetime) -> None:
    plan = explain(connection, readings_of_both_sides(), filled, hours=24)
    assert "Sort" not in json.dumps(plan)


@pytest.mark.parametrize("name", list(QUERIES))
def test_of_a_device_without_corrections_no_correction_is_looked_for(
    connection: psycopg.Connection, filled: datetime, name: str
) -> None:
    plan = explain(connection, QUERIES[name], filled, hours=24)
    assert "correction" not in json.dumps(plan)


CORRECTED = {
    "fast path": readings_of_both_sides(corrected=True),
    "whole rule": energy_of_both_sides(corrected=True),
}


@pytest.fixture(scope="module")
def corrected(connection: psycopg.Connection, filled: datetime) -> datetime:
    """As many corrections as people make in years, of which one is of the device that is asked for."""
    connection.execute(
        "INSERT INTO reading_corrections (kind, device_id, starts_at, ends_at, action, why, who)"
        " SELECT 'meter', device, %(end)s - device * INTERVAL '1 minute', %(end)s, 'void', 'a test', 'ann'"
        " FROM generate_series(7, 20006) AS device",
        {"end": filled},
    )
    connection.execute("ANALYZE reading_corrections")
    return filled


@pytest.mark.parametrize("name", list(CORRECTED))
def test_of_a_device_with_corrections_the_last_word_is_found_by_an_index(
    connection: psycopg.Connection, corrected: datetime, name: str
) -> None:
    read = scans(explain(connection, CORRECTED[name], corrected, hours=24)["Plan"])
    readings = [node for node in read if node["Relation Name"] != "reading_corrections"]
    assert {node["Node Type"] for node in readings} == {"Index Only Scan"}
    assert {node["Relation Name"] for node in readings} == {
        f"{kind}_readings_{corrected.astimezone(UTC).date() - timedelta(days=back):%Y_%m_%d}"
        for kind in ("meter", "vehicle")
        for back in (0, 1)
    }
    words = [node for node in read if node["Relation Name"] == "reading_corrections"]
    assert words
    assert {node.get("Index Name") for node in words} <= {"reading_corrections_of_device", "reading_corrections_pkey"}


def test_the_statement_that_reads_the_settings_reads_no_correction(
    connection: psycopg.Connection, corrected: datetime
) -> None:
    """Whether a device has any stands beside its settings: the question costs what it did."""
    asked = {"vehicle_id": "v", "window_from": corrected - timedelta(days=1), "window_to": corrected}
    days = {"first_day": corrected.date(), "last_day": corrected.date()}
    with psycopg.ClientCursor(connection) as cursor:
        query = sqlfiles.load("ingest_api.analytics", "find_vehicle_mappings")
        cursor.execute(SQL("EXPLAIN (FORMAT JSON) ") + query, {**asked, **days})
        ((plan,),) = cursor.fetchall()
    assert "reading_corrections" not in json.dumps(plan)


def test_days_beyond_the_window_are_not_even_planned(
    connection: psycopg.Connection, filled: datetime, query: Composable
) -> None:
    hour_ago_end = filled.replace(hour=12, minute=0) - timedelta(days=1)
    read = scans(explain(connection, query, hour_ago_end, hours=1)["Plan"])
    assert {node["Relation Name"] for node in read} == {
        f"{kind}_readings_{hour_ago_end:%Y_%m_%d}" for kind in ("meter", "vehicle")
    }
