"""Brings a dropped day back from its file, so that an import adds to it and never replaces it."""

from datetime import date

import duckdb
import psycopg

from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import Stream
from warehouse.lake.arrow import rows_of
from warehouse.lake.export import figures_of_file
from warehouse.lake.publish import verified_file
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.ledger.partition_figures import table_figures
from warehouse.postgres.partitions import dropping
from warehouse.postgres.partitions.partition_rows import write_rows

_BATCH_ROWS = 100_000


class RestoreMismatchError(FleetwattError):
    """The restored table does not hold what its file holds"""

    code = "restore_mismatch"


def restore_dropped(connection: psycopg.Connection, lake: Lake, day: date) -> list[Stream]:
    """Bring back what was dropped of a day; returns the streams that were. The connection must be in autocommit.

    Raises:
        MissingFileError, DamagedFileError: its file is not what was published; the day stays dropped.
        RestoreMismatchError, DatabaseUnavailableError: the day stays dropped.
    """
    with dropping.restoring(connection, day) as streams:
        for stream in streams:
            _restore(connection, stream, day, verified_file(connection, lake, stream, day))
        return streams


def _restore(connection: psycopg.Connection, stream: Stream, day: date, file: str) -> None:
    """Fill a table beside the day's own name, which nobody takes for the day: a killed restore starts over."""
    beside = dropping.make_table_beside(connection, stream, day)
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        with connection.transaction():
            for batch in engine.read_parquet(file, hive_partitioning=False).to_arrow_reader(_BATCH_ROWS):
                write_rows(connection, stream, beside, rows_of(batch))
        restored, expected = table_figures(connection, stream, beside), figures_of_file(engine, stream, file)
    if restored != expected:
        dropping.drop_beside(connection, stream, day)
        raise RestoreMismatchError(f"{stream} of {day}: PostgreSQL counts {restored}, {file} {expected}")
    dropping.attach_restored(connection, stream, day)
