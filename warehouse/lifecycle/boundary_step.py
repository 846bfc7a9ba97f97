"""Makes the samples that a day begins from: each device's last one before it."""

from collections.abc import Iterator
from datetime import date

import polars as pl
import psycopg

from warehouse.contract.partitions import midnight
from warehouse.lake.energy_day import write_boundary_samples
from warehouse.lake.file_format import Location
from warehouse.lake.publish import is_file_intact, verified_file
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.correction_step import queue_newer_corrections
from warehouse.lifecycle.gaps import Gaps
from warehouse.lifecycle.later_days import BOUNDARY_SAMPLES
from warehouse.lifecycle.pipeline_files import Made, published, written_aside
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import LakeFile, list_current_files


def make_boundary_samples(connection: psycopg.Connection, lake: Lake, day: date) -> Made:
    """Make the dataset of boundary samples of a day. Whoever calls holds it. What was requested until now is satisfied.

    The last samples of a day that is lost for good are known from those that later days began from, as far as their
    devices reported again. A device that did not begins from an older sample, or from none: that is a gap.

    Raises:
        MissingFileError, DamagedFileError: what they are made of is not there as it was published.
        LakeFullError: they cannot be written.
    """
    last, name = BOUNDARY_SAMPLES
    gaps = Gaps(connection, lake)
    with written_aside(lake, name, day) as target:
        day_ledger.begin_build(connection, day)
        queue_newer_corrections(connection, lake, day)
        earlier = [file for file in list_current_files(connection, [last]) if file.day < day]
        samples: list[Location] = [lake.location(file) for file in earlier if not gaps.is_gap(file)]
        samples += _begun_from(connection, lake, gaps.lost, day)
        of_the_day = verified_file(connection, lake, last, day)
        rows = write_boundary_samples(samples, of_the_day, target)
        began = pl.read_parquet(of_the_day, columns=["kind", "device_id"]).join(
            pl.read_parquet(target), on=["kind", "device_id"], how="left"
        )["ts"]
        gaps.lost = [file for file in gaps.lost if began.has_nulls() or (began < midnight(file.day)).any()]
        made = published(
            connection, lake, name, day, target, rows, lambda transaction: gaps.register(transaction, name, day)
        )
        return made._replace(gaps=gaps.words())


def _begun_from(connection: psycopg.Connection, lake: Lake, lost: list[LakeFile], day: date) -> Iterator[Location]:
    """What the days after a lost one, up to this one, began from when they were made last."""
    if lost:
        since = min(file.day for file in lost)
        for file in list_current_files(connection, [BOUNDARY_SAMPLES[1]]):
            if since < file.day <= day and is_file_intact(lake, file):
                yield lake.location(file)
