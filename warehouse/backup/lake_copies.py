"""The lake's files in a target, by their hashes: a file that is there is not copied again, whatever it is called."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from warehouse.backup.record import LakeCopy
from warehouse.backup.target import BackupTarget
from warehouse.durability import sync
from warehouse.lake.storage.keys import UNVERSIONED
from warehouse.lake.storage.lake import Lake, key_of
from warehouse.postgres.ledger.lake_files import LakeFile

_PIECE_BYTES = 1 << 20


@dataclass
class LakeCopied:
    """What is in the target after copying."""

    copies: list[LakeCopy] = field(default_factory=list)
    new_files: int = 0
    new_bytes: int = 0
    lost: list[str] = field(default_factory=list)
    """Keys of files that are not in the lake as they were published, nor in the target."""

    def __add__(self, more: "LakeCopied") -> "LakeCopied":
        """Both together."""
        return LakeCopied(
            [*self.copies, *more.copies],
            self.new_files + more.new_files,
            self.new_bytes + more.new_bytes,
            [*self.lost, *more.lost],
        )


def path_of_copy(target: BackupTarget, sha256: str) -> Path:
    """Where the file with this hash (hexadecimal) lies, or would."""
    return target.lake / sha256[:2] / f"{sha256}.parquet"


def copy_lake(target: BackupTarget, lake: Lake, files: Iterable[LakeFile]) -> LakeCopied:
    """Have these versions in the target, durable and with the hash that was published; all are read to see that.

    Raises:
        OSError: the target cannot be written.
    """
    return _copy_all(target, lake, (LakeCopy(str(key_of(file)), file.sha256.hex(), file.size_bytes) for file in files))


def copy_unversioned(target: BackupTarget, lake: Lake) -> LakeCopied:
    """The same with the files of a release that replaced them in place, as they lie there. Raises as ``copy_lake``."""
    paths = sorted(lake.root.glob(f"*/day=*/{UNVERSIONED}")) if lake.root.is_dir() else []
    return _copy_all(target, lake, [_as_copy(lake, path) for path in paths])


def _as_copy(lake: Lake, path: Path) -> LakeCopy:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return LakeCopy(str(path.relative_to(lake.root)), digest, path.stat().st_size)


def _copy_all(target: BackupTarget, lake: Lake, copies: Iterable[LakeCopy]) -> LakeCopied:
    done = LakeCopied()
    for copy in copies:
        is_there = is_intact_copy(target, copy.sha256)
        if not is_there and _copy(target, lake, copy):
            is_there = True
            done.new_files += 1
            done.new_bytes += copy.size_bytes
        if is_there:
            done.copies.append(copy)
        else:
            done.lost.append(copy.key)
    return done


def has_copy(target: BackupTarget, file: LakeFile) -> bool:
    """Whether the target has a file, by its name and size."""
    try:
        return path_of_copy(target, file.sha256.hex()).stat().st_size == file.size_bytes
    except OSError:
        return False


def is_intact_copy(target: BackupTarget, sha256: str) -> bool:
    """Whether the target has the file with this hash, as its bytes say."""
    try:
        with path_of_copy(target, sha256).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def _copy(target: BackupTarget, lake: Lake, copy: LakeCopy) -> bool:
    """False where the lake does not have the bytes."""
    try:
        source = lake.store.open(copy.key)
    except OSError:
        return False
    path = path_of_copy(target, copy.sha256)
    written = path.with_name(f".{path.name}.{os.getpid()}")
    with source, target.writing():
        path.parent.mkdir(exist_ok=True)
        try:
            if _written(source, written) != copy.sha256:
                return False
            written.replace(path)
        finally:
            written.unlink(missing_ok=True)
        sync(path.parent)
        sync(target.lake)
    return is_intact_copy(target, copy.sha256)


def _written(source: BinaryIO, path: Path) -> str:
    """The hash (hexadecimal) of what was written to the disk."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while piece := source.read(_PIECE_BYTES):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
