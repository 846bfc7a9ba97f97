"""A change of settings or mappings that reaches into the past asks for the exported days it touches, and no others."""

from datetime import UTC, date, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.factories import iso
from warehouse.contract.partitions import midnight
from warehouse.postgres.ledger import day_ledger

TODAY = datetime.now(UTC).date()
FIRST, SECOND, THIRD = (TODAY - timedelta(days=back) for back in (5, 4, 3))


@pytest.fixture(autouse=True)
def exported_days(api: httpx.Client, connection: psycopg.Connection) -> None:
    """Meter m and vehicle v on the first day, meter m alone on the second, others on the third; all are exported."""
    assert api.post("/v1/mappings", json={"vehicleId": "v", "meterId": "m"}).status_code == 201
    readings = [
        *(
            {"meterId": "m", "kwhConsumedAc": 1, "voltage": None, "timestamp": iso(midnight(day))}
            for day in (FIRST, SECOND)
        ),
        {"vehicleId": "v", "kwhDeliveredDc": 1, "soc": None, "batteryTemp": None, "timestamp": iso(midnight(FIRST))},
        {"meterId": "other", "kwhConsumedAc": 1, "voltage": None, "timestamp": iso(midnight(THIRD))},
    ]
    assert api.post("/v1/telemetry", json=readings).json()["accepted"] == 4
    connection.execute(
        "UPDATE partition_ledger SET (state, version, late_row_count) = ('exported', 1, "
        "(SELECT coalesce(sum(row_count), 0) FROM late_rows AS late "
        "WHERE late.stream = partition_ledger.stream AND late.day = partition_ledger.day)) WHERE day = any(%s)",
        [[FIRST, SECOND, THIRD]],
    )
    assert requested(connection) == []


def requested(connection: psycopg.Connection) -> list[date]:
    return [each.day for each in day_ledger.days_to_run(connection)]


def test_settings_of_the_rule_concern_every_day_with_readings(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    assert api.patch("/v1/meters/m", json={"maxPowerKw": 11}).status_code == 200
    assert requested(connection) == [FIRST, SECOND]
    reason = connection.execute("SELECT DISTINCT reason FROM day_builds").fetchall()
    assert reason == [("settings of meter m changed",)]


def test_a_vehicle_stands_for_its_meters_too(api: httpx.Client, connection: psycopg.Connection) -> None:
    assert api.patch("/v1/vehicles/v", json={"rolloverKwh": 1000}).status_code == 200
    assert requested(connection) == [FIRST, SECOND]


def test_a_name_concerns_no_day(api: httpx.Client, connection: psycopg.Connection) -> None:
    assert api.patch("/v1/meters/m", json={"displayName": "bay 4"}).status_code == 200
    assert requested(connection) == []


def test_a_mapping_concerns_the_days_from_its_beginning_on(api: httpx.Client, connection: psycopg.Connection) -> None:
    since = iso(midnight(SECOND) + timedelta(hours=12))
    assert api.post("/v1/mappings", json={"vehicleId": "v", "meterId": "m2", "validFrom": since}).status_code == 201
    assert requested(connection) == [SECOND]


def test_the_same_mapping_again_and_devices_without_readings_concern_no_day(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    assert api.post("/v1/mappings", json={"vehicleId": "v", "meterId": "m"}).status_code == 200
    assert api.post("/v1/mappings", json={"vehicleId": "new", "meterId": "newer"}).status_code == 201
    connection.execute("UPDATE partition_ledger SET state = 'dropped' WHERE day = %s", [FIRST])
    assert api.patch("/v1/meters/newer", json={"maxPowerKw": 11}).status_code == 200
    assert requested(connection) == []


def test_a_dropped_day_is_asked_for_where_the_device_ever_had_readings(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE partition_ledger SET state = 'dropped' WHERE day = %s", [THIRD])
    assert api.patch("/v1/meters/m", json={"maxPowerKw": None}).status_code == 200
    assert requested(connection) == [FIRST, SECOND, THIRD]
