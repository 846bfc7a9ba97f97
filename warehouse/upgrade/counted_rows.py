"""How many rows each table has before and after: whoever migrates alone adds rows, and loses none."""

import psycopg
from psycopg.sql import Identifier

from warehouse import sqlfiles

_PACKAGE = "warehouse.upgrade"

Counts = dict[str, int]
"""Of each table, by its name; of readings, of each day's."""


def count_rows(connection: psycopg.Connection) -> Counts:
    """Count all rows, in one snapshot."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        names = [name for (name,) in connection.execute(sqlfiles.load(_PACKAGE, "list_tables"))]
        return {name: count_table(connection, name) for name in names}


def count_table(connection: psycopg.Connection, name: str) -> int:
    """How many rows a table has."""
    row = connection.execute(sqlfiles.load(_PACKAGE, "count_rows").format(table=Identifier(name))).fetchone()
    return int(row[0]) if row else 0


def lost_rows(before: Counts, after: Counts) -> list[str]:
    """What has fewer rows than before, in words."""
    return [
        f"{name} had {number:,} rows and has {after.get(name, 0):,}"
        for name, number in before.items()
        if after.get(name, 0) < number
    ]
