"""Released days that tell of findings, without a lake."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import psycopg

from tests.told_findings import DAY
from warehouse.postgres.findings.finding_store import lock_findings, retell_findings


def tell(connection: psycopg.Connection, rows: Iterable[dict[str, Any]], day: date = DAY) -> int:
    """A day that tells of these is released; how many findings that changed."""
    with connection.transaction():
        lock_findings(connection)
        return len(retell_findings(connection, rows, day))
