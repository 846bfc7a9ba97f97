"""What a place must do to hold the lake. A folder does; an object store would, through the same methods."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol


class LakeStore(Protocol):
    """Holds files under keys such as ``meters/day=2026-02-08/v3-1a2b3c4d.parquet``.

    What lies under a key never changes: a new version gets a new key. So whoever has a key may open it as often as he
    likes, and a copy that was made of it stays right.
    """

    def put(self, key: str, written: Path) -> None:
        """Move a local file to this key. When this returns the file is durable; before, it is whole or not there.

        Putting the same bytes again is allowed: a publisher that was killed behind this call is started over.

        Raises:
            OSError: there is no room, or no permission; nothing is under the key that was not there before.
        """

    def open(self, key: str) -> BinaryIO:
        """Open a file for reading.

        Raises:
            FileNotFoundError: nothing is under this key.
        """

    def stored_at(self, key: str) -> datetime:
        """When a file was put.

        Raises:
            FileNotFoundError: nothing is under this key.
        """

    def location(self, key: str) -> str:
        """What DuckDB and Polars open: a path, or a URL."""

    def list(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with these folders (``meters``, ``meters/day=2026-02-08``), in order."""

    def delete(self, key: str) -> None:
        """Remove a file; one that is not there is removed already. It may come back after a power cut."""
