"""What clients were told is stored, in a file that is synced before they go on."""

import asyncio
import os
import threading
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue


class Ledger:
    """Lines of text, appended by many clients; one thread writes, so that a sync never makes the others wait."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        """How many are on disk."""
        self._waiting: SimpleQueue[tuple[list[bytes], Future[None]] | None] = SimpleQueue()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._thread = threading.Thread(target=self._write_until_closed, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what waits."""
        self._waiting.put(None)
        self._thread.join()
        os.close(self._file)

    async def write(self, lines: list[bytes]) -> None:
        """Returns when they are on disk."""
        written: Future[None] = Future()
        self._waiting.put((lines, written))
        await asyncio.wrap_future(written)

    def _write_until_closed(self) -> None:
        is_open = True
        while is_open:
            entry = self._waiting.get()
            batch = []
            try:
                while entry is not None:
                    batch.append(entry)
                    entry = self._waiting.get_nowait()
                is_open = False
            except Empty:
                pass
            os.write(self._file, b"".join(line for lines, _ in batch for line in lines))
            os.fsync(self._file)
            self.lines += sum(len(lines) for lines, _ in batch)
            for _, written in batch:
                written.set_result(None)
