"""Days of the ledger, as they are told."""

from datetime import date
from itertools import groupby
from typing import NamedTuple

from ingest_api.data_health.day_schemas import LedgerDay
from ingest_api.database import Connection, fetch_all
from warehouse import sqlfiles


class AskedDays(NamedTuple):
    """``since <= day < until``, and before the last day of the page before, if there is one; newest first."""

    since: date
    until: date
    limit: int
    before: date | None = None


async def find_days(connection: Connection, asked: AskedDays) -> list[LedgerDay]:
    """At most ``limit`` of them, newest first."""
    parameters = asked._asdict() | {"before": asked.before or "infinity"}
    rows = await fetch_all(connection, sqlfiles.load("ingest_api.data_health", "list_days"), parameters)
    return [LedgerDay.of(day, list(streams)) for day, streams in groupby(rows, key=lambda row: row["day"])]
