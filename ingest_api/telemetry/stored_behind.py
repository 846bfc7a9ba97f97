"""Stores a piece of a stream while the next one is read and validated: the database and the API both have work."""

import asyncio
from types import TracebackType
from typing import Self

from ingest_api.telemetry.answers import Totals
from warehouse.postgres.readings.reading_store import Outcome


class StoredBehind:
    """At most one piece is being stored, and the outcomes are added up in their order.

    Where one cannot be stored, the block ends at once with that error, even while it waits for its client.
    """

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._under_way: tuple[asyncio.Future[Outcome], range] | None = None
        self._reading: asyncio.Task[object] | None = None
        self._was_interrupted = False

    async def __aenter__(self) -> Self:
        self._reading = asyncio.current_task()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whatever ends the block: what was begun is counted."""
        if self._was_interrupted and self._reading is not None:
            self._reading.uncancel()
        await self.settle()

    async def settle(self) -> None:
        """Wait for the piece that is being stored, and count it.

        Raises:
            DatabaseUnavailableError, PartitionMissingError: it is not known to be stored.
        """
        if self._under_way is not None:
            (stored, indexes), self._under_way = self._under_way, None
            self._totals.add(await stored, indexes.start)
            self._totals.next_index = indexes.stop

    def begin(self, stored: "asyncio.Future[Outcome]", indexes: range) -> None:
        """Take over a piece that is being stored, once the one before is settled; its lines have these indexes."""
        self._under_way = stored, indexes
        stored.add_done_callback(self._interrupt)

    def _interrupt(self, stored: "asyncio.Future[Outcome]") -> None:
        if self._under_way is None or self._under_way[0] is not stored or stored.cancelled():
            return  # somebody awaits it
        if stored.exception() is not None and self._reading is not None:
            self._was_interrupted = self._reading.cancel()
