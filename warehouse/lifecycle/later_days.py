"""Queues rebuilds of later days, which begin from samples of a day that changed."""

from datetime import date

import polars as pl
import psycopg

from warehouse.lake.publish import DamagedFileError, MissingFileError
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.gaps import Gaps
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import list_current_files

LAST_SAMPLES = "device_last"
"""What a later day begins from."""
BOUNDARY_SAMPLES = (LAST_SAMPLES, "carried_samples")
"""The samples at a day's boundaries, which let each day be computed alone."""


def queue_later_days(connection: psycopg.Connection, lake: Lake, day: date, changed: pl.DataFrame) -> None:
    """Each device whose last sample changed concerns the first later day that has a reading of it, and no other.

    ``changed``: its rows are devices, by kind and device_id.
    """
    gaps = Gaps(connection, lake)
    for later in (file for file in reversed(list_current_files(connection, [LAST_SAMPLES])) if file.day > day):
        if changed.is_empty():
            return
        try:
            if gaps.is_gap(later):  # nothing can make it again, and the day after it knows no better
                continue
        except (MissingFileError, DamagedFileError):  # when it is rebuilt, it queues the rest
            continue
        present = pl.read_parquet(lake.location(later)).select("kind", "device_id")
        if not changed.join(present, on=["kind", "device_id"], how="semi").is_empty():
            day_ledger.request_build(connection, later.day, f"it begins from samples of {day}, which changed")
        changed = changed.join(present, on=["kind", "device_id"], how="anti")
