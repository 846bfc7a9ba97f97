"""Are the files that a question reads those that were published? Each is read for its hash, once a process.

Neither its size nor its time tells: a bit that flipped on the disk changes neither, and Parquet mostly passes it as
another number.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psycopg

from warehouse.lake.paths import Lake
from warehouse.lake.publish import digest, verified_file
from warehouse.postgres.ledger.lake_files import find_hashes

Version = tuple[int, int, int, int, int]
"""What tells that a file is another one, or was written to. The time of its last change is the kernel's own: whoever
sets the other one back changes it."""


def version_of(path: Path) -> Version:
    """The version of the file that is there now."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class CheckedFiles:
    """Remembers the hashes of the files that it has read, for as long as nobody writes to them."""

    def __init__(self) -> None:
        self._digests: dict[Path, tuple[Version, bytes]] = {}

    def digest(self, path: Path) -> bytes:
        """The file's SHA-256."""
        version = version_of(path)
        known = self._digests.get(path)
        if known is None or known[0] != version:
            known = self._digests[path] = version, digest(path)
        return known[1]

    def require_published(
        self, connection: psycopg.Connection, lake: Lake, datasets: Iterable[str], day: date | None
    ) -> None:
        """See that the files of these datasets, of one day or all, are the published ones, and none is missing.

        Raises:
            MissingFileError, DamagedFileError: one is not.
        """
        names = list(datasets)
        hashes = find_hashes(connection, names, day)
        present = {(name, each) for name in names for each in lake.days(name) if day in (None, each)}
        files = sorted(present | hashes.keys())
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # reading and hashing wait for no Python
            is_published = pool.map(lambda file: self._is_any_of(lake.file(*file), hashes.get(file, [])), files)
            for (name, of_day), is_right in zip(files, is_published, strict=True):
                if not is_right:  # or published since the ledger was asked
                    verified_file(connection, lake, name, of_day)

    def _is_any_of(self, path: Path, hashes: list[bytes | None]) -> bool:
        try:
            return self.digest(path) in hashes
        except FileNotFoundError:
            return False
