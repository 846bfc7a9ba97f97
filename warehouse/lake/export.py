"""Exports from PostgreSQL to Parquet: one snapshot, a sorted file, and a comparison of the two for readings."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
from psycopg.sql import Identifier, Literal

from warehouse import sqlfiles
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import Stream, partition_name
from warehouse.lake.arrow import arriving
from warehouse.lake.file_format import PARQUET
from warehouse.lake.storage.patterns import readable
from warehouse.lake.views import start_engine, text
from warehouse.postgres.connection import connect, one_snapshot
from warehouse.postgres.ledger.day_ledger import late_row_count
from warehouse.postgres.ledger.partition_figures import DEVICE_ID, Figures
from warehouse.postgres.partitions.partition_rows import PartitionRows
from warehouse.postgres.partitions.writers import wait_for_writers
from warehouse.postgres.readings.device_tables import read_table

TABLES = {"meters": "meter_id", "vehicles": "vehicle_id", "vehicle_meter_map": "mapping_id"}
"""The small tables that are exported beside the readings, as they are, and what each is sorted by."""
DECISIONS = {"accepted_losses": "finding_id", "forgotten_energy": "kind", "reading_corrections": "correction_id"}
"""What people decided and models depend on, exported beside them: of the latter what concerns the day."""


class ExportMismatchError(FleetwattError):
    """The exported file does not hold what PostgreSQL holds"""

    code = "export_mismatch"


@dataclass(frozen=True)
class Exported:
    """A verified file, and the late rows that its snapshot had seen."""

    figures: Figures
    late_row_count: int


def export_readings(url: str, stream: Stream, day: date, target: Path) -> Exported:
    """Write a day's readings to ``target``, sorted by (device, ts), and verify the file against its snapshot.

    Raises:
        ExportMismatchError: PostgreSQL and the file differ; the file must not be published.
        DatabaseUnavailableError: the connection was lost; nothing has changed.
    """
    with start_engine(target.parent / "sorting") as engine, connect(url) as connection:
        wait_for_writers(connection, stream)  # a row is late by the clock of its statement, but counts once committed
        with one_snapshot(connection):
            late_rows = late_row_count(connection, stream, day)
            rows = PartitionRows(connection, stream, partition_name(stream, day))
            with arriving(stream, iter(rows)) as batches:
                _write_sorted(engine, batches, "*", target, order_by=f"{DEVICE_ID[stream]}, ts")
            expected = rows.figures()
        found = figures_of_file(engine, stream, target)
    if found != expected:
        raise ExportMismatchError(f"{stream} of {day}: the file says {found}, PostgreSQL says {expected}")
    return Exported(expected, late_rows)


def export_table(engine: duckdb.DuckDBPyConnection, url: str, table: str, day: date, target: Path) -> None:
    """Write one of the small ``TABLES`` or of the ``DECISIONS`` as it is now.

    Raises:
        DatabaseUnavailableError: the connection was lost; nothing has changed.
    """
    with connect(url) as connection:
        cursor = read_table(connection, table, day)
        columns, rows = cursor.description or [], cursor.fetchall()
    found = pa.table({column.name: [row[place] for row in rows] for place, column in enumerate(columns)})
    # A column of nulls alone tells no type, and PostgreSQL's names of types are DuckDB's too.
    typed = ", ".join(f"{column.name}::{column.type_display} AS {column.name}" for column in columns)
    _write_sorted(engine, found, typed, target, order_by=(TABLES | DECISIONS)[table])


def figures_of_file(engine: duckdb.DuckDBPyConnection, stream: Stream, path: Path | str) -> Figures:
    """The figures of an exported file, as it is on disk."""
    query = sqlfiles.load("warehouse.lake", "sum_exported_file").format(
        device_id=Identifier(DEVICE_ID[stream]), path=Literal(readable(path))
    )
    ((rows, energy_mwh, first_ts, last_ts, devices),) = engine.execute(query.as_string()).fetchall()
    return Figures(rows, Decimal(energy_mwh), first_ts, last_ts, devices)


def _write_sorted(
    engine: duckdb.DuckDBPyConnection, rows: pa.RecordBatchReader | pa.Table, columns: str, target: Path, order_by: str
) -> None:
    """Sort rows into a Parquet file; a day is never held in memory as a whole."""
    engine.register("arriving", rows)
    try:
        query = f"SELECT {columns} FROM arriving ORDER BY {order_by}"  # noqa: S608 - names of our own
        engine.execute(f"COPY ({query}) TO {text(target)} ({PARQUET})")
    finally:
        engine.unregister("arriving")
