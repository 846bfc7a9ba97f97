"""The small tables beside the readings (devices, mappings, decisions), as they are now, for whoever exports them."""

from typing import Any

import psycopg

from warehouse import sqlfiles


def read_table(connection: psycopg.Connection, table: str) -> psycopg.Cursor[tuple[Any, ...]]:
    """A cursor over all rows; its description tells the columns' names and types."""
    return connection.execute(sqlfiles.load("warehouse.postgres.readings", f"read_{table}"))
