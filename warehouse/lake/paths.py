"""Where things lie in the lake: ``<dataset>/day=YYYY-MM-DD/data.parquet``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

FILE_NAME = "data.parquet"
_ASIDE = ".aside"


@dataclass(frozen=True)
class Lake:
    """A folder of Parquet files, one a dataset and UTC day. A file that is there is whole."""

    root: Path

    def file(self, dataset: str, day: date) -> Path:
        """The published file of a dataset's day, whether or not it exists."""
        return self.root / dataset / f"day={day:%Y-%m-%d}" / FILE_NAME

    def days(self, dataset: str) -> list[date]:
        """The days of a dataset that have a file, oldest first."""
        found = (self.root / dataset).glob(f"day=*/{FILE_NAME}")
        return sorted(date.fromisoformat(path.parent.name.removeprefix("day=")) for path in found)

    @contextmanager
    def aside(self, dataset: str, day: date) -> Iterator[Path]:
        """A path on the same file system to write a new version to; what is left there is removed at the end.

        One worker a day at a time writes here, so what an earlier, killed one left is overwritten.
        """
        path = self.root / _ASIDE / f"{dataset}-{day:%Y-%m-%d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
