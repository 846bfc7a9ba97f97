"""The lake: its files in a store, and a folder of this machine where they are made."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from warehouse.lake.storage.keys import FileKey
from warehouse.lake.storage.local_folder import LocalFolder
from warehouse.lake.storage.store import LakeStore
from warehouse.postgres.ledger.lake_files import LakeFile

_ASIDE = ".aside"
_SPILL = ".spill"


@dataclass(frozen=True)
class Lake:
    """Parquet files, one a dataset, UTC day and version. Which of them count is for the ledger to say."""

    root: Path

    @property
    def store(self) -> LakeStore:
        """Where the files lie."""
        return LocalFolder(self.root)

    @property
    def spill(self) -> Path:
        """Where an engine puts what does not fit into memory."""
        return self.root / _SPILL

    def location(self, file: LakeFile) -> str:
        """What DuckDB and Polars open to read this file, whether or not it is there."""
        return self.store.location(str(key_of(file)))

    @contextmanager
    def aside(self, dataset: str, day: date) -> Iterator[Path]:
        """A local path to write a new version to; what is left there is removed at the end.

        One worker a day at a time writes here, so what an earlier one left is removed. It may not know yet that it lost
        the day with its connection: what it still writes must not come into the new file.
        """
        path = self.root / _ASIDE / f"{dataset}-{day:%Y-%m-%d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def remove_unfinished(self, day: date) -> None:
        """Remove what killed workers left of a day. Whoever calls holds it."""
        for path in (self.root / _ASIDE).glob(f"*-{day:%Y-%m-%d}.parquet"):
            path.unlink(missing_ok=True)


def key_of(file: LakeFile) -> FileKey:
    """What a file of the ledger is called in the store."""
    return FileKey.of(file.dataset, file.day, file.version, file.sha256)
