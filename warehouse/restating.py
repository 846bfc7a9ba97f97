"""What a day asks of other days: to be built again where they began from samples that changed, or lost a file."""

from datetime import date
from pathlib import Path

import polars as pl
import psycopg

from warehouse.lake.paths import Lake
from warehouse.lake.publish import DamagedFileError, MissingFileError, is_intact, verified_file
from warehouse.postgres import ledger

LAST_SAMPLES = "device_last"
"""What a later day begins from."""


def verified_or_asked_for(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> Path:
    """A verified file, of whatever day.

    Raises:
        MissingFileError, DamagedFileError: it is not what was published; its day is asked for.
    """
    try:
        return verified_file(connection, lake, dataset, day)
    except (MissingFileError, DamagedFileError):
        ledger.request_build(connection, day, f"its file of {dataset} is not what was published")
        raise


def ask_later_days(connection: psycopg.Connection, lake: Lake, day: date, changed: pl.DataFrame) -> None:
    """Each device whose last sample changed concerns the first later day that has a reading of it, and no other.

    ``changed``: its rows are devices, by kind and device_id.
    """
    for later in (each for each in lake.days(LAST_SAMPLES) if each > day):
        if changed.is_empty():
            return
        if not is_intact(connection, lake, LAST_SAMPLES, later):  # when it is made anew, it asks for the rest
            ledger.request_build(connection, later, f"its file of {LAST_SAMPLES} is not what was published")
            continue
        present = pl.read_parquet(lake.file(LAST_SAMPLES, later)).select("kind", "device_id")
        if not changed.join(present, on=["kind", "device_id"], how="semi").is_empty():
            ledger.request_build(connection, later, f"it begins from samples of {day}, which changed")
        changed = changed.join(present, on=["kind", "device_id"], how="anti")
