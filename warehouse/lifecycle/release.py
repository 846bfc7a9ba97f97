"""Lets readers see a day as it is built now, and writes down what that changes of what they saw before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl
import psycopg

from dbt_like_sql.catalog import Catalog, Model
from warehouse.lake.publish import publish
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.pipeline_files import intact_location, written_aside
from warehouse.lifecycle.restatement import RestatementFinder
from warehouse.postgres.ledger.lake_files import LakeFile, list_current_files, list_released_files, release_day
from warehouse.postgres.ledger.restatements import (
    Restatement,
    RestatementRow,
    add_restatement,
    find_newest_release,
    list_restatements,
)

INSTANT = pl.Datetime("us", "UTC")
COLUMNS = pl.Schema(
    {
        "release": pl.Int32(),
        "dataset": pl.String(),
        "measure": pl.String(),
        "version": pl.Int32(),
        "published_at": INSTANT,
        "reason": pl.String(),
        "old_sum": pl.Float64(),
        "new_sum": pl.Float64(),
        "changed_row_count": pl.Int64(),
        "added_reading_count": pl.Int64(),
        "device_count": pl.Int32(),
        "devices": pl.List(pl.String()),
    }
)
"""Of the file of restatements, as ``RestatementRow`` has them."""


@dataclass(frozen=True)
class DayRelease:
    """One day, whose current files are all of one build. Whoever calls holds it; the connection is in autocommit."""

    connection: psycopg.Connection
    engine: duckdb.DuckDBPyConnection
    lake: Lake
    catalog: Catalog
    day: date

    def make(self, confirm: Callable[[psycopg.Connection], None] = lambda _connection: None) -> bool:
        """Release the current files. False where readers see them already.

        ``confirm`` runs in the transaction that makes the release, for what must become true with it. What was restated
        is noted there too: killed before it commits, nothing has changed, and the next run finds the same again.
        """
        before = find_newest_release(self.connection, self.day)
        released = list_released_files(self.connection, self.day) if before.release else []
        restatement = self._restatement(released)
        with self.connection.transaction():
            if restatement:
                add_restatement(self.connection, self.day, before.release + 1, restatement)
            self._write_restatements()
            confirm(self.connection)
            return release_day(self.connection, self.day, self.catalog.models)

    def _restatement(self, released: list[LakeFile]) -> Restatement | None:
        current = list_current_files(self.connection, self.catalog.models, self.day)
        finder = RestatementFinder(self.connection, self.engine, self.lake, self.catalog, self.day)
        return finder.find(released, current)

    def _write_restatements(self) -> None:
        """Publish all that was ever restated of the day, unless the current file says it."""
        model = self.catalog.release_log
        if model is None:
            return
        rows = _frame(list_restatements(self.connection, self.day), model)
        known = intact_location(self.connection, self.lake, model.name, self.day)
        if known and pl.read_parquet(known, hive_partitioning=False).equals(rows):
            return
        with written_aside(self.lake, model.name, self.day) as target:
            rows.write_parquet(target, compression="zstd")
            publish(self.connection, self.lake, model.name, self.day, target, rows.height)


def _frame(rows: list[RestatementRow], model: Model) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    return frame.select(column.name for column in model.columns).sort(model.sort_key)
