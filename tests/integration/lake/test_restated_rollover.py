"""A database of before registers rolled over where they are declared to, and nowhere above, is restated and says so."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.closed_hours import leave_only
from tests.earlier_schema import add_partitions, database_before
from tests.factories import iso, meter_payload, ramp, vehicle_payload
from tests.integration.lake.booked import booked_kwh, drop, energy_pipeline, hourly_kwh, require_restated
from tests.integration.lake.stored import post
from warehouse.contract.partitions import Stream, midnight
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect
from warehouse.postgres.hours.device_hours import write_closed_hours
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import MIGRATIONS

TODAY = datetime.now(UTC).date()
OPEN, OF_METER, OF_OTHERS, OF_VEHICLE, DROPPED = (TODAY - timedelta(days=back) for back in (3, 4, 5, 6, 9))
MIGRATION = next((MIGRATIONS / "versions").glob("*_rollover_at_its_end.sql"))
ROLLING, OTHER, INTERVAL = 1, 2, 3
"""Meters by what they are declared to be; the vehicle of the same number as the first rolls over too."""


@pytest.fixture
def before(server_url: str) -> Iterator[str]:
    """A database at the revision before the change, with exported days of devices of each kind and their hours."""
    with database_before(server_url, MIGRATION) as url:
        with connect(url) as connection:
            _fill(connection)
        yield url


def _fill(connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO meters (external_id, rollover_kwh, energy_kind) "
        "VALUES ('rolling', 1000, 'counter'), ('other', NULL, 'counter'), ('interval', 1000, 'interval')"
    )
    connection.execute("INSERT INTO vehicles (external_id, rollover_kwh) VALUES ('rolling', 1000), ('other', NULL)")
    add_partitions(connection, [OPEN, OF_METER, OF_OTHERS, OF_VEHICLE])
    for kind, device_id, days in (
        (DeviceKind.METER, ROLLING, [OPEN, OF_METER]),
        (DeviceKind.METER, OTHER, [OPEN, OF_METER, OF_OTHERS, OF_VEHICLE]),
        (DeviceKind.METER, INTERVAL, [OF_OTHERS]),
        (DeviceKind.VEHICLE, ROLLING, [OF_VEHICLE]),
        (DeviceKind.VEHICLE, OTHER, [OF_METER, OF_OTHERS]),
    ):
        for day in days:
            _report(connection, kind, device_id, midnight(day))
        _newest(connection, kind, device_id)
    connection.execute("UPDATE partition_ledger SET state = 'exported', version = 1 WHERE day <> %s", [OPEN])
    connection.execute(
        "INSERT INTO partition_ledger (stream, day, state, late_after, seal_after) "
        "SELECT stream, %s, 'dropped', now(), now() FROM unnest(%s::text[]) AS stream",
        [DROPPED, list(Stream)],
    )
    connection.execute("INSERT INTO day_builds (day, requested, built) VALUES (%s, 3, 3)", [OF_METER])
    for device_id, flags in ((ROLLING, '{"rollover": 1}'), (ROLLING, '{"rollover": 2}'), (OTHER, '{"reset": 1}')):
        connection.execute(
            "INSERT INTO device_hourly (starts_at, energy_kwh, device_id, kind, reading_count, flags) "
            "VALUES (clock_timestamp(), 1, %s, 'meter', 60, %s)",
            [device_id, flags],
        )


def _report(connection: psycopg.Connection, kind: DeviceKind, device_id: int, ts: datetime) -> None:
    connection.execute(f"INSERT INTO {kind}_readings ({kind}_id, ts, kwh) VALUES (%s, %s, 1)".encode(), [device_id, ts])


def _newest(connection: psycopg.Connection, kind: DeviceKind, device_id: int) -> None:
    newest = f"INSERT INTO {kind}_latest ({kind}_id, ts, kwh, received_at) VALUES (%s, now(), 1, now())"
    connection.execute(newest.encode(), [device_id])


def test_the_days_and_hours_of_registers_that_roll_over_are_queued_and_no_others(before: str) -> None:
    said: list[str] = []
    assert MIGRATION.name[:4] in migrate(before, said.append)
    (line,) = (line for line in said if "energy rule" in line)
    assert line == (
        "the energy rule changed: the models of the exported days on which registers with a rolloverKwh report "
        f"(3, {DROPPED} to {OF_METER}) will be built anew, from the exports as they are"
    )
    with connect(before) as connection:
        builds = connection.execute("SELECT day, requested, built, reason FROM day_builds ORDER BY day").fetchall()
        assert [row[:3] for row in builds] == [(DROPPED, 1, 0), (OF_VEHICLE, 1, 0), (OF_METER, 4, 3)]
        assert all(row[3].startswith("the energy rule changed") for row in builds)
        requests = connection.execute("SELECT kind::text, device_id, since FROM hourly_requests").fetchall()
        assert requests == [("meter", ROLLING, None)]


def test_where_no_counter_rolls_over_nothing_is_queued_or_told(before: str) -> None:
    with connect(before) as connection:
        for kind in DeviceKind:
            connection.execute(f"UPDATE {kind}s SET rollover_kwh = NULL WHERE energy_kind = 'counter'".encode())
        connection.execute("TRUNCATE device_hourly")
    said: list[str] = []
    migrate(before, said.append)
    assert not [line for line in said if "energy rule" in line]
    with connect(before) as connection:
        assert connection.execute("SELECT day FROM day_builds WHERE requested > built").fetchall() == []
        assert connection.execute("SELECT FROM hourly_requests").fetchall() == []


def store_a_restart(connection: psycopg.Connection, day: date) -> None:
    """A register that shows 3990, and from one o'clock on counts up from 40, 5.9 in an hour."""
    at_one = midnight(day) + timedelta(hours=13)
    post(connection, [meter_payload(kwhConsumedAc=3990.0, timestamp=iso(at_one - timedelta(hours=4)))])
    post(connection, ramp(meter_payload, "kwhConsumedAc", at_one, 60, 40.0, 0.1))
    post(connection, ramp(vehicle_payload, "kwhDeliveredDc", at_one, 60, 10.0, 0.09))


