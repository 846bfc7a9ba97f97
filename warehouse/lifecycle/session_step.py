"""Makes the sessions of a day, with what the day before carries on."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import psycopg

from warehouse.data_faults.fault_files import read_clock_lags
from warehouse.lake.file_format import Location
from warehouse.lake.publish import verified_file
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.carried_days import Beside, make_carrying
from warehouse.lifecycle.gaps import Gaps
from warehouse.lifecycle.pipeline_files import Made
from warehouse.sessions.session_files import SessionFiles, write_sessions

OPEN_ISLANDS = "open_islands"
"""What a day carries on to the next one."""
SESSIONS = ("charging_sessions", "daily_standby", "daily_charger_sessions", OPEN_ISLANDS)
"""What one step makes of a day's readings, in this order."""
FAULTS_BEFORE = "data_faults"
"""What it reads of the day before: whose clock is off."""


def make_sessions(connection: psycopg.Connection, lake: Lake, day: date) -> tuple[Made, ...]:
    """Make the datasets of ``SESSIONS`` of a day. Whoever calls holds it.

    Raises:
        MissingFileError, DamagedFileError: what they are made of is not there as it was published.
        LakeFullError: they cannot be written.
    """
    files = SessionFiles(*(verified_file(connection, lake, name, day) for name in SessionFiles._fields))
    carries = {OPEN_ISLANDS: "sessions"}

    def write(carried: Mapping[str, Location], targets: Mapping[str, Path]) -> dict[str, int]:
        return write_sessions(files, read_clock_lags(carried.get(FAULTS_BEFORE)), day, carried, targets)

    # What an earlier day left open, the lost one knew to have ended: that is among its sessions already.
    gaps = Gaps(connection, lake, is_stepped_over=False)
    return make_carrying(connection, lake, day, SESSIONS, carries, write, gaps, Beside(reads=[FAULTS_BEFORE]))
