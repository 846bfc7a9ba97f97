"""How PostgreSQL answers the 24 h question: pruned to the window's days, from the key alone, never a whole table."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from psycopg.sql import SQL, Composable

from ingest_api.analytics.performance import energy_of_both_sides, readings_of_both_sides
from tests.factories import now_s
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


def test_days_beyond_the_window_are_not_even_planned(
    connection: psycopg.Connection, filled: datetime, query: Composable
) -> None:
    hour_ago_end = filled.replace(hour=12, minute=0) - timedelta(days=1)
    read = scans(explain(connection, query, hour_ago_end, hours=1)["Plan"])
    assert {node["Relation Name"] for node in read} == {
        f"{kind}_readings_{hour_ago_end:%Y_%m_%d}" for kind in ("meter", "vehicle")
    }
