"""One reading over HTTP: durable, once, and the newest state."""

from datetime import timedelta

import httpx
import psycopg

from tests.factories import iso, meter_payload, now_s, vehicle_payload


def test_a_meter_reading_is_stored_in_history_and_as_current_state(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    ts = now_s()
    answer = api.post("/v1/telemetry", json=meter_payload(timestamp=iso(ts), kwhConsumedAc=12.5, voltage=None))
    assert (answer.status_code, answer.json()) == (201, {"status": "stored"})
    expected = [(ts, 12.5, None)]
    assert connection.execute("SELECT ts, kwh, voltage_volts FROM meter_readings").fetchall() == expected
    assert connection.execute("SELECT ts, kwh, voltage_volts FROM meter_latest").fetchall() == expected


def test_a_vehicle_reading_keeps_microseconds_and_the_offset_is_only_notation(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    ts = now_s() - timedelta(hours=3)
    local = (ts + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dt%H:%M:%S.123456+05:30")
    assert api.post("/v1/telemetry", json=vehicle_payload(timestamp=local)).status_code == 201
    row = connection.execute("SELECT ts, kwh, soc_percent, battery_temp_celsius FROM vehicle_readings").fetchone()
    assert row == (ts.replace(microsecond=123456), 90.0, 50.0, 30.0)


def test_a_repeat_is_a_duplicate_and_other_values_are_a_conflict_that_is_kept(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    reading = meter_payload(voltage=230.123456789)  # more digits than a real holds: compared as stored
    assert api.post("/v1/telemetry", json=reading).status_code == 201
    repeat = api.post("/v1/telemetry", json=reading)
    assert (repeat.status_code, repeat.json()) == (200, {"status": "duplicate"})
    other = api.post("/v1/telemetry", json={**reading, "kwhConsumedAc": 101.0})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert other.headers["content-type"] == "application/problem+json"
    assert connection.execute("SELECT kwh FROM meter_readings").fetchall() == [(100.0,)]
    assert connection.execute("SELECT kwh FROM meter_latest").fetchall() == [(100.0,)]
    assert connection.execute("SELECT code FROM quarantined_readings").fetchall() == [("conflict",)]


def test_current_state_never_goes_back_in_time(api: httpx.Client, connection: psycopg.Connection) -> None:
    ts = now_s()
    api.post("/v1/telemetry", json=meter_payload(timestamp=iso(ts), kwhConsumedAc=20.0))
    late = api.post("/v1/telemetry", json=meter_payload(timestamp=iso(ts - timedelta(days=1)), kwhConsumedAc=10.0))
    assert late.status_code == 201
    assert connection.execute("SELECT kwh FROM meter_readings ORDER BY ts").fetchall() == [(10.0,), (20.0,)]
    assert connection.execute("SELECT ts, kwh FROM meter_latest").fetchall() == [(ts, 20.0)]
