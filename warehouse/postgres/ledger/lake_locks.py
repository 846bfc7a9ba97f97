"""Who reads the lake, describes it or carries a day on, by advisory locks: each ends with its session at the latest."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres.ledger"
_LAKE_LOCK = 0x6C616B65
"""'lake' in ASCII: the first key of the advisory locks; the second says what is locked."""
_DESCRIBING, _READING, _CARRYING = 1, 2, 3
_POLL_S = 0.1


@dataclass(frozen=True)
class LakeReading:
    """Somebody who reads the lake: a session of PostgreSQL, which may not tell everybody where from and since when."""

    pid: int
    address: str | None
    since: datetime | None

    def __str__(self) -> str:
        where = f" at {self.address}" if self.address else ""
        when = f" since {self.since:%Y-%m-%d %H:%M}Z" if self.since else ""
        return f"session {self.pid}{where}{when}"


@contextmanager
def lake_described(connection: psycopg.Connection) -> Iterator[None]:
    """One process at a time writes down what readers see, so that the newest has the last word."""
    connection.execute("SELECT pg_advisory_lock(%s, %s)", (_LAKE_LOCK, _DESCRIBING))
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s, %s)", (_LAKE_LOCK, _DESCRIBING))


def lock_carrying(connection: psycopg.Connection) -> None:
    """One transaction at a time says what a day carries on to the next one; until it ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LAKE_LOCK, _CARRYING))


def begin_reading(connection: psycopg.Connection) -> None:
    """From here on no version is removed that could be seen now, until this connection ends."""
    connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (_LAKE_LOCK, _READING))


def readers_after(connection: psycopg.Connection, patience: timedelta) -> list[LakeReading]:
    """Those who read the lake now and still do after so long; none, as soon as all of them have ended.

    Who begins meanwhile is not waited for: a lake that is read all the time would never be without readers.
    """
    deadline = time.monotonic() + patience.total_seconds()
    readers = _readers(connection)
    while readers and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        still = {each.pid for each in _readers(connection)}
        readers = [each for each in readers if each.pid in still]
    return readers


def _readers(connection: psycopg.Connection) -> list[LakeReading]:
    parameters = {"lock": _LAKE_LOCK, "reading": _READING}
    with connection.cursor(row_factory=class_row(LakeReading)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_lake_readers"), parameters).fetchall()
