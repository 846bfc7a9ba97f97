"""Days that were built before there were sessions, data faults and losses get them, and the user is told."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.earlier_schema import database_before
from tests.fewer_models import catalog_of
from tests.integration.lake.copied_days import charged_day
from tests.lake_folder import newest_file
from warehouse.contract.partitions import Stream
from warehouse.lifecycle.fault_step import FAULTS
from warehouse.lifecycle.loss_step import LOSSES
from warehouse.lifecycle.session_step import SESSIONS
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import MIGRATIONS

MIGRATION = next((MIGRATIONS / "versions").glob("*_losses_of_built_days.sql"))
TODAY = datetime.now(UTC).date()
WHOLE, WITHOUT_LOSSES, DROPPED, WITHOUT_ALL, NEVER_BUILT = (TODAY - timedelta(days=back) for back in range(3, 8))
BUILT = ("meter_readings", "hourly_energy")


def _add(connection: psycopg.Connection, day: date, state: str, *datasets: str) -> None:
    for stream in Stream:
        connection.execute(
            "INSERT INTO partition_ledger (stream, day, state, late_after, seal_after) "
            "VALUES (%s, %s, %s, now(), now())",
            [stream, day, state],
        )
    for dataset in datasets:
        connection.execute(
            "INSERT INTO lake_files (dataset, day, version, sha256, size_bytes, row_count) "
            "VALUES (%s, %s, 1, %s, 1, 1)",
            [dataset, day, bytes(32)],
        )


@pytest.fixture
def before(server_url: str) -> Iterator[str]:
    """A database at the revision before, with a day of each kind."""
    with database_before(server_url, MIGRATION) as url:
        with connect(url) as connection:
            _add(connection, WHOLE, "exported", *BUILT, "charging_sessions", "data_faults", "loss_sources")
            _add(connection, WITHOUT_LOSSES, "exported", *BUILT, "charging_sessions", "data_faults")
            _add(connection, DROPPED, "dropped", *BUILT, "charging_sessions")
            _add(connection, WITHOUT_ALL, "exported", *BUILT)
            _add(connection, NEVER_BUILT, "exported", "meter_readings")
            connection.execute("INSERT INTO day_builds (day, requested, built) VALUES (%s, 3, 3)", [WITHOUT_LOSSES])
        yield url


def test_days_that_lack_some_of_them_are_queued_and_no_others(before: str) -> None:
    said: list[str] = []
    assert MIGRATION.name[:4] in migrate(before, said.append)
    (line,) = (line for line in said if "losses" in line)
    assert line == (
        f"the built days that have no sessions, data faults or losses yet (3, {WITHOUT_ALL} to {WITHOUT_LOSSES}) "
        "will be built anew, oldest first, from the exports as they are; fleetwatt status shows which are still to be"
    )
    with connect(before) as connection:
        builds = connection.execute("SELECT day, requested, built, reason FROM day_builds ORDER BY day").fetchall()
        assert [row[:3] for row in builds] == [(WITHOUT_ALL, 1, 0), (DROPPED, 1, 0), (WITHOUT_LOSSES, 4, 3)]
        assert {row[3] for row in builds} == {"it was built before there were sessions, data faults and losses"}
        assert [each.day for each in day_ledger.days_to_run(connection)] == [WITHOUT_ALL, DROPPED, WITHOUT_LOSSES]


def test_a_database_without_such_days_has_nothing_to_tell(before: str) -> None:
    with connect(before) as connection:
        connection.execute("DELETE FROM lake_files WHERE dataset = 'hourly_energy' AND day <> %s", [WHOLE])
    said: list[str] = []
    migrate(before, said.append)
    assert not [line for line in said if "losses" in line]


def test_a_day_of_the_release_before_is_built_anew_from_its_exports(
    server_url: str, template: str, tmp_path: Path
) -> None:
    with (
        charged_day(server_url, template, tmp_path, WITHOUT_ALL, catalog_of()) as pipeline,
        connect(pipeline.url) as connection,
    ):
        made = (*SESSIONS, *FAULTS, *LOSSES)
        exported = newest_file(pipeline.lake, "meter_readings", WITHOUT_ALL)
        as_it_was = {name: newest_file(pipeline.lake, name, WITHOUT_ALL).read_bytes() for name in made}
        connection.execute("DELETE FROM lake_release_files WHERE dataset = any(%s)", [list(made)])
        for table in ("lake_files", "lake_file_versions"):
            connection.execute(f"DELETE FROM {table} WHERE dataset = any(%s)".encode(), [list(made)])
        assert day_ledger.days_to_run(connection) == []
        connection.execute(MIGRATION.read_bytes())
        (queued,) = day_ledger.days_to_run(connection)
        pipeline.run(queued.day)
        assert newest_file(pipeline.lake, "meter_readings", WITHOUT_ALL) == exported
        assert {name: newest_file(pipeline.lake, name, WITHOUT_ALL).read_bytes() for name in made} == as_it_was
        assert day_ledger.days_to_run(connection) == []
