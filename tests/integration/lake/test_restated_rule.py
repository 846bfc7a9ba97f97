"""A database of before the energy rule's last change is restated when it is migrated, and says so."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.closed_hours import leave_only
from tests.earlier_schema import database_before
from tests.factories import iso, meter_payload, ramp, vehicle_payload
from tests.integration.lake.booked import booked_kwh, drop, energy_pipeline, hourly_kwh, require_restated
from tests.integration.lake.stored import post
from warehouse.contract.partitions import Stream, midnight
from warehouse.postgres.connection import connect
from warehouse.postgres.hours.device_hours import write_closed_hours
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import MIGRATIONS

TODAY = datetime.now(UTC).date()
EXPORTED, DROPPED, OPEN = (TODAY - timedelta(days=back) for back in (4, 5, 3))
MIGRATION = next((MIGRATIONS / "versions").glob("*_max_reset_kwh.sql"))


@pytest.fixture
def before(server_url: str) -> Iterator[str]:
    """A database at the revision before the change."""
    with database_before(server_url, MIGRATION) as url:
        yield url


def test_what_was_booked_before_is_queued_and_the_user_is_told(before: str) -> None:
    with connect(before) as connection:
        connection.execute("INSERT INTO meters (external_id) VALUES ('m'), ('other')")
        for day, state in ((DROPPED, "dropped"), (EXPORTED, "exported"), (OPEN, "open")):
            for stream in Stream:
                connection.execute(
                    "INSERT INTO partition_ledger (stream, day, state, late_after, seal_after) "
                    "VALUES (%s, %s, %s, now(), now())",
                    [stream, day, state],
                )
        connection.execute("INSERT INTO day_builds (day, requested, built) VALUES (%s, 3, 3)", [EXPORTED])
        for device_id, flags in ((1, '{"reset": 1}'), (1, '{"gap": 1, "rebase": 1}'), (2, '{"dip": 9, "gap": 1}')):
            connection.execute(
                "INSERT INTO device_hourly (starts_at, energy_kwh, device_id, kind, reading_count, flags) "
                "VALUES (clock_timestamp(), 1, %s, 'meter', 60, %s)",
                [device_id, flags],
            )
    said: list[str] = []
    assert MIGRATION.name[:4] in migrate(before, said.append)
    (line,) = (line for line in said if "energy rule" in line)
    assert line == (
        f"the energy rule changed: the models of all exported days (2, {DROPPED} to {EXPORTED}) will be built "
        "anew, from the exports as they are; fleetwatt status shows which are still to be"
    )
    with connect(before) as connection:
        builds = connection.execute("SELECT day, requested, built, reason FROM day_builds ORDER BY day").fetchall()
        assert [row[:3] for row in builds] == [(DROPPED, 1, 0), (EXPORTED, 4, 3)]
        assert all(row[3].startswith("the energy rule changed") for row in builds)
        requests = connection.execute("SELECT kind::text, device_id, since FROM hourly_requests").fetchall()
        assert requests == [("meter", 1, None)]
        assert connection.execute("SELECT DISTINCT max_reset_kwh FROM meters").fetchall() == [(150.0,)]
    again: list[str] = []
    assert migrate(before, again.append) == []
    assert again == []


def test_a_database_without_exported_days_has_nothing_to_tell(before: str) -> None:
    said: list[str] = []
    migrate(before, said.append)
    assert not [line for line in said if "energy rule" in line]


def put_in_a_used_meter(connection: psycopg.Connection, day: date, old_kwh: float, used_kwh: float) -> None:
    """What the old meter shows at nine, and the used one at one o'clock; then it counts 5.9 in an hour."""
    at_nine = midnight(day) + timedelta(hours=9)
    post(connection, [meter_payload(kwhConsumedAc=old_kwh, timestamp=iso(at_nine))])
    at_one = at_nine + timedelta(hours=4)
    post(connection, ramp(meter_payload, "kwhConsumedAc", at_one, 60, used_kwh, 0.1))
    post(connection, ramp(vehicle_payload, "kwhDeliveredDc", at_one, 60, 10.0, 0.09))


def register_as_before(connection: psycopg.Connection) -> None:
    """By the rule of before, whatever a register shows after a restart is booked."""
    connection.execute("INSERT INTO meters (external_id, max_reset_kwh) VALUES ('meter-1', NULL)")


def change_the_rule(connection: psycopg.Connection) -> None:
    for devices in ("meters", "vehicles"):
        connection.execute(SQL("ALTER TABLE {} DROP COLUMN max_reset_kwh").format(Identifier(devices)))
    connection.execute(MIGRATION.read_bytes())


def test_exported_and_dropped_days_are_restated_and_exports_stay(
    connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    pipeline = energy_pipeline(database_url, tmp_path / "lake")
    register_as_before(connection)
    for day, old_kwh, used_kwh, booked in ((DROPPED, 12034.5, 850.0, 855.9), (EXPORTED, 856.0, 700.0, 706.0)):
        put_in_a_used_meter(connection, day, old_kwh, used_kwh)
        pipeline.run(day)
        assert booked_kwh(pipeline, day) == pytest.approx(booked)
    drop(connection, DROPPED)
    require_restated(connection, pipeline, lambda: change_the_rule(connection), {DROPPED: 5.9, EXPORTED: 6.0})


def test_closed_hours_are_restated(connection: psycopg.Connection) -> None:
    register_as_before(connection)
    put_in_a_used_meter(connection, EXPORTED, 12034.5, 850.0)
    leave_only(connection, EXPORTED)
    write_closed_hours(connection, lambda _line: None)
    assert hourly_kwh(connection, EXPORTED) == pytest.approx(855.9)
    change_the_rule(connection)
    write_closed_hours(connection, lambda _line: None)
    assert hourly_kwh(connection, EXPORTED) == pytest.approx(5.9)
