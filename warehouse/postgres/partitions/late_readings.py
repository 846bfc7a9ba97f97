"""Which readings of a day devices sent late, and when each came in.

Readings carry no such instant: it would be a third of what they take up. ``late_rows`` has it for each statement that
stored late ones, and PostgreSQL keeps with every row by which transaction it was stored.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.contract.partitions import Stream, partition_name
from warehouse.postgres.ledger.partition_figures import DEVICE_ID

_BATCH_ROWS = 50_000


class LateReading(NamedTuple):
    """A reading that a device sent later than half of the grace after its day ended."""

    device_id: int
    ts: datetime
    kwh: float
    received_at: datetime


def late_readings(connection: psycopg.Connection, stream: Stream, day: date) -> Iterator[list[LateReading]]:
    """Those of a day of a stream that PostgreSQL has, some at a time; what an import brought is not among them.

    After a restore from a dump all of a table was stored by one transaction, and nothing is known any more.
    """
    query = sqlfiles.load("warehouse.postgres.partitions", "list_late_readings").format(
        device_id=Identifier(DEVICE_ID[stream]), partition=Identifier(partition_name(stream, day))
    )
    with connection.cursor(row_factory=class_row(LateReading)) as cursor:
        cursor.execute(query, {"stream": stream, "day": day})
        while some := cursor.fetchmany(_BATCH_ROWS):
            yield some
