"""What was done after an instant, for a database that is brought back to it: to undo the rest hides nobody's act."""

from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres.audit"
_LONGEST_ACT = timedelta(hours=1)
"""An entry that was committed after an instant may have been written before it."""

LaterEntries = list[dict[str, Any]]
"""Rows of ``audit_log`` as JSON has them."""


def later_entries(connection: psycopg.Connection, instant: datetime) -> LaterEntries:
    """All that may not have been committed at the instant."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(sqlfiles.load(_PACKAGE, "list_later_entries"), {"after": instant - _LONGEST_ACT})
        return [row["entry"] for row in rows]


def bring_back(connection: psycopg.Connection, entries: LaterEntries) -> None:
    """Add those that are not there, behind those that are."""
    connection.execute(sqlfiles.load(_PACKAGE, "add_missing_entries"), {"entries": Jsonb(entries)})
