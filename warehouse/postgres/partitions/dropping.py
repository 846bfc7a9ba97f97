"""How a partition leaves PostgreSQL: detached, counted once more where no row can come in, then dropped. And back.

Detaching and the ledger's word are one transaction, so a window query finds either the rows or "no longer kept". A
worker that is killed after it leaves a table that belongs to no parent; ``detached_days`` finds it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import psycopg

from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.partitions import PartitionState, Stream, partition_name
from warehouse.postgres.audit.entries import record
from warehouse.postgres.ledger import day_ledger

_PACKAGE = "warehouse.postgres.partitions"
_LOCK_TIMEOUT = "200ms"
"""A DETACH that waits for a reader makes every insert wait behind it."""
_RESTORE_LOCK = 0x6261636B
"""'back' in ASCII: the first key of the advisory locks; the second is the day."""
_ATTEMPTS = 25
_PAUSE_S = 0.2


def detached_days(connection: psycopg.Connection) -> list[tuple[Stream, date]]:
    """The days that were detached and neither dropped nor attached again."""
    rows = connection.execute(sqlfiles.load(_PACKAGE, "find_detached_days"))
    return [(Stream(stream), day) for stream, day in rows]


def is_gone(connection: psycopg.Connection, stream: Stream, day: date) -> bool:
    """Whether the day is dropped and its table, too."""
    is_dropped = day_ledger.stream_day(connection, stream, day).state == PartitionState.DROPPED
    return is_dropped and (stream, day) not in detached_days(connection)


def detach(connection: psycopg.Connection, stream: Stream, day: date) -> bool:
    """Detach a day, for the ledger it is dropped; False where readers were in the way all the time.

    The connection must be in autocommit.
    """
    for _ in range(_ATTEMPTS):
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
                connection.execute(sqlfiles.load(_PACKAGE, "detach_partition"), _of(stream, day))
                _set_state(connection, stream, day, PartitionState.DROPPED)
                record(connection, Action.DAY_DROP, _dropped(stream, day))
        except psycopg.errors.LockNotAvailable:
            time.sleep(_PAUSE_S)
        else:
            return True
    return False


def _dropped(stream: Stream, day: date) -> Change:
    was, is_now = ({"stream": stream, "state": each} for each in (PartitionState.EXPORTED, PartitionState.DROPPED))
    return Change(SubjectKind.DAY, day.isoformat(), was, is_now)


def attach_again(connection: psycopg.Connection, stream: Stream, day: date) -> None:
    """Undo ``detach``. The day is sealed, and so it is exported again."""
    with connection.transaction():
        connection.execute(sqlfiles.load(_PACKAGE, "attach_partition"), _of(stream, day))
        _set_state(connection, stream, day, PartitionState.SEALED)


def drop_detached(connection: psycopg.Connection, stream: Stream, day: date) -> None:
    """Drop the table of a detached day, where there is one."""
    connection.execute(sqlfiles.load(_PACKAGE, "drop_partition"), _of(stream, day))


def drop_beside(connection: psycopg.Connection, stream: Stream, day: date) -> None:
    """Drop what ``make_table_beside`` made, where it is there."""
    connection.execute(sqlfiles.load(_PACKAGE, "drop_partition"), _of(stream, day, is_restoring=True))


def make_table_beside(connection: psycopg.Connection, stream: Stream, day: date) -> str:
    """Make an empty table for a dropped day, beside the name that is the day's; returns its name.

    One that a killed restore left makes way.
    """
    drop_beside(connection, stream, day)
    connection.execute(sqlfiles.load(_PACKAGE, "create_partition"), _of(stream, day, is_restoring=True))
    return f"{partition_name(stream, day)}_restoring"


@contextmanager
def restoring(connection: psycopg.Connection, day: date) -> Iterator[list[Stream]]:
    """The streams of a day that are dropped, to be restored within the block by nobody else."""
    key = (_RESTORE_LOCK, day.toordinal())
    connection.execute("SELECT pg_advisory_lock(%s, %s)", key)
    try:
        rows = connection.execute(sqlfiles.load(_PACKAGE, "list_dropped_streams"), {"day": day}).fetchall()
        yield [Stream(stream) for (stream,) in rows]
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def attach_restored(connection: psycopg.Connection, stream: Stream, day: date) -> None:
    """Make the table beside a dropped day its partition, which is open again. A detached table of the day makes way."""
    with connection.transaction():
        drop_detached(connection, stream, day)
        connection.execute(sqlfiles.load(_PACKAGE, "rename_restored"), _of(stream, day))
        connection.execute(sqlfiles.load(_PACKAGE, "attach_partition"), _of(stream, day))
        _set_state(connection, stream, day, PartitionState.OPEN)


def _set_state(connection: psycopg.Connection, stream: Stream, day: date, state: PartitionState) -> None:
    parameters = {"stream": stream, "day": day, "state": state}
    connection.execute(sqlfiles.load(_PACKAGE, "set_day_state"), parameters)


def _of(stream: Stream, day: date, *, is_restoring: bool = False) -> dict[str, object]:
    return {"stream": stream, "day": day, "is_restoring": is_restoring}
