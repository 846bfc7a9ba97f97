"""Reindexes closed days.

Readings arrive minute by minute while the index is sorted by device, so each of its pages was split in the middle, and
the half that lies in the past never fills again: a day's index ends up twice as large as it needs to be. Rebuilt, it
is dense, and a window query reads fewer pages. Concurrently: nobody who reads or writes waits for it.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres.partitions"
LOOSENESS = 1.25
"""From here on it is worth the work; a rebuilt index that took some late rows stays below."""
LEAST_BYTES = 8 * 1024 * 1024


class Reindexed(NamedTuple):
    """An index that was rebuilt, and its size before and after, in bytes."""

    name: str
    before_bytes: int
    after_bytes: int

    def __str__(self) -> str:
        """For people."""
        return f"{self.name}: {self.before_bytes / 1e6:,.1f} MB before, {self.after_bytes / 1e6:,.1f} MB now"


def reindex_closed_days(connection: psycopg.Connection, least_bytes: int = LEAST_BYTES) -> Iterator[Reindexed]:
    """Rebuild each index that is larger than it needs to be, one after the other. Safe to kill and to repeat.

    The connection must be in autocommit.
    """
    for (name,) in connection.execute(sqlfiles.load(_PACKAGE, "find_unfinished_indexes")).fetchall():
        with suppress(psycopg.errors.LockNotAvailable):  # somebody reads there all the time; the next time will do
            connection.execute(sqlfiles.load(_PACKAGE, "drop_unfinished_index"), {"name": name})
    bounds = {"looseness": LOOSENESS, "least_bytes": least_bytes}
    for name, before_bytes in connection.execute(sqlfiles.load(_PACKAGE, "find_loose_indexes"), bounds).fetchall():
        connection.execute(SQL("REINDEX INDEX CONCURRENTLY {}").format(Identifier(name)))
        ((after_bytes,),) = connection.execute("SELECT pg_relation_size(%s::regclass)", [name]).fetchall()
        yield Reindexed(name, before_bytes, after_bytes)
