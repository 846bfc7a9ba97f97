"""What a day of a stream amounts to in PostgreSQL: what its file must hold before the table may go."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import psycopg
from psycopg.rows import class_row
from psycopg.sql import Identifier

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


def partition_figures(connection: psycopg.Connection, stream: Stream, day: date) -> Figures:
    """Count the day's table, attached or not."""
    return table_figures(connection, stream, partition_name(stream, day))


def partitions_bytes(connection: psycopg.Connection, day: date) -> int:
    """What the day's readings take up in PostgreSQL, both streams and without indexes; 0 where there is no table."""
    partitions = [partition_name(stream, day) for stream in Stream]
    query = sqlfiles.load("warehouse.postgres", "sum_partition_sizes")
    ((size_bytes,),) = connection.execute(query, {"partitions": partitions}).fetchall()
    return int(size_bytes)


def table_figures(connection: psycopg.Connection, stream: Stream, table: str) -> Figures:
    """Count a table that is shaped as a partition of the stream."""
    names = {"partition": Identifier(table), "device_id": Identifier(DEVICE_ID[stream])}
    query = sqlfiles.load("warehouse.postgres", "sum_partition").format(**names)
    with connection.cursor(row_factory=class_row(Figures)) as cursor:
        (figures,) = cursor.execute(query).fetchall()
    return figures
