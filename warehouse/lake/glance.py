"""A quick look at files before a question is answered from them: are they those that were published?

A file that is as long as the published one, and was not written to since, is taken for it. Of any other one the hash is
read: a backup that was put back has another time. What looks like the published file and is not, ``scrub`` finds.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg

from warehouse import sqlfiles
from warehouse.lake.paths import Lake
from warehouse.lake.publish import verified_file


def require_published(connection: psycopg.Connection, lake: Lake, datasets: Iterable[str], day: date | None) -> None:
    """See that the files of these datasets, of one day or all, are the published ones, and none is missing.

    Raises:
        MissingFileError, DamagedFileError: one is not.
    """
    names = list(datasets)
    parameters = {"datasets": names, "day": day}
    found = connection.execute(sqlfiles.load("warehouse.postgres", "find_published_files"), parameters).fetchall()
    strange = {(name, each) for name in names for each in lake.days(name) if day in (None, each)}
    for name, day_of_file, size_bytes, published_at in found:
        strange.discard((name, day_of_file))
        if not _looks_published(lake.file(name, day_of_file), size_bytes, published_at):
            verified_file(connection, lake, name, day_of_file)
    for name, day_of_file in strange:  # published since the ledger was asked, or never
        verified_file(connection, lake, name, day_of_file)


def _looks_published(path: Path, size_bytes: int | None, published_at: datetime | None) -> bool:
    if size_bytes is None or published_at is None:  # never confirmed
        return False
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return status.st_size == size_bytes and datetime.fromtimestamp(status.st_mtime, UTC) <= published_at
