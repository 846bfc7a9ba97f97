"""The memory of a process and of all that it has started, looked at again and again while something runs."""

import threading
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Self

import psutil

SAMPLE_EVERY_S = 0.05


class PeakMemory(AbstractContextManager["PeakMemory"]):
    """The most resident memory that a process tree was seen to have, while the block runs.

    The sum of all its processes: what several of them share counts several times. PostgreSQL is none of them.
    """

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self._process = psutil.Process(pid)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no more."""
        self._over.set()
        self._watcher.join()

    @property
    def peak_mb(self) -> float:
        """The same in MB."""
        return self.peak_bytes / 1e6

    def _watch(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, self._resident_bytes())
            if self._over.wait(SAMPLE_EVERY_S):
                return

    def _resident_bytes(self) -> int:
        total = 0
        with suppress(psutil.NoSuchProcess):
            for process in [self._process, *self._process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                    total += process.memory_info().rss
        return total
