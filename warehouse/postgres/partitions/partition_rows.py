"""A day's readings out of PostgreSQL and into it, as numpy columns: no row ever becomes a Python object."""

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.sql import SQL, Identifier

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
from warehouse.postgres.ledger.partition_figures import Figures, PageFigures, added_up

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
"""What a reading consists of, in the order in which it is encoded."""

_ENCODED = {
    Int4Array: SQL("int4send({})"),
    TimestamptzArray: SQL("timestamptz_send({})"),
    Float8Array: SQL("float8send({})"),
    Float4Array: SQL("float4send(coalesce({}, 'NaN'))"),
}
"""The bytes that PostgreSQL sends of a column."""

_PAGES = 500
"""How many pages are one value: 1.6 MB, some 65,000 rows."""


class PartitionRows:
    """The rows of a table that is shaped as a partition of the stream, as they lie there, and what they amount to.

    PostgreSQL encodes the rows of some pages into one value and counts them as it does: a protocol message and a length
    a field, as COPY sends them, cost whoever reads them more than PostgreSQL. All rows are of one snapshot; nothing
    else can use the connection until the last one has come.
    """

    def __init__(self, connection: psycopg.Connection, stream: Stream, table: str) -> None:
        self._connection, self._stream, self._table = connection, stream, table
        self._counted: list[PageFigures] = []

    def __iter__(self) -> Generator[Rows]:
        columns = COLUMNS[self._stream]
        encoded = SQL(" || ").join(_ENCODED[array].format(Identifier(name)) for name, array in columns.items())
        names = {"partition": Identifier(self._table), "encoded_rows": SQL("string_agg({}, '')").format(encoded)}
        query = sqlfiles.load("warehouse.postgres", "sum_pages").format(**names)
        row = np.dtype([(name, array.element["value"]) for name, array in columns.items()])
        with self._connection.cursor(binary=True) as cursor:
            for *counted, encoded_rows in cursor.stream(query, {"table": self._table, "pages": _PAGES}):
                self._counted.append(PageFigures(*counted))
                if encoded_rows is not None:
                    yield _decoded(np.frombuffer(encoded_rows, row))

    def figures(self) -> Figures:
        """What PostgreSQL counted of the rows that were read."""
        return added_up(self._connection, self._stream, self._table, self._counted)


def write_rows(connection: psycopg.Connection, stream: Stream, table: str, rows: Rows) -> None:
    """Add rows to a table that is shaped as a partition of the stream."""
    query = sqlfiles.load("warehouse.postgres.partitions", f"write_{stream}").format(partition=Identifier(table))
    connection.execute(query, {name: array(rows[name]) for name, array in COLUMNS[stream].items()})


def _decoded(rows: npt.NDArray[Any]) -> Rows:
    columns = {name: rows[name].astype(rows[name].dtype.newbyteorder("=")) for name in rows.dtype.names or ()}
    columns["ts"] += POSTGRES_EPOCH_US
    return columns
