"""What a day of a stream amounts to in PostgreSQL: what its file must hold before the table may go."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier

from warehouse import sqlfiles
from warehouse.contract.partitions import Stream, partition_name
from warehouse.contract.tables import DeviceKind

DEVICE_ID = {kind.readings: kind.device_id for kind in DeviceKind}
"""The column that names the device, by stream."""


@dataclass(frozen=True)
class Figures:
    """What a day of a stream amounts to. Registers are summed in mWh, only to be compared."""

    row_count: int
    energy_mwh: Decimal
    first_ts: datetime | None
    last_ts: datetime | None
    device_count: int


class PageFigures(NamedTuple):
    """What some pages of a table amount to."""

    row_count: int
    energy_mwh: Decimal
    first_ts: datetime | None
    last_ts: datetime | None


_ALL_PAGES = 2**32 - 1
"""A table has no more."""


def partition_figures(connection: psycopg.Connection, stream: Stream, day: date) -> Figures:
    """Count the day's table, attached or not."""
    return table_figures(connection, stream, partition_name(stream, day))


def table_figures(connection: psycopg.Connection, stream: Stream, table: str) -> Figures:
    """Count a table that is shaped as a partition of the stream."""
    names = {"partition": Identifier(table), "encoded_rows": SQL("NULL")}
    query = sqlfiles.load("warehouse.postgres", "sum_pages").format(**names)
    ((*counted, _),) = connection.execute(query, {"table": table, "pages": _ALL_PAGES}).fetchall()
    return added_up(connection, stream, table, [PageFigures(*counted)])


def added_up(connection: psycopg.Connection, stream: Stream, table: str, pages: Iterable[PageFigures]) -> Figures:
    """The figures of a table whose pages were counted; its devices are counted now."""
    names = {"partition": Identifier(table), "device_id": Identifier(DEVICE_ID[stream])}
    query = sqlfiles.load("warehouse.postgres.ledger", "count_devices").format(**names)
    ((device_count,),) = connection.execute(query).fetchall()
    rows, energies, firsts, lasts = zip(*pages, strict=True)
    return Figures(
        sum(rows),
        sum(energies, Decimal(0)),
        min(filter(None, firsts), default=None),
        max(filter(None, lasts), default=None),
        device_count,
    )


def partitions_bytes(connection: psycopg.Connection, day: date) -> int:
    """What the day's readings take up in PostgreSQL, both streams and without indexes; 0 where there is no table."""
    partitions = [partition_name(stream, day) for stream in Stream]
    query = sqlfiles.load("warehouse.postgres.ledger", "sum_partition_sizes")
    ((size_bytes,),) = connection.execute(query, {"partitions": partitions}).fetchall()
    return int(size_bytes)
