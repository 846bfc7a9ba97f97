"""Makes the sessions of a day, and has the next day made again where what this one carries on is something else now."""

from contextlib import ExitStack
from datetime import date

import psycopg

from warehouse.lake.publish import is_file_intact, verified_file, verified_or_queued
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.pipeline_files import Made, published, written_aside
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import LakeFile, days_with_files, find_lake_file
from warehouse.postgres.ledger.lake_locks import lock_carrying
from warehouse.sessions.session_files import SessionFiles, carries_otherwise, write_sessions

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
    before = _day_before(connection, day)
    carried = verified_or_queued(connection, lake, OPEN_ISLANDS, before.day) if before else None
    with ExitStack() as stack:
        targets = {name: stack.enter_context(written_aside(lake, name, day)) for name in SESSIONS}
        rows = write_sessions(files, carried, day, targets)
        last = find_lake_file(connection, OPEN_ISLANDS, day)
        known = last or before
        is_lost = known is not None and not is_file_intact(lake, known)
        location = lake.location(known) if known else None
        goes_on_otherwise = is_lost or carries_otherwise(location, targets[OPEN_ISLANDS])

        def confirm(transaction: psycopg.Connection) -> None:
            # One at a time: else a day and the one after it could be made beside each other and neither see the other.
            lock_carrying(transaction)
            if _identity(_day_before(transaction, day)) != _identity(before):
                day_ledger.request_build(transaction, day, "a day before it carries on something else now")
            later = [each for each in days_with_files(transaction, OPEN_ISLANDS) if each > day]
            if later and goes_on_otherwise:
                reason = f"it goes on from sessions of {day}, which changed"
                day_ledger.request_build(transaction, later[0], reason)

        return tuple(
            published(connection, lake, name, day, target, rows[name], confirm)
            if name == OPEN_ISLANDS
            else published(connection, lake, name, day, target, rows[name])
            for name, target in targets.items()
        )


def _day_before(connection: psycopg.Connection, day: date) -> LakeFile | None:
    """What the last day before this one that carries anything on."""
    days = [each for each in days_with_files(connection, OPEN_ISLANDS) if each < day]
    return find_lake_file(connection, OPEN_ISLANDS, days[-1]) if days else None


def _identity(file: LakeFile | None) -> tuple[date, bytes] | None:
    return (file.day, file.sha256) if file else None
