"""How a day's rows come from the lake into tables for the API: as CSV, one day's transaction at a time."""

from collections.abc import Sequence

import psycopg
from psycopg.sql import SQL, Identifier

from warehouse import sqlfiles

_LOCK = 0x63686172
"""'char' in ASCII: the first key of an advisory lock."""
_WRITING = 1

NULL = r"\N"
"""What stands for a missing value in the rows."""


def lock_charging(transaction: psycopg.Connection) -> None:
    """One transaction at a time replaces days, until it ends.

    A restatement may take a session to another day, and whoever writes a day removes days that are too old.
    """
    transaction.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, _WRITING))


def copy_rows(transaction: psycopg.Connection, table: str, columns: Sequence[str], rows: bytes) -> None:
    """Add rows of CSV without a header, ``NULL`` for what is missing."""
    copy = sqlfiles.load("warehouse.postgres.charging", "copy_rows").format(
        rows_of=Identifier(table), names=SQL(", ").join(map(Identifier, columns))
    )
    with transaction.cursor() as cursor, cursor.copy(copy) as target:
        target.write(rows)
