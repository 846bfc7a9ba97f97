"""The files of a lake as a test finds them in its folder, without a ledger: the newest version of each day counts."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

from warehouse.lake.snapshot import Snapshot
from warehouse.lake.storage.keys import FileKey, folder_of
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.ledger.lake_files import LakeFile

PUBLISHED_AT = datetime(2026, 2, 10, tzinfo=UTC)


def keys_of(lake: Lake, prefix: str = "") -> list[FileKey]:
    """Every version of every file, or of those below a folder."""
    return [key for name in lake.store.list(prefix) if (key := FileKey.parse(name))]


def newest_file(lake: Lake, dataset: str, day: date) -> Path:
    """The newest version of a dataset's day, which must have one."""
    return lake.root / str(max(keys_of(lake, folder_of(dataset, day))))


def has_file(lake: Lake, dataset: str, day: date) -> bool:
    """Whether there is any version of a dataset's day."""
    return bool(keys_of(lake, folder_of(dataset, day)))


def days_of(lake: Lake, dataset: str) -> list[date]:
    """The days of which a dataset has a file, oldest first."""
    return sorted({key.day for key in keys_of(lake, dataset)})


def folder_snapshot(lake: Lake) -> Snapshot:
    """The newest version of everything, as readers see a lake whose ledger knows all of it."""
    newest = {(key.dataset, key.day): key for key in sorted(keys_of(lake))}
    files = []
    for key in newest.values():
        content = (lake.root / str(key)).read_bytes()
        sha256 = hashlib.sha256(content).digest()
        files.append(LakeFile(key.dataset, key.day, key.version, sha256, len(content), 0, PUBLISHED_AT))
    return Snapshot.of(lake, files)


def put_next(lake: Lake, dataset: str, day: date, written: Path) -> Path:
    """Move a file into the lake as the next version of a dataset's day."""
    version = max((key.version for key in keys_of(lake, folder_of(dataset, day))), default=0) + 1
    key = FileKey.of(dataset, day, version, hashlib.sha256(written.read_bytes()).digest())
    lake.store.put(str(key), written)
    return lake.root / str(key)
