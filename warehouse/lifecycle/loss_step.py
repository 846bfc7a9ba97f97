"""Finds the losses of a day, from the samples of half a year and what the day before carries on."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import psycopg

from warehouse.lake.file_format import Location
from warehouse.lake.publish import verified_file, verified_or_queued
from warehouse.lake.snapshot import current_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.carried_days import make_carrying
from warehouse.lifecycle.gaps import Gaps
from warehouse.lifecycle.pipeline_files import Made
from warehouse.losses.loss_day import lookback_days
from warehouse.losses.loss_files import FAULTS, READ_BACK_DATASETS, LossFiles, Source, write_losses
from warehouse.postgres.ledger.lake_files import LakeFile

LOSSES = (
    *("loss_samples", "fleet_fits", "first_day_verdicts", "common_modes", "charger_scores", "loss_findings"),
    *("register_verdicts", "site_verdicts", "loss_sources"),
)
"""What one step makes, in this order."""
_OF_THE_DAY_ALONE = ("charger_scores", "register_verdicts", "site_verdicts")
CARRIED = dict.fromkeys((name for name in LOSSES if name not in _OF_THE_DAY_ALONE), "losses")
"""What later days go on from, and what it holds, in a word.

``loss_sources`` has a day queued as long as anything within half a year before it is something else, and so, one after
the other, all days that look back on what changed.
"""


def make_losses(connection: psycopg.Connection, lake: Lake, day: date) -> tuple[Made, ...]:
    """Make the datasets of ``LOSSES`` of a day. Whoever calls holds it.

    Raises:
        MissingFileError, DamagedFileError: what they are made of is not there as it was published.
        LakeFullError: they cannot be written.
    """
    files = LossFiles(*(verified_file(connection, lake, name, day) for name in LossFiles._fields))
    gaps = Gaps(connection, lake)

    def write(carried: Mapping[str, Location], targets: Mapping[str, Path]) -> dict[str, int]:
        # Looked up when it is known what is carried: what others publish in between has the day queued.
        sources = _sources(connection, lake, day, gaps)
        return write_losses(files, sources, day, carried, targets)

    return make_carrying(connection, lake, day, LOSSES, CARRIED, write, gaps)


def _sources(connection: psycopg.Connection, lake: Lake, day: date, gaps: Gaps) -> list[Source]:
    """The current files that the day looks back on, and its own data faults, their hashes checked; oldest first.

    A file without rows tells nothing, and is left out: so a quiet day restates none of those after it. One that is lost
    for good is among them by its name.
    """
    found = current_snapshot(connection, lake, READ_BACK_DATASETS).select(READ_BACK_DATASETS, day, lookback_days())
    files = [file for file in found if file.row_count and (file.day < day or file.dataset == FAULTS)]

    def source(file: LakeFile) -> Source:
        if file.day == day:
            return Source(FAULTS, day, file.sha256.hex(), verified_or_queued(connection, lake, FAULTS, day))
        if gaps.is_gap(file):
            return Source(file.dataset, file.day, None, None)
        return Source(file.dataset, file.day, file.sha256.hex(), lake.location(file))

    return [source(file) for file in files]
