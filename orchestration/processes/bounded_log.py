"""Keeps a log that another process writes from growing without end: a few old parts of a bounded size beside it.

The writer holds the file open to append, so it is copied and then emptied in place. What is written between the two is
lost: a few lines once in many megabytes. A part is as large as the log was when it was looked at.
"""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 16 * 1024 * 1024
"""A log that is larger is set aside."""
KEPT = 3
"""How many old parts there are: ``api.log.1`` is the newest."""
LOOK_EVERY_S = 10.0


class BoundedLog:
    """One log and its old parts."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._look_at = 0.0

    def look(self) -> bool:
        """Set the log aside if it is too large, asked every now and then; whether that was done."""
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + LOOK_EVERY_S
        with suppress(FileNotFoundError):
            if self._path.stat().st_size > self._most_bytes:
                self._set_aside()
                return True
        return False

    def _set_aside(self) -> None:
        unfinished = self._part("new")
        try:
            shutil.copy(self._path, unfinished)
            for number in range(KEPT - 1, 0, -1):
                with suppress(FileNotFoundError):
                    self._part(number).rename(self._part(number + 1))
            unfinished.rename(self._part(1))
        except OSError:  # a full disk: then what is in the way is the log itself
            unfinished.unlink(missing_ok=True)
        os.truncate(self._path, 0)

    def _part(self, which: int | str) -> Path:
        return self._path.with_name(f"{self._path.name}.{which}")
