"""Makes partitions ahead: one UTC day of one stream each, and its line in the ledger, in one transaction."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

import psycopg

from warehouse import sqlfiles
from warehouse.contract.partitions import Stream, bounds, days_to_make_ahead

_PACKAGE = "warehouse.postgres.partitions"
_ADVISORY_LOCK = 0x70617274_6974696F
"""'partitio' in ASCII. Two makers at once would race for the same table name."""


class MadePartition(NamedTuple):
    """A partition that was not there before."""

    stream: Stream
    day: date


def make_ahead(
    connection: psycopg.Connection, now: datetime, accepted_age: timedelta, grace: timedelta
) -> list[MadePartition]:
    """Make whatever is missing of the accepted window and of the two weeks to come."""
    return make_partitions(connection, days_to_make_ahead(now, accepted_age), grace)


def make_partitions(connection: psycopg.Connection, days: Iterable[date], grace: timedelta) -> list[MadePartition]:
    """Make the partitions of these days, in both streams; those that exist already are left alone.

    The connection must be in autocommit: each partition is a transaction of its own, so that whoever is killed half
    way leaves whole partitions behind, and no lock is held for long.
    """
    wanted = sorted(set(days))
    made = []
    for stream in Stream:
        existing = _existing_days(connection, stream, wanted)
        for day in wanted:
            if day not in existing and _make_partition(connection, stream, day, grace):
                made.append(MadePartition(stream, day))
    return made


def _existing_days(connection: psycopg.Connection, stream: Stream, days: list[date]) -> set[date]:
    rows = connection.execute(sqlfiles.load(_PACKAGE, "list_partition_days"), {"stream": stream, "days": days})
    return {day for (day,) in rows}


def _make_partition(connection: psycopg.Connection, stream: Stream, day: date, grace: timedelta) -> bool:
    """Make one partition; False where another process was quicker, or the day was dropped and is no longer kept."""
    day_bounds = bounds(day, grace)
    partition = {"stream": stream, "day": day, "is_restoring": False}
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        opened = connection.execute(
            sqlfiles.load(_PACKAGE, "open_ledger_day"),
            {"stream": stream, "day": day, "late_after": day_bounds.late_after, "seal_after": day_bounds.seal_after},
        )
        if opened.rowcount == 0:
            return False
        connection.execute(sqlfiles.load(_PACKAGE, "create_partition"), partition)
        connection.execute(sqlfiles.load(_PACKAGE, "attach_partition"), partition)
    return True
