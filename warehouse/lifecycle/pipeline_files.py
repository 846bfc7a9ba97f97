"""The files that the daily pipeline makes and finds: each a version in the lake, of which it tells what it is."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl
import psycopg

from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import Stream
from warehouse.counted import counted
from warehouse.lake.publish import ONLY_COPY, is_file_intact, publish
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_locks import day_held
from warehouse.postgres.ledger.lake_files import LakeFile, find_lake_file


class LakeFullError(FleetwattError):
    """The lake cannot be written"""

    code = "lake_full"


class OnlyCopyDamagedError(FleetwattError):
    """The file of a dropped day is lost or damaged"""

    code = "only_copy_damaged"


class Made(NamedTuple):
    """A current file of the lake."""

    dataset: str
    day: date
    rows: int
    size_bytes: int
    version: int
    location: str
    is_new: bool
    """False where the file was there already, as it should be."""
    gaps: str = ""
    """Without which lost files of earlier days it was made, and what to do, in words."""

    def __str__(self) -> str:
        state = f"version {self.version}" if self.is_new else f"version {self.version} is current"
        size = counted(self.size_bytes, "byte")
        said = f"{self.day}: {self.dataset}: {counted(self.rows, 'row')}, {size}, {state}"
        return f"{said}; {self.gaps}" if self.gaps else said


@contextmanager
def working_on(url: str, day: date) -> Iterator[psycopg.Connection]:
    """A connection, and the day held against imports and other workers."""
    with connect(url) as connection, day_held(connection, day):
        yield connection


@contextmanager
def written_aside(lake: Lake, dataset: str, day: date) -> Iterator[Path]:
    """Where to write a new version; a full disk is said so, and leaves nothing behind.

    Raises:
        LakeFullError: it cannot be written.
    """
    try:
        with lake.aside(dataset, day) as target:
            yield target
    except (OSError, duckdb.IOException, pl.exceptions.ComputeError) as error:
        remedy = "make room" if _is_full(error) else "put that right"
        raise LakeFullError(
            f"{dataset} of {day} cannot be written to {lake.root}: {error}. "
            f"What was published stays; {remedy} and run the day again"
        ) from error


def _is_full(error: Exception) -> bool:
    """Whether there is no room, or no more for us; DuckDB and Polars tell it in words alone."""
    return any(os.strerror(each) in str(error) for each in (errno.ENOSPC, errno.EDQUOT))


def published(
    connection: psycopg.Connection,
    lake: Lake,
    dataset: str,
    day: date,
    written: Path,
    rows: int,
    confirm: Callable[[psycopg.Connection], None] = lambda _connection: None,
) -> Made:
    """Publish a file that was written aside. ``confirm`` as ``publish`` has it."""
    return _made(lake, publish(connection, lake, dataset, day, written, rows, confirm), is_new=True)


def current(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> Made:
    """The current file, which is there."""
    file = find_lake_file(connection, dataset, day)
    if file is None:
        raise FleetwattError(f"{dataset} of {day} is intact and yet was never published")
    return _made(lake, file, is_new=False)


def intact_location(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> str | None:
    """Where the current file lies; ``None`` where there is none, or not as it was published."""
    file = find_lake_file(connection, dataset, day)
    return lake.location(file) if file and is_file_intact(lake, file) else None


def require_only_copy(connection: psycopg.Connection, lake: Lake, stream: Stream, day: date) -> None:
    """See that the file of a day whose readings PostgreSQL no longer has is as it was published.

    Raises:
        OnlyCopyDamagedError: it is not; says what to do.
    """
    file = find_lake_file(connection, stream, day)
    if file is None or not is_file_intact(lake, file):
        where = lake.location(file) if file else f"{stream} of {day}"
        raise OnlyCopyDamagedError(f"{where} is not what was published; {ONLY_COPY}")


def _made(lake: Lake, file: LakeFile, *, is_new: bool) -> Made:
    location = lake.location(file)
    return Made(file.dataset, file.day, file.row_count, file.size_bytes, file.version, location, is_new)
