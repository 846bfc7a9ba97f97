"""The live phase: each reading is posted when it is due, a bounded number of them at a time."""

import asyncio
from collections.abc import Callable

from warehouse.simulation.clock import MINUTE_S
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.ingest_client import GivenUpError, IngestClient, RefusedError
from warehouse.simulation.payloads import Reading, readings
from warehouse.simulation.progress import Totals, Watcher

BEHIND_S = 30.0
"""A reading this long without an answer ends the phase: the rest is better sent in large bodies."""
REFUSALS_IN_A_ROW = 20
READING_REFUSED_STATUS = frozenset({409, 422})
"""These concern one reading. Any other error concerns the whole conversation and ends it."""


class LivePhase:
    """One run of live reporting; ends when ``leave`` is set, by the caller or because it has fallen behind."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        client: IngestClient,
        leave: asyncio.Event,
        totals: Totals,
        watcher: Watcher,
        connections: int,
        clock: Callable[[], float],
    ) -> None:
        self._fleet = fleet
        self._client = client
        self._leave = leave
        self._totals = totals
        self._watcher = watcher
        self._connections = connections
        self._clock = clock
        self._in_flight: dict[asyncio.Task[None], Reading] = {}
        self._unanswered_s: list[int] = []
        self._refusals_in_a_row = 0
        self._failure: RefusedError | None = None

    async def run(self, start_s: int) -> int:
        """Sends what is due from ``start_s`` on; returns the instant before which every reading has an answer.

        Raises:
            RefusedError: the API refuses the conversation, or many readings in a row.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._show())
            next_s = await self._send_due(group, start_s)
            self._leave.set()  # who waits for a retry gives up; who waits for an answer gets it
        if self._failure is not None:
            raise self._failure
        return min([next_s, *self._unanswered_s])

    async def _send_due(self, group: asyncio.TaskGroup, start_s: int) -> int:
        while True:
            end_s = start_s // MINUTE_S * MINUTE_S + MINUTE_S
            for reading in await asyncio.to_thread(self._drawn, start_s, end_s):
                if not await self._may_send(reading):
                    return reading.due_s
                task = group.create_task(self._send(reading))
                self._in_flight[task] = reading
                task.add_done_callback(self._in_flight.pop)
            start_s = end_s

    def _drawn(self, start_s: int, end_s: int) -> list[Reading]:
        return [reading for some in readings(self._fleet, start_s, end_s) for reading in some]

    async def _may_send(self, reading: Reading) -> bool:
        """Waits until the reading is due and a connection is free; False when it is time to leave."""
        early_s = reading.due_s - self._clock()
        if early_s > 0:
            await self._left_within(early_s)
        while len(self._in_flight) >= self._connections and not self._leave.is_set():
            await asyncio.wait(self._in_flight, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        return not self._leave.is_set() and self._clock() - reading.due_s <= BEHIND_S

    async def _send(self, reading: Reading) -> None:
        try:
            stored = await self._client.post_reading(reading.payload, BEHIND_S)
        except GivenUpError:
            self._unanswered_s.append(reading.due_s)
            self._leave.set()
        except RefusedError as refusal:
            self._refuse(reading, refusal)
        else:
            self._refusals_in_a_row = 0
            self._totals.sent += 1
            self._totals.stored += stored
            self._totals.duplicates += not stored

    def _refuse(self, reading: Reading, refusal: RefusedError) -> None:
        if refusal.status in READING_REFUSED_STATUS:
            self._totals.sent += 1
            self._totals.conflicts += refusal.status == 409
            self._totals.rejected += refusal.status == 422
            self._refusals_in_a_row += 1
            device = reading.payload.get("meterId") or reading.payload.get("vehicleId")
            self._watcher.alarm(f"{device} at {reading.payload['timestamp']}: {refusal}")
            if self._refusals_in_a_row < REFUSALS_IN_A_ROW:
                return
        self._failure = refusal
        self._leave.set()

    async def _show(self) -> None:
        while not await self._left_within(1.0):
            now_s = self._clock()
            oldest_s = min((reading.due_s for reading in self._in_flight.values()), default=now_s)
            self._watcher.live(max(0.0, now_s - oldest_s), self._totals)

    async def _left_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._leave.wait(), seconds)
        except TimeoutError:
            return False
        return True
