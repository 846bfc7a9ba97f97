"""A device leaves every table, what is others' stays with a stand-in, and who reports again is new."""

import os
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from tests.dropped_database import drop_database
from tests.factories import QUOTA, iso, now_s, vehicle_payload
from tests.stored_findings import add_event, add_finding
from warehouse.contract.device_rows import TABLES, Device
from warehouse.contract.errors import DeviceNotKnownError
from warehouse.contract.readings import AcceptedWindow
from warehouse.contract.tables import DeviceKind
from warehouse.decoding.telemetry import decode_body
from warehouse.postgres.connection import connect
from warehouse.postgres.device_data.erasing import blank_everywhere, erase_readings, erase_rows
from warehouse.postgres.device_data.held_rows import count_rows
from warehouse.postgres.device_data.named_device import find_device
from warehouse.postgres.readings.reading_store import ReadingStore

STAND_IN = "forgotten-0123456789ab"


def body(vehicle: str, ts: datetime, soc: float = 50.0) -> bytes:
    payload = vehicle_payload(vehicleId=vehicle, timestamp=iso(ts), soc=soc)
    return repr([payload]).replace("'", '"').encode()


def store(store: ReadingStore, vehicle: str, ts: datetime, soc: float = 50.0) -> int:
    window = AcceptedWindow.around(datetime.now(UTC), age=timedelta(days=8), ahead=timedelta(minutes=5))
    (outcome,) = store.store([decode_body(body(vehicle, ts, soc), window)], source="http")
    return outcome.accepted


def one(connection: psycopg.Connection, query: str) -> object:
    ((value,),) = connection.execute(query.encode()).fetchall()
    return value


@pytest.fixture
def vehicle(connection: psycopg.Connection) -> Device:
    """It reported, was refused something, has a finding with all that follows; that of another one names it."""
    readings = ReadingStore(connection, QUOTA)
    assert store(readings, "veh-1", now_s()) == 1
    assert store(readings, "veh-2", now_s()) == 1
    assert store(readings, "veh-1", now_s(), soc=101.0) == 0
    for number, detail in ((1, "veh-1 loses more"), (2, "not at the meter of veh-1, nor of veh-10")):
        finding_id = add_finding(connection, number, detail=detail)
        event_id = add_event(connection, finding_id, "opened", note=detail)
        connection.execute(
            "INSERT INTO alert_events (event_id, finding_id, outcome, handled_at) VALUES (%s, %s, 'told', now())",
            [event_id, finding_id],
        )
    connection.execute(
        "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from) "
        "SELECT vehicle_id, meter_id, '2026-01-01Z' FROM vehicles JOIN meters "
        "ON right(meters.external_id, 1) = right(vehicles.external_id, 1)"
    )
    connection.execute("INSERT INTO day_builds (day, reason) VALUES ('2026-02-08', 'a late reading of veh-1')")
    connection.execute(
        "INSERT INTO alert_deliveries (channel, idempotency_key, message, created_at, gives_up_at, next_attempt_at) "
        """VALUES ('webhook', 'a', '{"subject": "vehicle veh-1", "more": "veh-10"}', now(), now(), now())"""
    )
    return find_device(connection, "veh-1")


