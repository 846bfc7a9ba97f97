"""A day's readings out of PostgreSQL and into it, as numpy columns: no row ever becomes a Python object."""

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.contract.partitions import Stream
from warehouse.postgres.binary_arrays import (
    POSTGRES_EPOCH_US,
    BinaryArray,
    Float4Array,
    Float8Array,
    Int4Array,
    TimestamptzArray,
)

Rows = Mapping[str, npt.NDArray[Any]]
"""Some rows by column. Instants are microseconds since 1970; a missing sensor is NaN."""

COLUMNS: Mapping[Stream, Mapping[str, type[BinaryArray]]] = {
    Stream.METER_READINGS: {
        "meter_id": Int4Array,
        "ts": TimestamptzArray,
        "kwh": Float8Array,
        "voltage_volts": Float4Array,
    },
    Stream.VEHICLE_READINGS: {
        "vehicle_id": Int4Array,
        "ts": TimestamptzArray,
        "kwh": Float8Array,
        "soc_percent": Float4Array,
        "battery_temp_celsius": Float4Array,
    },
}
"""What a reading consists of, in the order in which it is packed."""

_PAGES = 500
"""How many pages are one value: 1.6 MB, some 65,000 rows."""


def read_rows(connection: psycopg.Connection, stream: Stream, table: str) -> Generator[Rows]:
    """The rows of a table that is shaped as a partition of the stream, as they lie there, piece by piece.

    All of them are of one snapshot. Nothing else can use the connection until the last one has come.
    """
    query = sqlfiles.load("warehouse.postgres", f"read_{stream}").format(partition=Identifier(table))
    packed = np.dtype([(name, array.element["value"]) for name, array in COLUMNS[stream].items()])
    with connection.cursor(binary=True) as cursor:
        for (some_pages,) in cursor.stream(query, {"table": table, "pages": _PAGES}):
            if some_pages is not None:
                yield _unpacked(np.frombuffer(some_pages, packed))


def write_rows(connection: psycopg.Connection, stream: Stream, table: str, rows: Rows) -> None:
    """Add rows to a table that is shaped as a partition of the stream."""
    query = sqlfiles.load("warehouse.postgres", f"write_{stream}").format(partition=Identifier(table))
    connection.execute(query, {name: array(rows[name]) for name, array in COLUMNS[stream].items()})


def _unpacked(rows: npt.NDArray[Any]) -> Rows:
    columns = {name: rows[name].astype(rows[name].dtype.newbyteorder("=")) for name in rows.dtype.names or ()}
    columns["ts"] += POSTGRES_EPOCH_US
    return columns
