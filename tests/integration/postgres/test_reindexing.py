"""Reindexing closed days: smaller, the same rows, nobody waits, and what a killed one left is cleared."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from warehouse.contract.partitions import Stream, midnight, partition_name
from warehouse.postgres.connection import connect
from warehouse.postgres.partitions.reindexing import Reindexed, reindex_closed_days

DAY = datetime.now(UTC).date() - timedelta(days=3)
TABLE = partition_name(Stream.METER_READINGS, DAY)
INDEX = f"{TABLE}_pkey"
FILL = """
    INSERT INTO meter_readings (meter_id, ts, kwh)
    SELECT meter_id, %(start)s::timestamptz + minute * interval '1 minute', minute
    FROM generate_series(1, 600) AS minute, generate_series(1, 100) AS meter_id
    ORDER BY minute, meter_id
"""


@pytest.fixture
def loose(connection: psycopg.Connection) -> psycopg.Connection:
    """A day that was written minute by minute."""
    connection.execute(FILL.encode(), {"start": midnight(DAY)})
    connection.execute(SQL("VACUUM ANALYZE {}").format(Identifier(TABLE)))
    return connection


def seal(connection: psycopg.Connection) -> None:
    connection.execute("UPDATE partition_ledger SET state = 'sealed' WHERE day = %s", [DAY])


def reindex(connection: psycopg.Connection) -> list[Reindexed]:
    return list(reindex_closed_days(connection, least_bytes=0))


def rows(connection: psycopg.Connection) -> list[tuple[int, float]]:
    query = "SELECT count(*), sum(kwh) FROM meter_readings"
    return connection.execute(query).fetchall()


def test_a_closed_day_is_reindexed_once(loose: psycopg.Connection) -> None:
    before = rows(loose)
    assert reindex(loose) == []  # while it is open, it is left alone
    seal(loose)
    (index,) = reindex(loose)
    assert index.name == INDEX
    assert index.after_bytes < 0.75 * index.before_bytes
    assert reindex(loose) == []
    assert rows(loose) == before
    with pytest.raises(psycopg.errors.UniqueViolation):
        loose.execute(FILL.encode(), {"start": midnight(DAY)})


def test_what_is_small_is_not_worth_it(loose: psycopg.Connection) -> None:
    seal(loose)
    assert list(reindex_closed_days(loose)) == []


def test_nobody_waits_for_it(loose: psycopg.Connection, database_url: str) -> None:
    seal(loose)
    with connect(database_url) as writer, writer.transaction():
        late = "INSERT INTO meter_readings (meter_id, ts, kwh) VALUES (1, %s, 1)"
        writer.execute(late.encode(), [midnight(DAY) + timedelta(seconds=1)])
        with connect(database_url) as worker:
            worker.execute("SET lock_timeout = '200ms'")  # it waits for the writer's end, and not the other way round
            with pytest.raises(psycopg.errors.LockNotAvailable):
                reindex(worker)
        writer.execute(late.encode(), [midnight(DAY) + timedelta(seconds=2)])


def test_what_a_killed_one_left_is_cleared(loose: psycopg.Connection, database_url: str) -> None:
    seal(loose)
    with connect(database_url) as writer, writer.transaction():
        late = "INSERT INTO meter_readings (meter_id, ts, kwh) VALUES (1, %s, 1)"
        writer.execute(late.encode(), [midnight(DAY) + timedelta(seconds=1)])
        with connect(database_url) as worker:
            worker.execute("SET lock_timeout = '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                reindex(worker)
    left = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    assert loose.execute(left).fetchone() == (1,)
    assert len(reindex(loose)) == 1
    assert loose.execute(left).fetchone() == (0,)
    assert loose.execute("SELECT to_regclass(%s) IS NOT NULL", [INDEX]).fetchone() == (True,)
