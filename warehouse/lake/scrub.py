"""Looks at every file of the lake before somebody relies on it: a flipped bit in Parquet mostly passes as a number."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import psycopg

from warehouse.lake.paths import Lake
from warehouse.lake.publish import DamagedFileError, MissingFileError, is_intact, verified_or_queued
from warehouse.postgres.ledger.day_ledger import day_held
from warehouse.postgres.ledger.lake_files import list_lake_files


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
    for dataset, day in list_lake_files(connection):
        if is_intact(connection, lake, dataset, day):
            yield None
            continue
        with day_held(connection, day):  # it may just have been published again: nobody does while we hold the day
            try:
                verified_or_queued(connection, lake, dataset, day)
            except (MissingFileError, DamagedFileError) as error:
                yield Damage(dataset, day, error.detail)
            else:
                yield None
