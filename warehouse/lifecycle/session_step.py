"""Makes the sessions of a day, with what the day before carries on."""

from datetime import date
from functools import partial

import psycopg

from warehouse.lake.publish import verified_file
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.carried_days import make_carrying
from warehouse.lifecycle.gaps import Gaps
from warehouse.lifecycle.pipeline_files import Made
from warehouse.sessions.session_files import SessionFiles, write_sessions

OPEN_ISLANDS = "open_islands"
"""What a day carries on to the next one."""
SESSIONS = ("charging_sessions", "daily_standby", "daily_charger_sessions", OPEN_ISLANDS)
"""What one step makes of a day's readings, in this order."""


def make_sessions(connection: psycopg.Connection, lake: Lake, day: date) -> tuple[Made, ...]:
    """Make the datasets of ``SESSIONS`` of a day. Whoever calls holds it.

    Raises:
        MissingFileError, DamagedFileError: what they are made of is not there as it was published.
        LakeFullError: they cannot be written.
    """
    files = SessionFiles(*(verified_file(connection, lake, name, day) for name in SessionFiles._fields))
    carries = {OPEN_ISLANDS: "sessions"}
    # What an earlier day left open, the lost one knew to have ended: that is among its sessions already.
    gaps = Gaps(connection, lake, is_stepped_over=False)
    return make_carrying(connection, lake, day, SESSIONS, carries, partial(write_sessions, files, day), gaps)
