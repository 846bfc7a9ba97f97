"""What waits to be stored, and how batches form: a writer takes all that waits, once there is enough for a batch."""

import asyncio
from typing import NamedTuple, Protocol

from warehouse.decoding.telemetry import Telemetry
from warehouse.postgres.readings.reading_store import Outcome

MAX_BATCH_READINGS = 10_000
"""Where a batch is full, so that no request waits long for the others in it. A batch is prepared on the event loop: one
of so many single readings in 50 ms."""


class Completion(Protocol):
    """Who waits for a body to be stored: what a future has of it. None of these methods raises or blocks."""

    def done(self) -> bool:
        """Whether nobody waits any more."""
        ...

    def cancelled(self) -> bool:
        """Whether that is because the request went away."""
        ...

    def set_result(self, result: Outcome, /) -> None:
        """Tell what became of the body."""
        ...

    def set_exception(self, exception: Exception, /) -> None:
        """Tell that the body is not known to be stored."""
        ...


class Entry(NamedTuple):
    """A body that waits to be stored, and who waits for that."""

    body: Telemetry
    items: int
    size_bytes: int
    completion: Completion

    def has_expired(self) -> bool:
        """Whether its request was told that it took too long. A request that went away is another matter."""
        return self.completion.done() and not self.completion.cancelled()


class BatchQueue:
    """Bodies in the order in which they came, for several writers: one gathers a batch while the others store."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._entries: asyncio.Queue[Entry | None] = asyncio.Queue()
        # Two that gather at a time would take each other's bodies, and come away with one each.
        self._gathering = asyncio.Lock()
        self._last_batch = 0  # how many bodies it held

    def put(self, entry: Entry) -> None:
        """Let a body wait. The caller bounds how much may."""
        self._entries.put_nowait(entry)

    def end_a_writer(self) -> None:
        """Tell one of the writers to end, after all that waits now."""
        self._entries.put_nowait(None)

    async def next_batch(self) -> tuple[list[Entry], bool]:
        """Wait for a body, then take all that have come; true where this writer is to end with them."""
        async with self._gathering:
            batch: list[Entry] = []
            items = 0
            entry = await self._entries.get()
            await self._let_some_come()
            while entry is not None:
                batch.append(entry)
                items += entry.items
                if items >= MAX_BATCH_READINGS or self._entries.empty():
                    break
                entry = self._entries.get_nowait()
            self._last_batch = len(batch)
            return batch, entry is None

    async def _let_some_come(self) -> None:
        """Wait until two thirds as many as the last batch held are there, or no more come.

        Else the first would go alone, and all others wait for its transaction. So some are stored while others are
        answered, and come in again.
        """
        came = -1
        while came < self._entries.qsize() < self._last_batch * 2 // 3:
            came = self._entries.qsize()
            await asyncio.sleep(0)
