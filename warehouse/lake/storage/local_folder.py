"""The lake in a folder of this machine."""

import errno
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from warehouse.durability import sync
from warehouse.lake.storage.keys import FileKey
from warehouse.lake.storage.patterns import readable
from warehouse.owners_rights import as_owner_of


@dataclass(frozen=True)
class LocalFolder:
    """A ``LakeStore``. A key is a path below ``root``."""

    root: Path

    def put(self, key: str, written: Path) -> None:
        """Rename a file to its place, and have the disk remember its bytes and its name.

        A dataset's or a day's folder may be a link to another disk: then the file is copied there first.
        """
        target = self.root / key
        self.root.mkdir(parents=True, exist_ok=True)
        with as_owner_of(self.root):
            missing = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
            target.parent.mkdir(parents=True, exist_ok=True)
            sync(written)
            try:
                written.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                _move_to_other_disk(written, target)
            for folder in (target.parent, *(each.parent for each in missing)):
                sync(folder)

    def open(self, key: str) -> BinaryIO:
        """Open the file. What is none, such as a pipe, is not there."""
        path = self.root / key
        if not path.is_file():
            raise FileNotFoundError(path)
        return path.open("rb")

    def stored_at(self, key: str) -> datetime:
        """When it was written."""
        return datetime.fromtimestamp((self.root / key).stat().st_mtime, UTC)

    def location(self, key: str) -> str:
        """Its path, of which each character stands for itself."""
        return readable(self.root / key)

    def list(self, prefix: str = "") -> Iterator[str]:
        """What is named as files of the lake are; nothing else in the folder is the lake's."""
        for path in sorted((self.root / prefix).rglob("*.parquet")):
            key = path.relative_to(self.root).as_posix()
            if FileKey.parse(key) and path.is_file():
                yield key

    def delete(self, key: str) -> None:
        """Remove the file. The folder of its day stays: the next version may be on its way there."""
        with as_owner_of(self.root):
            (self.root / key).unlink(missing_ok=True)


def _move_to_other_disk(written: Path, target: Path) -> None:
    beside = target.with_name(f".{target.name}")  # what a killed one left is overwritten by the next
    try:
        shutil.copyfile(written, beside)
        sync(beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    written.unlink()