def register_as_before(connection: psycopg.Connection) -> None:
    """The rule of before called it a rollover, whatever the end: so does today's where the end is higher.

    From the end of one day to 3990 on the next is more than 22 kW: a jump.
    """
    connection.execute("INSERT INTO meters (external_id, rollover_kwh, max_power_kw) VALUES ('meter-1', 4000, 22)")


def change_the_rule(connection: psycopg.Connection) -> None:
    connection.execute("UPDATE meters SET rollover_kwh = 1000")
    connection.execute(MIGRATION.read_bytes())


BOOKED_BEFORE, BOOKED = 50 + 5.9, 40 + 5.9


@pytest.mark.long
def test_exported_and_dropped_days_are_restated_and_exports_stay(
    connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    pipeline = energy_pipeline(database_url, tmp_path / "lake")
    register_as_before(connection)
    dropped, exported = OF_OTHERS, OF_METER
    for day in (dropped, exported):
        store_a_restart(connection, day)
        pipeline.run(day)
        assert booked_kwh(pipeline, day) == pytest.approx(BOOKED_BEFORE)
    drop(connection, dropped)
    require_restated(connection, pipeline, lambda: change_the_rule(connection), {dropped: BOOKED, exported: BOOKED})


def test_closed_hours_are_restated(connection: psycopg.Connection) -> None:
    register_as_before(connection)
    store_a_restart(connection, OF_METER)
    leave_only(connection, OF_METER)
    write_closed_hours(connection, lambda _line: None)
    assert hourly_kwh(connection, OF_METER) == pytest.approx(BOOKED_BEFORE)
    change_the_rule(connection)
    write_closed_hours(connection, lambda _line: None)
    assert hourly_kwh(connection, OF_METER) == pytest.approx(BOOKED)
