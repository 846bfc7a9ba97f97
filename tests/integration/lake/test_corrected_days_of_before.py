"""Days whose readings were corrected before their rows said so are built again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from tests.earlier_schema import database_before
from warehouse.contract.partitions import Stream, midnight
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import MIGRATIONS

MIGRATION = next((MIGRATIONS / "versions").glob("*_corrected_days.sql"))
TODAY = datetime.now(UTC).date()
AS_RECEIVED, CORRECTED, DROPPED, NEVER_BUILT = (TODAY - timedelta(days=back) for back in range(3, 7))


def _add(connection: psycopg.Connection, day: date, state: str, *, is_built: bool = True) -> None:
    for stream in Stream:
        connection.execute(
            "INSERT INTO partition_ledger (stream, day, state, late_after, seal_after) "
            "VALUES (%s, %s, %s, now(), now())",
            [stream, day, state],
        )
    if is_built:
        connection.execute(
            "INSERT INTO lake_files (dataset, day, version, sha256, size_bytes, row_count) "
            "VALUES ('daily_vehicle_efficiency', %s, 1, %s, 1, 1)",
            [day, bytes(32)],
        )


@pytest.fixture
def before(server_url: str) -> Iterator[str]:
    """A database at the revision before: corrections from the middle of one day to the last instant of another."""
    with database_before(server_url, MIGRATION) as url:
        with connect(url) as connection:
            _add(connection, AS_RECEIVED, "exported")
            _add(connection, CORRECTED, "exported")
            _add(connection, DROPPED, "dropped")
            _add(connection, NEVER_BUILT, "exported", is_built=False)
            connection.execute(
                "INSERT INTO reading_corrections (kind, device_id, starts_at, ends_at, action, why, who) "
                "VALUES ('meter', 1, %s, %s, 'void', 'a test', 'ann')",
                [midnight(NEVER_BUILT), midnight(AS_RECEIVED)],
            )
            connection.execute("INSERT INTO day_builds (day, requested, built) VALUES (%s, 3, 3)", [CORRECTED])
        yield url


def test_those_that_were_built_are_queued_and_no_others(before: str) -> None:
    assert MIGRATION.name[:4] in migrate(before)
    with connect(before) as connection:
        builds = connection.execute("SELECT day, requested, built FROM day_builds ORDER BY day").fetchall()
        assert builds == [(DROPPED, 1, 0), (CORRECTED, 4, 3)]
        assert [each.day for each in day_ledger.days_to_run(connection)] == [DROPPED, CORRECTED]
