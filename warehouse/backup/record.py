"""What is written down of a backup, in ``backup.json``: the last file that is written of it."""

from datetime import datetime
from pathlib import Path

import msgspec

RECORD = "backup.json"
LAKE_LIST = "lake.json"
BASE = "postgres"
"""The folder of the base backup."""
SETTINGS = "settings.env"


class Base(msgspec.Struct, frozen=True):
    """The base backup of a server: a copy of its files, and the WAL that makes them whole."""

    system: str
    """Which server it is of, by PostgreSQL's own number, which a restored one keeps."""
    wal_archive: str
    """Where in the target its later WAL lies."""
    last_segment: str
    """Of the WAL that the base backup brings itself; what comes later is in the archive."""
    restorable_from: datetime
    schema: str
    """The revision of the database."""
    size_bytes: int


class LakeCopy(msgspec.Struct, frozen=True, order=True):
    """A file of the lake that a backup has: under the key, with the hash (hexadecimal)."""

    key: str
    sha256: str
    size_bytes: int


class Backup(msgspec.Struct, frozen=True):
    """One backup."""

    name: str
    """Its folder: when it began."""
    began_at: datetime
    took_s: float
    release: str
    """Of Fleetwatt."""
    base: Base | None
    """None: of the lake alone, for the database is not the embedded server's."""
    lake_files: int
    lake_bytes: int


def read_record(folder: Path) -> Backup | None:
    """What a folder's record says; None: it is no backup, or not a whole one."""
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=Backup)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def read_lake_list(folder: Path) -> list[LakeCopy]:
    """The files of the lake that a backup has."""
    return msgspec.json.decode((folder / LAKE_LIST).read_bytes(), type=list[LakeCopy])
