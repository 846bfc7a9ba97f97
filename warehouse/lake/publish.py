"""Publishes a finished file as the next version of its dataset's day, and finds current files again.

A version is put into the store under a name of its own, then the ledger points to it. Killed in between, it is as if
nothing had happened: nobody looks at a file that the ledger does not know, and the next run publishes again. The same
bytes again are the same version: whoever has seen it has seen the newest result.
"""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NoReturn

import psycopg

from warehouse.contract.errors import FleetwattError
from warehouse.lake.storage.keys import FileKey
from warehouse.lake.storage.lake import Lake, key_of
from warehouse.postgres.ledger.day_ledger import dropped_streams, request_build
from warehouse.postgres.ledger.gaps import request_builds_without
from warehouse.postgres.ledger.lake_files import LakeFile, find_lake_file, publish_file, publish_file_again

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
) -> LakeFile:
    """Publish the file ``written`` (in the lake's folder) as the current version. Whoever calls holds the day.

    Where it is byte for byte the current version, that stays, and its file is put right if it was lost or damaged.

    ``confirm`` runs in the transaction that makes it current, for what must become true with it. Days that were made
    without the file, because it was lost, are queued then. The connection must be in autocommit.
    """
    before = find_lake_file(connection, dataset, day)
    with written.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").digest()
    if before and before.sha256 == sha256:
        if not is_file_intact(lake, before):
            lake.store.put(str(key_of(before)), written)
        with connection.transaction():
            publish_file_again(connection, before)
            confirm(connection)
            request_builds_without(connection, dataset, day)
        return before
    version = before.version + 1 if before else 1
    size_bytes = written.stat().st_size
    lake.store.put(str(FileKey.of(dataset, day, version, sha256)), written)
    with connection.transaction():
        published = publish_file(
            connection, dataset, day, version=version, sha256=sha256, size_bytes=size_bytes, row_count=row_count
        )
        confirm(connection)
        if before:
            request_builds_without(connection, dataset, day)
    return published


def verified_file(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> str:
    """Where the current version lies, its hash checked: a flipped bit in Parquet mostly passes as a wrong number.

    What is raised says what to do.

    Raises:
        MissingFileError: it was never published, or somebody deleted it.
        DamagedFileError: its bytes are not those that were published.
    """
    file = find_lake_file(connection, dataset, day)
    if file is None:
        raise MissingFileError(f"{dataset} of {day} was never published; {_remedy(connection, lake, dataset, day)}")
    if not is_file_intact(lake, file):
        say_damaged(connection, lake, file)
    return lake.location(file)


def say_damaged(connection: psycopg.Connection, lake: Lake, file: LakeFile) -> NoReturn:
    """Say that a version is not there as it was published, and what to do.

    Raises:
        MissingFileError, DamagedFileError: always one of them.
    """
    current = find_lake_file(connection, file.dataset, file.day)
    if current and current.version != file.version:
        remedy = f"version {current.version} has replaced it, and nothing can rebuild an older one"
    else:
        remedy = _remedy(connection, lake, file.dataset, file.day)
    try:
        _digest(lake, file)
    except FileNotFoundError:
        raise MissingFileError(f"{lake.location(file)} is not there; {remedy}") from None
    except OSError as error:
        raise DamagedFileError(f"{lake.location(file)} cannot be read ({error.strerror or error}); {remedy}") from error
    raise DamagedFileError(f"{lake.location(file)} was changed or damaged; {remedy}")


def _remedy(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> str:
    """What to do about a file: its day is run again, unless readings that it is made of are nowhere else any more."""
    if dataset in dropped_streams(connection, day):
        return ONLY_COPY
    if lost := lost_exports(connection, lake, day):
        first = " and ".join(map(lake.location, lost))
        return f"first put {first} back from a backup, then fleetwatt run-day {day} rebuilds it"
    return f"fleetwatt run-day {day} rebuilds it"


def lost_exports(connection: psycopg.Connection, lake: Lake, day: date) -> list[LakeFile]:
    """The files of a day's readings that PostgreSQL no longer has and that are not as they were published.

    While there is one, nothing of the day can be rebuilt.
    """
    exports = [find_lake_file(connection, stream, day) for stream in sorted(dropped_streams(connection, day))]
    return [file for file in exports if file and not is_file_intact(lake, file)]


def verified_or_queued(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> str:
    """Where a verified file lies, of whatever day.

    Raises:
        MissingFileError, DamagedFileError: it is not what was published; its day is queued to be rebuilt.
    """
    try:
        return verified_file(connection, lake, dataset, day)
    except (MissingFileError, DamagedFileError):
        request_build(connection, day, f"its file of {dataset} is not what was published")
        raise


def queue_damaged(connection: psycopg.Connection, lake: Lake, file: LakeFile) -> NoReturn:
    """Queue a rebuild of the day of a version that is not as it was published, and say what to do.

    Raises:
        MissingFileError, DamagedFileError: always one of them.
    """
    request_build(connection, file.day, f"its file of {file.dataset} is not what was published")
    say_damaged(connection, lake, file)


def is_intact(connection: psycopg.Connection, lake: Lake, dataset: str, day: date) -> bool:
    """Whether the current version is there as it was published."""
    file = find_lake_file(connection, dataset, day)
    return file is not None and is_file_intact(lake, file)


def is_file_intact(lake: Lake, file: LakeFile) -> bool:
    """Whether a version is there as it was published. What cannot be read, on a failing disk too, is not."""
    try:
        return _digest(lake, file) == file.sha256
    except OSError:
        return False


def _digest(lake: Lake, file: LakeFile) -> bytes:
    with lake.store.open(str(key_of(file))) as opened:
        return hashlib.file_digest(opened, "sha256").digest()  # type: ignore[arg-type] # it has readinto
