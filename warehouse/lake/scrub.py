"""Looks at every file of the lake before somebody relies on it: a flipped bit in Parquet mostly passes as a number."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import NamedTuple

import psycopg

from dbt_like_sql.catalog import Catalog, CatalogError
from warehouse.lake.publish import DamagedFileError, MissingFileError, is_file_intact, is_intact, queue_damaged
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.ledger.day_locks import day_held
from warehouse.postgres.ledger.gaps import list_gaps, request_builds_without
from warehouse.postgres.ledger.lake_files import LakeFile, list_current_files, list_released_files


class Damage(NamedTuple):
    """A file that is not what was published."""

    dataset: str
    day: date
    what: str


def scrub(connection: psycopg.Connection, lake: Lake) -> Iterator[Damage | None]:
    """Check the hash of each file that is current or that readers see, newest day first; ``None``: it is right.

    A rebuild of the day of a damaged one is queued: its next run rebuilds all of its files, unless PostgreSQL no longer
    has its readings and their file is damaged; then it says what to put back. Earlier versions nothing can rebuild. Nor
    can anything rebuild what a removed model made: such files are passed by. Days that were made without a file are
    queued when it is back.

    The connection must be in autocommit.
    """
    datasets = _datasets()
    for file in sorted(
        _files(connection, datasets), key=lambda each: (each.day, each.dataset, each.version), reverse=True
    ):
        if is_file_intact(lake, file):
            yield None
            continue
        with day_held(connection, file.day):  # it may just have been replaced: nobody does while we hold the day
            if file not in _files(connection, datasets, file.day):
                yield None
                continue
            try:
                queue_damaged(connection, lake, file)
            except (MissingFileError, DamagedFileError) as error:
                yield Damage(file.dataset, file.day, error.detail)
    for gap in list_gaps(connection):
        if is_intact(connection, lake, gap.dataset, gap.day):
            request_builds_without(connection, gap.dataset, gap.day)


def _files(connection: psycopg.Connection, datasets: Collection[str] | None, day: date | None = None) -> set[LakeFile]:
    released = list_released_files(connection, day)
    seen = released if datasets is None else [file for file in released if file.dataset in datasets]
    return {*list_current_files(connection, datasets, day), *seen}


def _datasets() -> Collection[str] | None:
    """Those that are made; ``None``, where the models cannot be read: then any file may be of one."""
    try:
        return Catalog.load().models
    except CatalogError:
        return None
