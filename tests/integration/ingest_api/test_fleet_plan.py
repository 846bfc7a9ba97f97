"""How PostgreSQL answers the fleet's question: from the key of ``device_hourly``, and of it the window's hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from ingest_api.analytics.fleet_answers import sums_of
from ingest_api.analytics.performance import Window
from tests.integration.ingest_api.test_performance_plan import scans
from warehouse import sqlfiles

DEVICES, HOURS = 200, 192
END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def filled(connection: psycopg.Connection) -> psycopg.Connection:
    """Eight days of 200 pairs, one flag in a hundred rows, vacuumed as each hour is."""
    for kind in ("meter", "vehicle"):
        connection.execute(
            f"INSERT INTO {kind}s (external_id) SELECT n::text FROM generate_series(1, %s) AS n".encode(), [DEVICES]
        )
        connection.execute(
            """
            INSERT INTO device_hourly (starts_at, kind, device_id, energy_kwh, reading_count, flags)
            SELECT hour, %(kind)s, device, 1, 60, CASE WHEN device %% 100 = 0 THEN '{"gap": 1}'::jsonb END
            FROM generate_series(1, %(devices)s) AS device,
                generate_series(%(end)s - %(hours)s, %(end)s - INTERVAL '1 hour', INTERVAL '1 hour') AS hour
            """,
            {"kind": kind, "devices": DEVICES, "end": END, "hours": timedelta(hours=HOURS)},
        )
    connection.execute(
        "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) "
        "SELECT vehicle_id, vehicle_id, '1970-01-01Z' FROM vehicles"
    )
    connection.execute("VACUUM ANALYZE")
    return connection


def test_the_windows_hours_are_read_from_the_key_alone(filled: psycopg.Connection) -> None:
    parameters = sums_of(Window(END - timedelta(hours=24), END), worst=10, threshold=0.85)
    with psycopg.ClientCursor(filled) as cursor:
        explain = SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ")
        cursor.execute(explain + sqlfiles.load("ingest_api.analytics", "sum_fleet_hours"), parameters)
        ((plan,),) = cursor.fetchall()
    read: list[dict[str, Any]] = [
        node for node in scans(plan[0]["Plan"]) if node["Relation Name"].startswith(("device_hourly", "meter_r"))
    ]
    assert "Seq Scan" not in {node["Node Type"] for node in read}
    summed = [node for node in read if node["Node Type"] == "Index Only Scan"]
    assert [node["Index Name"] for node in summed[:2]] == ["device_hourly_pkey"] * 2
    assert [node["Actual Rows"] for node in summed[:2]] == [DEVICES * 24] * 2
    assert sum(node["Heap Fetches"] for node in summed) == 0
