"""Makes a finished file the published one: a reader sees the old version or the new one, never half.

The new hash goes into the ledger first, then the file is renamed into its place, then the ledger confirms. Killed in
between, either hash is valid, and the next run publishes again.
"""

import hashlib
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg

from warehouse.contract.errors import FleetwattError
from warehouse.lake.paths import Lake, sync_folder
from warehouse.postgres.ledger.day_ledger import dropped_streams, request_build
from warehouse.postgres.ledger.lake_files import begin_publishing, confirm_publishing, find_lake_file

ONLY_COPY = "PostgreSQL no longer has that day: put the file back from a backup"
"""What to do where readings were dropped and their file is not what was published."""


class DamagedFileError(FleetwattError):
    """A file of the lake is not what was published"""

    code = "damaged_file"


class MissingFileError(FleetwattError):
    """A file of the lake is not there"""

    code = "missing_file"


def publish(
    connection: psycopg.Connection,
    lake: Lake,
    dataset: str,
    day: date,
    written: Path,
    row_count: int,
    confirm: Callable[[psycopg.Connection], None] = lambda _connection: None,
) -> int:
    """Publish the file ``written`` (on the lake's file system); returns its version.

    ``confirm`` runs in the transaction that confirms the file, for what must become true with it. The connection must
    be in autocommit.
    """
    _sync_file(written)
    size_bytes = written.stat().st_size
    begin_publishing(connection, dataset, day, digest(written))
    target = lake.file(dataset, day)
    target.parent.mkdir(parents=True, exist_ok=True)
    written.replace(target)
    sync_folder(target.parent)
    sync_folder(target.parent.parent)
    with connection.transaction():
        version = confirm_publishing(connection, dataset, day, size_bytes=size_bytes, row_count=row_count)
        confirm(connection)
    return version


def verified_file(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> Path:
    """The published file, its hash checked: a flipped bit in Parquet mostly passes as a wrong number.

    Whoever does not hold the day may find a version that is published meanwhile: that one is as good. What is raised
    says what to do.

    Raises:
        MissingFileError: it was never published, or somebody deleted it.
        DamagedFileError: its bytes are not those that were published.
    """
    try:
        return _published_file(connection, lake, dataset, day)
    except (MissingFileError, DamagedFileError) as error:
        raise type(error)(f"{error.detail}; {_remedy(connection, lake, dataset, day)}") from None


def _published_file(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> Path:
    path = lake.file(dataset, day)
    known = find_lake_file(connection, dataset, day)
    while True:
        if known is None or not path.exists():
            raise MissingFileError(f"{path} {'was never published' if known is None else 'is not there'}")
        if digest(path) in (known.sha256, known.publishing_sha256):
            return path
        before, known = known, find_lake_file(connection, dataset, day)
        if known == before:
            raise DamagedFileError(f"{path} was changed or damaged")


def _remedy(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> str:
    """What to do about a file: its day is run again, unless readings that it is made of are nowhere else any more."""
    dropped = set(dropped_streams(connection, day))
    if dataset in dropped:
        return ONLY_COPY
    lost = [str(lake.file(stream, day)) for stream in sorted(dropped) if not is_intact(connection, lake, stream, day)]
    if lost:
        return f"first put {' and '.join(lost)} back from a backup, then fleetwatt run-day {day} rebuilds it"
    return f"fleetwatt run-day {day} rebuilds it"


def verified_or_queued(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> Path:
    """A verified file, of whatever day; else the day is to be rebuilt.

    Raises:
        MissingFileError, DamagedFileError: it is not what was published; a rebuild of its day is queued.
    """
    try:
        return verified_file(connection, lake, dataset, day)
    except (MissingFileError, DamagedFileError):
        request_build(connection, day, f"its file of {dataset} is not what was published")
        raise


def is_intact(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> bool:
    """Whether the file is there as it was published."""
    try:
        _published_file(connection, lake, dataset, day)
    except (MissingFileError, DamagedFileError):
        return False
    return True


def is_settled(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> bool:
    """Whether the file is there as it was published, and its publisher lived to confirm it."""
    known = find_lake_file(connection, dataset, day)
    return known is not None and known.publishing_sha256 is None and is_intact(connection, lake, dataset, day)


def digest(path: Path) -> bytes:
    """The file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
