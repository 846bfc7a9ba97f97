"""Looks at every file of the lake before somebody relies on it: a flipped bit in Parquet mostly passes as a number."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import psycopg

from warehouse.lake.publish import DamagedFileError, MissingFileError, is_file_intact, verified_or_queued
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.ledger.day_ledger import day_held
from warehouse.postgres.ledger.lake_files import list_current_files


class Damage(NamedTuple):
    """A file that is not what was published."""

    dataset: str
    day: date
    what: str


def scrub(connection: psycopg.Connection, lake: Lake) -> Iterator[Damage | None]:
    """Check the hash of each published file, newest day first; ``None`` for each that is right.

    A rebuild of the day of a damaged file is queued: its next run rebuilds all of its files, unless PostgreSQL no
    longer has its readings and their file is damaged; then it says what to put back.

    The connection must be in autocommit.
    """
    for file in list_current_files(connection):
        if is_file_intact(lake, file):
            yield None
            continue
        with day_held(connection, file.day):  # it may just have been rebuilt: nobody does while we hold the day
            try:
                verified_or_queued(connection, lake, file.dataset, file.day)
            except (MissingFileError, DamagedFileError) as error:
                yield Damage(file.dataset, file.day, error.detail)
            else:
                yield None
