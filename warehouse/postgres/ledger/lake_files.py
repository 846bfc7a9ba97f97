"""What the ledger says of the files of the lake: the hash, the size and the version of each that was published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres.ledger"


@dataclass(frozen=True)
class LakeFile:
    """What the ledger says of a published file."""

    version: int
    sha256: bytes | None
    publishing_sha256: bytes | None
    size_bytes: int | None
    row_count: int | None
    published_at: datetime | None


def find_lake_file(connection: psycopg.Connection, dataset: str, day: date) -> LakeFile | None:
    """What the ledger says of this file; ``None`` where it was never published."""
    with connection.cursor(row_factory=class_row(LakeFile)) as cursor:
        found = cursor.execute(sqlfiles.load(_PACKAGE, "find_lake_file"), {"dataset": dataset, "day": day})
        return found.fetchone()


def list_lake_files(connection: psycopg.Connection) -> list[tuple[str, date]]:
    """Dataset and day of each file, newest day first."""
    return connection.execute(sqlfiles.load(_PACKAGE, "list_lake_files")).fetchall()


def find_hashes(
    connection: psycopg.Connection, datasets: Sequence[str], day: date | None
) -> dict[tuple[str, date], list[bytes | None]]:
    """The hashes that each file of these datasets, of one day or all, may have: two while a new one is published."""
    parameters = {"datasets": list(datasets), "day": day}
    rows = connection.execute(sqlfiles.load(_PACKAGE, "find_published_files"), parameters).fetchall()
    return {(dataset, of_day): valid for dataset, of_day, *valid in rows}


def begin_publishing(connection: psycopg.Connection, dataset: str, day: date, sha256: bytes) -> None:
    """Note the hash of the file that is about to be renamed into its place."""
    parameters = {"dataset": dataset, "day": day, "sha256": sha256}
    connection.execute(sqlfiles.load(_PACKAGE, "begin_publishing"), parameters)


def confirm_publishing(
    connection: psycopg.Connection, dataset: str, day: date, *, size_bytes: int, row_count: int
) -> int:
    """Note that the file is in its place; returns its version."""
    parameters = {"dataset": dataset, "day": day, "size_bytes": size_bytes, "row_count": row_count}
    row = connection.execute(sqlfiles.load(_PACKAGE, "confirm_publishing"), parameters).fetchone()
    return int(row[0]) if row else 0
