"""Sends the simulated fleet to an API: provisions it, fills the past in large bodies, then reports live, one by one.

Nothing is lost and memory stays bounded, because readings need not be kept: they can be drawn again. All progress is
one cursor, the instant before which every reading has an answer. When the live phase falls behind, the fill goes on
from the cursor until the present is reached again. Any repetition is safe: the API knows a reading by its device and
instant.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from warehouse.counted import counted
from warehouse.simulation.clock import EPOCH_S, MINUTE_S
from warehouse.simulation.faults import CLOCKS, SILENCES
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.ingest_client import BodyAnswer, GivenUpError, IngestClient, RefusedError
from warehouse.simulation.live import LivePhase
from warehouse.simulation.payloads import Body, bodies
from warehouse.simulation.progress import Totals, Watcher
from warehouse.simulation.provisioning import provision

OLDEST_S = 7 * 86_400 - 3_600
"""The API refuses what is older than seven days; the hour is for the time a long fill takes itself."""
RESUME_MARGIN_S = 120
"""Live readings are answered out of order, by up to ``live.BEHIND_S``: an earlier run is resumed further back."""
BODY_PATIENCE_S = 600.0
"""Then the body is drawn again, by a cursor that may have become too old meanwhile."""
PRESENT_S = 3.0
"""This close to the clock the fill has caught up."""
RETRY_NOTE_S = 10.0
"""An API that is away is mentioned this often, not at each try."""


@dataclass
class Sender:
    """One run of the simulator. ``stop()`` may be called from a signal handler of the same event loop."""

    fleet: Fleet
    url: str
    since_s: float
    watcher: Watcher
    once: bool = False
    """Fill up to now and stop."""
    token: str | None = field(default=None, repr=False)
    insecure: bool = False
    """The API's certificate is not looked at."""
    connections: int = 16
    clock: Callable[[], float] = time.time
    totals: Totals = field(default_factory=Totals)

    def __post_init__(self) -> None:
        self._stopping = False
        self._leave = asyncio.Event()
        self._noted_retry_at = float("-inf")

    def stop(self) -> None:
        """Ends the run once the requests in flight have their answers."""
        self._stopping = True
        self._leave.set()

    async def run(self) -> Totals:
        """Sends until stopped; with ``once``, until what was the present at the beginning is reached.

        Raises:
            RefusedError: the API refuses what it is sent, and would refuse it again.
        """
        async with IngestClient(
            self.url, self.connections, self._leave, self._count_retry, self.token, insecure=self.insecure
        ) as client:
            try:
                await provision(self.fleet, client, self.watcher, self.connections)
                cursor_s = await self._resume_s(client)
            except GivenUpError:  # stopped before the API was there
                return self.totals
            present_s = int(self.clock())
            while not self._stopping and not (self.once and cursor_s >= present_s):
                cursor_s = self._not_too_old(cursor_s)
                if self.once or self.clock() - cursor_s > PRESENT_S:
                    cursor_s = await self._fill(client, cursor_s, present_s if self.once else int(self.clock()))
                else:
                    cursor_s = await self._report_live(client, cursor_s)
        return self.totals

    async def _resume_s(self, client: IngestClient) -> int:
        """Where to begin: what a few devices have stored tells how far an earlier run has come."""
        earliest_s = max(int(self.since_s), EPOCH_S)
        stored_s = [await client.latest_s(path) for path in self._sampled_devices()]
        known_s = [latest_s for latest_s in stored_s if latest_s is not None]
        if len(known_s) < len(stored_s):  # a device the API has never heard of: an earlier run was a smaller fleet's
            return earliest_s
        known_to_s = int(min(known_s))
        resume_s = (known_to_s - RESUME_MARGIN_S) // MINUTE_S * MINUTE_S
        if resume_s <= earliest_s:
            return earliest_s
        self.watcher.note(f"resuming at {_instant(resume_s)}: what comes before is stored")
        if resume_s < self.clock() - OLDEST_S:
            return known_to_s
        # The overlap by itself: if the API knows it with other values, this is another fleet, and not to be mixed in.
        return await self._fill(client, resume_s, known_to_s)

    def _sampled_devices(self) -> list[str]:
        """The first, middle and last vehicle and meter, but none that is known to fall silent."""
        faults = self.fleet.faults(datetime.fromtimestamp(self.clock(), UTC))
        silent = {fault.device_id for fault in faults if fault.kind in SILENCES | CLOCKS}
        sampled = _spread([each for each in self.fleet.vehicle_ids if each not in silent])
        meters = _spread([each for each in self.fleet.meter_ids if each not in silent])
        return [f"/v1/vehicles/{each}" for each in sampled] + [f"/v1/meters/{each}" for each in meters]

    def _not_too_old(self, cursor_s: int) -> int:
        oldest_s = int(self.clock()) - OLDEST_S
        if cursor_s >= oldest_s:
            return cursor_s
        self.totals.skipped_s += oldest_s - cursor_s
        self.watcher.alarm(f"skipping {_instant(cursor_s)} to {_instant(oldest_s)}: the API takes seven days only")
        return oldest_s

    async def _fill(self, client: IngestClient, start_s: int, end_s: int) -> int:
        """Sends the readings of ``[start_s, end_s)`` in order of time; returns the cursor: the end unless stopped."""
        drawn = bodies(self.fleet, start_s, end_s)
        body = await asyncio.to_thread(next, drawn, None)
        while body is not None and not self._stopping:
            upcoming = asyncio.create_task(asyncio.to_thread(next, drawn, None))  # drawn while this one is on its way
            try:
                self._count_body(body, await client.post_body(body.content, BODY_PATIENCE_S))
            except GivenUpError:
                return body.first_s
            finally:
                following = await upcoming
            body = following
            done_s = (end_s if body is None else body.first_s) - start_s
            self.watcher.filling(done_s / (end_s - start_s), self.totals)
        return end_s if body is None else body.first_s

    def _count_body(self, body: Body, answer: BodyAnswer) -> None:
        totals = self.totals
        totals.sent += body.lines
        totals.stored += answer.accepted
        totals.duplicates += answer.duplicates
        totals.conflicts += answer.conflicts
        totals.rejected += answer.rejected
        refused = answer.conflicts + answer.rejected
        if refused == 0:
            return
        code, detail = next(
            ((error.code, error.detail or "") for error in answer.errors), ("unknown", "no reason given")
        )
        if refused == body.lines:
            if answer.conflicts == refused:
                detail = f"{detail} (did another seed or simulator send here?)"
            raise RefusedError(f"all {counted(refused, 'reading')} from {_instant(body.first_s)} on", 200, code, detail)
        self.watcher.alarm(f"{counted(refused, 'reading')} from {_instant(body.first_s)} on: {code}: {detail}")

    async def _report_live(self, client: IngestClient, start_s: int) -> int:
        phase = LivePhase(
            fleet=self.fleet,
            client=client,
            leave=self._leave,
            totals=self.totals,
            watcher=self.watcher,
            connections=self.connections,
            clock=self.clock,
        )
        cursor_s = await phase.run(start_s)
        if not self._stopping:
            self._leave.clear()
            self.watcher.note(f"behind by {self.clock() - cursor_s:.0f} s, catching up")
        return cursor_s

    def _count_retry(self, reason: str) -> None:
        self.totals.retries += 1
        now = time.monotonic()
        if now - self._noted_retry_at >= RETRY_NOTE_S:
            self._noted_retry_at = now
            self.watcher.note(f"no answer from {self.url} ({reason}), trying again")


def _spread(ids: list[str]) -> list[str]:
    return list(dict.fromkeys((ids[-1], ids[len(ids) // 2], ids[0]))) if ids else []


def _instant(instant_s: float) -> str:
    return datetime.fromtimestamp(instant_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
