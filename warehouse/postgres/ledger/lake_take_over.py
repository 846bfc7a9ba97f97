"""What the ledger says of files of a release that replaced them in place: those that have no version's name yet."""

from dataclasses import dataclass, replace
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres.ledger"


@dataclass(frozen=True)
class UnversionedFile:
    """A dataset's day as that release published it. The file may have either hash: it may have been killed between."""

    dataset: str
    day: date
    version: int
    sha256: bytes | None
    publishing_sha256: bytes | None
    published_at: datetime | None


def list_unversioned_files(connection: psycopg.Connection) -> list[UnversionedFile]:
    """Those that are still to be taken over, by day."""
    with connection.cursor(row_factory=class_row(UnversionedFile)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_unversioned_files")).fetchall()


def add_version_of(connection: psycopg.Connection, file: UnversionedFile) -> None:
    """Note that the file has its version's name now."""
    connection.execute(sqlfiles.load(_PACKAGE, "add_version_of"), {"dataset": file.dataset, "day": file.day})


def adopt_unconfirmed(connection: psycopg.Connection, file: UnversionedFile, size_bytes: int) -> UnversionedFile:
    """Take the version that was being published for the current one."""
    parameters = {"dataset": file.dataset, "day": file.day, "size_bytes": size_bytes}
    connection.execute(sqlfiles.load(_PACKAGE, "change_to_unconfirmed"), parameters)
    return replace(file, version=file.version + 1, sha256=file.publishing_sha256, publishing_sha256=None)


def forget_unpublished(connection: psycopg.Connection, file: UnversionedFile) -> None:
    """Forget a file whose first version was never confirmed."""
    connection.execute(sqlfiles.load(_PACKAGE, "forget_unpublished"), {"dataset": file.dataset, "day": file.day})
