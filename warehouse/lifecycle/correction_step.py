"""Makes the readings of a day that corrections changed, and sees to it that a correction of just now is not missed."""

from datetime import date

import polars as pl
import psycopg

from warehouse.contract.tables import DeviceKind
from warehouse.lake.corrected_readings import write_corrected_readings
from warehouse.lake.publish import is_file_intact, verified_file
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.pipeline_files import Made, published, written_aside
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import find_lake_file
from warehouse.postgres.readings.device_tables import read_table

READING_CORRECTIONS = "reading_corrections"
"""What people said, as it stood when the day was exported."""
CORRECTED_READINGS = "corrected_readings"
"""What follows from it for single readings."""


def make_corrected_readings(connection: psycopg.Connection, lake: Lake, day: date) -> Made:
    """Make the dataset of corrected readings of a day. Whoever calls holds it.

    Raises:
        MissingFileError, DamagedFileError: what they are made of is not there as it was published.
        LakeFullError: they cannot be written.
    """
    with written_aside(lake, CORRECTED_READINGS, day) as target:
        exported = {kind: verified_file(connection, lake, kind.readings, day) for kind in DeviceKind}
        corrections = verified_file(connection, lake, READING_CORRECTIONS, day)
        rows = write_corrected_readings(exported, corrections, target)
        return published(connection, lake, CORRECTED_READINGS, day, target, rows)


def queue_newer_corrections(connection: psycopg.Connection, lake: Lake, day: date) -> None:
    """Have the day built again where it was corrected since its corrections were exported.

    For when the requests of until now are taken for satisfied: a correction that came between the two asked too early.
    """
    said = [correction_id for correction_id, *_ in read_table(connection, READING_CORRECTIONS, day)]
    if said and max(said) > _newest_exported(connection, lake, day):
        day_ledger.request_build(connection, day, "readings were corrected while it was built")


def _newest_exported(connection: psycopg.Connection, lake: Lake, day: date) -> int:
    file = find_lake_file(connection, READING_CORRECTIONS, day)
    if file is None or not is_file_intact(lake, file):
        return 0
    newest = pl.read_parquet(lake.location(file), columns=["correction_id"])["correction_id"].max()
    return 0 if newest is None else int(str(newest))
