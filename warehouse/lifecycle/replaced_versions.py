"""Removes at once what days held before they were made again: versions, and what killed publishers left."""

from collections.abc import Collection
from datetime import date, timedelta

import psycopg

from warehouse.contract.errors import FleetwattError
from warehouse.lake.storage.keys import FileKey
from warehouse.lake.storage.lake import Lake, key_of
from warehouse.postgres.ledger.day_locks import day_held
from warehouse.postgres.ledger.lake_files import (
    delete_version,
    forget_earlier_releases,
    list_current_files,
    list_released_files,
    list_versions,
)
from warehouse.postgres.ledger.lake_locks import readers_after


class StillReadError(FleetwattError):
    """Replaced versions of the lake are still read"""

    code = "still_read"


def remove_replaced(
    connection: psycopg.Connection, lake: Lake, days: Collection[date], readers_end_within: timedelta
) -> int:
    """Remove every file of these days that is neither current nor seen by readers now; returns how many.

    Safe to repeat and to kill. The connection must be in autocommit.

    Raises:
        StillReadError: the lake is still read, and nothing is removed; who begins now sees the new files.
    """
    forget_earlier_releases(connection, days)
    if readers := readers_after(connection, readers_end_within):
        raise StillReadError(f"by {', '.join(map(str, readers))}; end that, then: fleetwatt forget --resume")
    return sum(_remove_of_day(connection, lake, day) for day in days)


def _remove_of_day(connection: psycopg.Connection, lake: Lake, day: date) -> int:
    removed = 0
    with day_held(connection, day):
        seen = list_released_files(connection, day)
        kept = {key_of(file) for file in [*list_current_files(connection, day=day), *seen]}
        for file in list_versions(connection, day=day):
            if key_of(file) not in kept:
                lake.store.delete(str(key_of(file)))
                delete_version(connection, file)
                removed += 1
        for name in list(lake.store.list()):
            key = FileKey.parse(name)
            if key and key.day == day and key not in kept:  # of a publisher that was killed
                lake.store.delete(name)
                removed += 1
        lake.remove_unfinished(day)
    return removed