def test_a_device_leaves_every_table_and_others_stay(connection: psycopg.Connection, vehicle: Device) -> None:
    for _ in range(2):  # it is safe to repeat
        erase_rows(connection, vehicle, STAND_IN, None)
        removed = list(erase_readings(connection, vehicle, None))
    assert removed == []
    assert {table: count_rows(connection, vehicle, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    with pytest.raises(DeviceNotKnownError):
        find_device(connection, "veh-1")
    assert one(connection, "SELECT detail FROM findings") == f"not at the meter of {STAND_IN}, nor of veh-10"
    assert one(connection, "SELECT note FROM finding_events") == f"not at the meter of {STAND_IN}, nor of veh-10"
    assert one(connection, "SELECT reason FROM day_builds") == f"a late reading of {STAND_IN}"
    assert one(connection, "SELECT message ->> 'subject' FROM alert_deliveries") == f"vehicle {STAND_IN}"
    assert one(connection, "SELECT message ->> 'more' FROM alert_deliveries") == "veh-10"
    for table in ("vehicle_readings", "vehicle_latest", "vehicle_meter_map", "alert_events", "untold_events"):
        assert one(connection, f"SELECT count(*) FROM {table}") == 1, table
    assert one(connection, "SELECT sum(kept_rows)::integer FROM quarantine_counts") == 0


def test_the_log_of_findings_still_only_grows_for_everybody_else(
    connection: psycopg.Connection, vehicle: Device
) -> None:
    erase_rows(connection, vehicle, STAND_IN, None)
    with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        connection.execute("DELETE FROM finding_events")


def test_who_reports_again_is_a_new_device(connection: psycopg.Connection, vehicle: Device) -> None:
    knows_it = ReadingStore(connection, QUOTA)
    assert store(knows_it, "veh-1", now_s() - timedelta(minutes=1)) == 1
    erase_rows(connection, vehicle, STAND_IN, None)
    assert sum(rows for _, rows in erase_readings(connection, vehicle, None)) == 2
    assert store(knows_it, "veh-1", now_s()) == 1
    again = find_device(connection, "veh-1")
    assert again.device_id != vehicle.device_id
    assert (count_rows(connection, vehicle, "vehicle_readings"), count_rows(connection, again, "vehicle_readings")) == (
        0,
        1,
    )


def test_only_what_is_older_goes_and_a_mapping_begins_later(connection: psycopg.Connection, vehicle: Device) -> None:
    today = now_s().date()
    connection.execute("UPDATE findings SET opened_on = %s WHERE vehicle_id <> %s", [today, vehicle.device_id])
    erase_rows(connection, vehicle, STAND_IN, today)
    assert find_device(connection, "veh-1") == vehicle
    assert one(connection, "SELECT count(*) FROM findings") == 1
    assert one(connection, "SELECT detail FROM findings") == "not at the meter of veh-1, nor of veh-10"
    begins = connection.execute(
        "SELECT vehicle_id, valid_from::date FROM vehicle_meter_map ORDER BY valid_from"
    ).fetchall()
    assert begins[-1] == (vehicle.device_id, today)
    assert count_rows(connection, vehicle, "vehicle_latest") == 1


def test_texts_of_a_database_that_is_not_ours_have_a_stand_in(server_url: str) -> None:
    name = f"not_ours_{os.getpid()}"
    with connect(server_url) as server:
        server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            with connect(make_conninfo(server_url, dbname=name)) as connection:
                connection.execute("CREATE TABLE event_logs (id integer, event text, tags jsonb, at timestamptz)")
                connection.execute(
                    """INSERT INTO event_logs VALUES (1, '| veh-1 | 0.9 |', '{"a": "veh-1"}'), (2, 'veh-10', NULL)"""
                )
                assert blank_everywhere(connection, "veh-1", STAND_IN) == ["event_logs"]
                found = connection.execute("SELECT event, tags ->> 'a' FROM event_logs ORDER BY id").fetchall()
        finally:
            drop_database(server, name)
    assert found == [(f"| {STAND_IN} | 0.9 |", STAND_IN), ("veh-10", None)]


def test_a_name_of_both_kinds_needs_the_kind(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO meters (external_id) VALUES ('both')")
    connection.execute("INSERT INTO vehicles (external_id) VALUES ('both')")
    with pytest.raises(DeviceNotKnownError, match="--kind"):
        find_device(connection, "both")
    assert find_device(connection, "both", DeviceKind.METER).kind is DeviceKind.METER


def test_the_current_state_tells_nothing_of_a_reading_before_the_day(connection: psycopg.Connection) -> None:
    readings = ReadingStore(connection, QUOTA)
    today = now_s().replace(hour=0, minute=0, second=0)
    for vehicle, before in (("veh-1", timedelta(hours=1)), ("veh-2", timedelta(0))):
        assert store(readings, vehicle, today - before) == 1
        assert store(readings, vehicle, today + timedelta(seconds=1)) == 1
        erase_rows(connection, find_device(connection, vehicle), STAND_IN, today.date())
    steps = "SELECT ts, step_from, step_from_kwh FROM vehicle_latest ORDER BY vehicle_id"
    first_of_day = today + timedelta(seconds=1)
    assert connection.execute(steps.encode()).fetchall() == [(first_of_day, None, None), (first_of_day, today, 90.0)]
