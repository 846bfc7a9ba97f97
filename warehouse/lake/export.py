"""Exports from PostgreSQL to Parquet: one snapshot, a sorted file, and for readings both sides compared."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import Stream, partition_name
from warehouse.lake.file_format import PARQUET
from warehouse.lake.postgres_arrow import arrow_connection
from warehouse.lake.views import text
from warehouse.postgres.connection import open_connection, translated_errors
from warehouse.postgres.partition_figures import DEVICE_ID, Figures, partition_figures
from warehouse.postgres.writers import wait_for_writers

_POSTGRES = "warehouse.postgres"

TABLES = {"meters": "meter_id", "vehicles": "vehicle_id", "vehicle_meter_map": "mapping_id"}
"""The small tables that are exported beside the readings, as they stand, and what each is sorted by."""

MEMORY_LIMIT = "1GB"


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
        ExportMismatchError: the two sides differ; the file must not be published.
        DatabaseUnavailableError: the connection was lost; nothing has changed.
    """
    with translated_errors(), open_connection(url) as connection:
        wait_for_writers(connection, stream)  # a row is late by the clock of its statement, but counts once committed
        with _snapshot(connection) as snapshot:
            late = {"stream": stream, "day": day}
            (late_row_count,) = connection.execute(sqlfiles.load(_POSTGRES, "sum_late_rows"), late).fetchall()[0]
            query = sqlfiles.load(_POSTGRES, f"read_{stream}").format(partition=Identifier(partition_name(stream, day)))
            # One after the other: a server process that sums while another sends takes the core of those who store.
            expected = partition_figures(connection, stream, day)
            _copy(url, snapshot, query.as_string(connection), target, order_by=f"{DEVICE_ID[stream]}, ts")
    found = figures_of_file(stream, target)
    if found != expected:
        raise ExportMismatchError(f"{stream} of {day}: the file says {found}, PostgreSQL says {expected}")
    return Exported(expected, late_row_count)


def export_table(url: str, table: str, target: Path) -> None:
    """Write one of the small ``TABLES`` as it stands now.

    Raises:
        DatabaseUnavailableError: the connection was lost; nothing has changed.
    """
    with translated_errors(), open_connection(url) as connection, _snapshot(connection) as snapshot:
        query = sqlfiles.load(_POSTGRES, f"read_{table}").as_string(connection)
        _copy(url, snapshot, query, target, order_by=TABLES[table])


def figures_of_file(stream: Stream, path: Path) -> Figures:
    """The figures of an exported file, as it is on disk."""
    query = sqlfiles.load("warehouse.lake", "sum_exported_file").format(device_id=Identifier(DEVICE_ID[stream]))
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT}) as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute("SET enable_progress_bar = false")  # it is drawn on standard output, which is for results
        engine.read_parquet(str(path)).create_view("exported_file")
        ((rows, energy_mwh, first_ts, last_ts, devices),) = engine.execute(query.as_string()).fetchall()
    return Figures(rows, Decimal(energy_mwh), first_ts, last_ts, devices)


@contextmanager
def _snapshot(connection: psycopg.Connection) -> Iterator[str]:
    """A read-only transaction, and the name under which another connection can see exactly the same."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        ((snapshot,),) = connection.execute("SELECT pg_export_snapshot()").fetchall()
        yield snapshot


def _copy(url: str, snapshot: str, query: str, target: Path, order_by: str) -> None:
    """Stream a query's rows as Arrow into a sorted Parquet file; neither side ever holds the day in Python."""
    spill: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(target.parent / "sorting"),
    }
    with arrow_connection(url) as source, source.cursor() as cursor, duckdb.connect(config=spill) as engine:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        cursor.execute(query)
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute("SET enable_progress_bar = false")
        engine.from_arrow(cursor.fetch_record_batch()).create_view("arriving")
        engine.execute(f"COPY (FROM arriving ORDER BY {order_by}) TO {text(target)} ({PARQUET})")
        source.rollback()
