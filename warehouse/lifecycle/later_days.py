"""Queues rebuilds of later days, which begin from samples of a day that changed."""

from datetime import date

import polars as pl
import psycopg

from warehouse.lake.publish import DamagedFileError, MissingFileError, verified_or_queued
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import days_with_files

LAST_SAMPLES = "device_last"
"""What a later day begins from."""
BOUNDARY_SAMPLES = (LAST_SAMPLES, "carried_samples")
"""The samples at a day's boundaries, which let each day be computed alone."""


def queue_later_days(connection: psycopg.Connection, lake: Lake, day: date, changed: pl.DataFrame) -> None:
    """Each device whose last sample changed concerns the first later day that has a reading of it, and no other.

    ``changed``: its rows are devices, by kind and device_id.
    """
    for later in (each for each in days_with_files(connection, LAST_SAMPLES) if each > day):
        if changed.is_empty():
            return
        try:
            file = verified_or_queued(connection, lake, LAST_SAMPLES, later)
        except (MissingFileError, DamagedFileError):  # when it is rebuilt, it queues the rest
            continue
        present = pl.read_parquet(file).select("kind", "device_id")
        if not changed.join(present, on=["kind", "device_id"], how="semi").is_empty():
            day_ledger.request_build(connection, later, f"it begins from samples of {day}, which changed")
        changed = changed.join(present, on=["kind", "device_id"], how="anti")
