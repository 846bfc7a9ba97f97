"""The small tables beside the readings (devices, mappings, decisions), as they are now, for whoever exports them."""

from datetime import date
from typing import Any

import psycopg

from warehouse import sqlfiles


def read_table(connection: psycopg.Connection, table: str, day: date | None = None) -> psycopg.Cursor[tuple[Any, ...]]:
    """A cursor over all rows, or of what is kept by day over this day's; its description tells the columns."""
    return connection.execute(sqlfiles.load("warehouse.postgres.readings", f"read_{table}"), {"day": day})
