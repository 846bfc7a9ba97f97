"""Finds the data faults of a day, with what the days before carry on."""

from datetime import date
from functools import partial

import psycopg

from warehouse.data_faults.fault_files import FaultFiles, write_data_faults
from warehouse.lake.publish import verified_file
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.carried_days import Beside, make_carrying
from warehouse.lifecycle.gaps import Gaps
from warehouse.lifecycle.pipeline_files import Made
from warehouse.lifecycle.session_step import OPEN_ISLANDS

CARRIED = {"recent_sessions": "sessions", "standby_history": "standby", "data_faults": "data faults"}
"""What goes on into the next day, and what it holds, in words."""
FAULTS = tuple(CARRIED)
"""What one step makes; all of it goes on."""


def make_data_faults(connection: psycopg.Connection, lake: Lake, day: date) -> tuple[Made, ...]:
    """Make the datasets of ``FAULTS`` of a day. Whoever calls holds it.

    Raises:
        MissingFileError, DamagedFileError: what they are made of is not there as it was published.
        LakeFullError: they cannot be written.
    """
    files = FaultFiles(*(verified_file(connection, lake, name, day) for name in FaultFiles._fields))
    gaps = Gaps(connection, lake)
    write = partial(write_data_faults, files, day)
    # The sessions of the next day are made before its faults, and take off the lags that are known here.
    return make_carrying(connection, lake, day, FAULTS, CARRIED, write, gaps, Beside(read_by=[OPEN_ISLANDS]))
