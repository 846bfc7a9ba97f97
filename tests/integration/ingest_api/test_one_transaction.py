"""Of each reading, history and current state change in one transaction; an array is one transaction."""

import random
from datetime import UTC, datetime, time, timedelta

import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem, encode, new_id
from warehouse.contract.partitions import Stream, partition_name

TRANSACTIONS = """
    SELECT DISTINCT xmin::text FROM meter_readings UNION SELECT xmin::text FROM vehicle_readings
    UNION SELECT xmin::text FROM meter_latest UNION SELECT xmin::text FROM vehicle_latest
    UNION SELECT xmin::text FROM quarantined_readings UNION SELECT xmin::text FROM late_rows
"""


@pytest.fixture(scope="module")
def site_of_one_at_a_time(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture
def quiet(site_of_one_at_a_time: Site) -> Site:
    """A site without a row; nothing is late. Its devices stay registered."""
    quiet = site_of_one_at_a_time
    for table in ("meter_readings", "vehicle_readings", "meter_latest", "vehicle_latest", "quarantined_readings"):
        quiet.connection.execute(f"DELETE FROM {table}".encode())
    quiet.connection.execute("DELETE FROM late_rows")
    quiet.connection.execute("UPDATE partition_ledger SET late_after = '2100-01-01Z', seal_after = '2100-01-01Z'")
    return quiet


def test_an_array_is_one_transaction_over_history_current_state_quarantine_and_late_rows(quiet: Site) -> None:
    quiet.connection.execute("UPDATE partition_ledger SET late_after = '2000-01-01Z'")
    ts = now_s()
    instants = [iso(ts - timedelta(hours=hours)) for hours in (0, 30, 60)]
    readings = [meter_payload(timestamp=text) for text in instants] + [
        vehicle_payload(timestamp=text) for text in instants
    ]
    body = [*readings, readings[0], {**readings[1], "voltage": 1.0}, "bad"]
    assert quiet.send(encode(body)).json()["accepted"] == 6
    assert len(quiet.rows("SELECT 1 FROM quarantined_readings")) == 2
    assert len(quiet.rows("SELECT 1 FROM late_rows")) == 6
    assert len(quiet.rows(TRANSACTIONS)) == 1


def test_what_is_stored_and_what_is_refused_of_an_array_without_repeats_are_one_transaction_too(quiet: Site) -> None:
    assert quiet.send(encode([meter_payload(), "bad", vehicle_payload()])).json()["accepted"] == 2
    assert len(quiet.rows("SELECT 1 FROM quarantined_readings")) == 1
    assert len(quiet.rows(TRANSACTIONS)) == 1


def test_an_array_that_cannot_be_stored_leaves_nothing_behind(quiet: Site) -> None:
    yesterday = now_s().date() - timedelta(days=1)
    name = partition_name(Stream.VEHICLE_READINGS, yesterday)
    quiet.connection.execute(f"ALTER TABLE vehicle_readings DETACH PARTITION {name}".encode())
    noon = datetime.combine(yesterday, time(12), UTC)
    body = [meter_payload(), "bad", vehicle_payload(timestamp=iso(noon)), meter_payload(timestamp=iso(noon))]
    problem = assert_problem(quiet.send(encode(body)), 503, "partition_missing")
    assert [problem[name] for name in ("accepted", "duplicates", "conflicts", "rejected")] == [0, 0, 0, 0]
    assert quiet.rows(TRANSACTIONS) == []
    quiet.connection.execute(
        f"ALTER TABLE vehicle_readings ATTACH PARTITION {name} FOR VALUES FROM ('{yesterday}Z') "
        f"TO ('{yesterday + timedelta(days=1)}Z')".encode()
    )
    assert quiet.send(encode(body)).json()["accepted"] == 3


def test_the_newest_reading_of_a_batch_becomes_the_current_state(site: Site) -> None:
    meter, vehicle = new_id("meter"), new_id("veh")
    ts = now_s()
    body = [
        reading
        for n in range(50)
        for reading in (
            meter_payload(meterId=meter, timestamp=iso(ts - timedelta(seconds=n)), kwhConsumedAc=100.0 - n, voltage=n),
            vehicle_payload(vehicleId=vehicle, timestamp=iso(ts - timedelta(seconds=n)), soc=n, batteryTemp=n),
        )
    ]
    random.Random(5).shuffle(body)  # noqa: S311 - a test's data, not a secret
    assert site.send(encode(body)).json()["accepted"] == 100
    meters = "SELECT ts, kwh, voltage_volts FROM meter_latest JOIN meters USING (meter_id) WHERE external_id = %s"
    assert site.rows(meters, [meter]) == [(ts, 100.0, 0.0)]
    vehicles = (
        "SELECT ts, kwh, soc_percent, battery_temp_celsius FROM vehicle_latest JOIN vehicles USING (vehicle_id)"
        " WHERE external_id = %s"
    )
    assert site.rows(vehicles, [vehicle]) == [(ts, 90.0, 0.0, 0.0)]


def test_a_late_batch_enters_history_and_leaves_every_newer_state_alone(site: Site) -> None:
    devices = [new_id("meter") for _ in range(3)]
    ts = now_s() - timedelta(hours=1)
    states = {}
    for number, device in enumerate(devices):
        body = encode(meter_payload(meterId=device, timestamp=iso(ts + timedelta(seconds=number))))
        assert site.send(body).status_code == 201
        states[device] = ts + timedelta(seconds=number)
    late = [
        meter_payload(meterId=device, timestamp=iso(ts + timedelta(seconds=1)), kwhConsumedAc=55.0)
        for device in devices
    ]
    counts = site.send(encode(late)).json()
    assert (counts["accepted"], counts["conflicts"]) == (2, 1)
    latest = "SELECT external_id, ts FROM meter_latest JOIN meters USING (meter_id) WHERE external_id = ANY(%s)"
    assert dict(site.rows(latest, [devices])) == {**states, devices[0]: ts + timedelta(seconds=1)}


def test_a_conflict_or_a_repeat_does_not_touch_the_current_state(site: Site) -> None:
    device = new_id("meter")
    reading = meter_payload(meterId=device)
    site.send(encode(reading))
    latest = "SELECT meter_latest.*, meter_latest.xmin::text FROM meter_latest JOIN meters USING (meter_id)"
    before = site.rows(f"{latest} WHERE external_id = %s", [device])
    assert site.send(encode(reading)).status_code == 200
    assert site.send(encode({**reading, "kwhConsumedAc": 7})).status_code == 409
    assert site.rows(f"{latest} WHERE external_id = %s", [device]) == before


def test_rows_are_counted_late_once_the_ledger_says_so_and_only_those_that_are_new(quiet: Site) -> None:
    noon = datetime.combine(now_s().date() - timedelta(days=1), time(12), UTC)
    readings = [meter_payload(timestamp=iso(noon + timedelta(minutes=n))) for n in range(5)]
    of_vehicle = vehicle_payload(timestamp=iso(noon))
    assert quiet.send(encode(readings[:2])).json()["accepted"] == 2
    assert quiet.rows("SELECT * FROM late_rows") == []

    quiet.connection.execute(
        "UPDATE partition_ledger SET late_after = clock_timestamp() WHERE day = %s AND stream = 'meter_readings'",
        [noon.date()],
    )
    conflict = {**readings[1], "voltage": 1.0}
    body = [readings[0], conflict, *readings[2:], readings[4], of_vehicle, meter_payload(), "bad"]
    counts = quiet.send(encode(body)).json()
    assert [counts[name] for name in ("accepted", "duplicates", "conflicts", "rejected")] == [5, 2, 1, 1]
    late = quiet.rows("SELECT stream, day, row_count FROM late_rows")
    assert late == [("meter_readings", noon.date(), 3)]

    assert quiet.send(encode(readings)).json()["duplicates"] == 5
    assert quiet.rows("SELECT stream, day, row_count FROM late_rows") == late
    assert quiet.send(encode({**readings[0], "timestamp": iso(noon + timedelta(hours=1))})).status_code == 201
    assert quiet.rows("SELECT sum(row_count) FROM late_rows") == [(4,)]
