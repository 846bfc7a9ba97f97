"""Looks at every file of the lake before somebody relies on it: a flipped bit in Parquet mostly passes as a number."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import psycopg

from warehouse.lake.publish import DamagedFileError, MissingFileError, is_file_intact, say_damaged
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.ledger.day_ledger import day_held, request_build
from warehouse.postgres.ledger.lake_files import LakeFile, list_current_files, list_released_files


class Damage(NamedTuple):
    """A file that is not what was published."""

    dataset: str
    day: date
    what: str


def scrub(connection: psycopg.Connection, lake: Lake) -> Iterator[Damage | None]:
    """Check the hash of each file that is current or that readers see, newest day first; ``None``: it is right.

    A rebuild of the day of a damaged one is queued: its next run rebuilds all of its files, unless PostgreSQL no longer
    has its readings and their file is damaged; then it says what to put back. Earlier versions nothing can rebuild.

    The connection must be in autocommit.
    """
    for file in sorted(_files(connection), key=lambda each: (each.day, each.dataset, each.version), reverse=True):
        if is_file_intact(lake, file):
            yield None
            continue
        with day_held(connection, file.day):  # it may just have been replaced: nobody does while we hold the day
            if file not in _files(connection, file.day):
                yield None
                continue
            request_build(connection, file.day, f"its file of {file.dataset} is not what was published")
            try:
                say_damaged(connection, lake, file)
            except (MissingFileError, DamagedFileError) as error:
                yield Damage(file.dataset, file.day, error.detail)


def _files(connection: psycopg.Connection, day: date | None = None) -> set[LakeFile]:
    return {*list_current_files(connection, day=day), *list_released_files(connection, day)}
