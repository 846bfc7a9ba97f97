"""What a row that was removed leaves on the disk: in pages of tables, the planner's samples, the log of writes.

PostgreSQL frees room and forgets nothing: the bytes stay until something else is written over them.
"""

import time

import psycopg
from psycopg.sql import SQL, Identifier

from warehouse import sqlfiles
from warehouse.contract.device_rows import TABLES

_PACKAGE = "warehouse.postgres.device_data"
_ARCHIVED_WITHIN_S = 60
"""How long an archive is waited for that takes what the server writes."""


def rewrite_tables(connection: psycopg.Connection) -> None:
    """Write the tables anew that have an id or a text in them. Each is locked for as long as that takes.

    Of other tables only numbers were freed, which nothing ties to a device any more. In autocommit.
    """
    for table, holds in TABLES.items():
        if holds.names or holds.texts or holds.sentences or holds.raw:
            rewrite_table(connection, table)


def rewrite_texts(connection: psycopg.Connection) -> None:
    """The same of a database that is not ours, Dagster's: each table with a text."""
    for table, _ in connection.execute(sqlfiles.load(_PACKAGE, "list_text_columns")).fetchall():
        rewrite_table(connection, table)


def rewrite_table(connection: psycopg.Connection, table: str) -> None:
    """Write a table anew, and sample it for the planner."""
    connection.execute(SQL("VACUUM (FULL, ANALYZE) {}").format(Identifier(table)))


def sweep_server(administrator: psycopg.Connection) -> bool:
    """As its superuser: have the server drop the planner's samples and its log of writes of until now.

    Whether the log is gone; False where something holds it back, as an archive that is away.
    """
    administrator.execute("VACUUM (FULL) pg_catalog.pg_statistic")
    old = set(_segments(administrator))
    administrator.execute("ALTER SYSTEM SET wal_recycle = off")  # a recycled segment keeps its old bytes
    try:
        administrator.execute("SELECT pg_reload_conf()")
        # Each switch fills a segment: as many as there are, those that stand ready with old bytes among them.
        for _ in range(len(old) + 1):
            administrator.execute("SELECT pg_switch_wal()")
            administrator.execute("CHECKPOINT")
            if not old.intersection(_segments(administrator)):
                return True
            if _is_archive_failing(administrator):
                return False
        for _ in range(_ARCHIVED_WITHIN_S):
            time.sleep(1)
            administrator.execute("CHECKPOINT")
            if not old.intersection(_segments(administrator)):
                return True
        return False
    finally:
        administrator.execute("ALTER SYSTEM RESET wal_recycle")
        administrator.execute("SELECT pg_reload_conf()")


def _is_archive_failing(administrator: psycopg.Connection) -> bool:
    ((is_failing,),) = administrator.execute(sqlfiles.load(_PACKAGE, "find_failing_archive")).fetchall()
    return bool(is_failing)


def _segments(administrator: psycopg.Connection) -> list[str]:
    return [name for (name,) in administrator.execute(sqlfiles.load(_PACKAGE, "list_wal_segments"))]
