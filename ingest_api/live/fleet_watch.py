"""Looks at the fleet every two seconds while somebody listens: one look a process, however many listen."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from ingest_api.database import AnalyticsDatabase, Row, fetch_all
from ingest_api.http.wire import Wire
from ingest_api.live.fleet_now import FleetNows
from ingest_api.live.listeners import NOT_SEEN_FOR, Changed, Key, Listener, Listeners, Look
from ingest_api.live.now_schemas import FleetStateNow
from ingest_api.registry.device_lists import changed_question
from ingest_api.registry.device_schemas import meter_of, vehicle_of
from warehouse.contract.errors import FleetwattError
from warehouse.contract.tables import DeviceKind

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
_STATE_OF: dict[DeviceKind, Callable[[Row], Wire]] = {DeviceKind.METER: meter_of, DeviceKind.VEHICLE: vehicle_of}


class FleetWatch:
    """Has a task as long as anybody listens."""

    def __init__(self, reads: AnalyticsDatabase, now: FleetNows) -> None:
        self.listeners = Listeners()
        self._reads = reads
        self.now = now
        self._task: asyncio.Task[None] | None = None
        self._known_until: datetime | None = None

    @asynccontextmanager
    async def listening(self, listener: Listener) -> AsyncIterator[Listener]:
        """Let this one listen.

        Raises:
            OverloadedError: too many do already.
        """
        self.listeners.join(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(), name="fleet-watch")
        try:
            yield listener
        finally:
            self.listeners.leave(listener)

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _watch(self) -> None:
        while self.listeners:
            is_anew = self.listeners.joined.is_set()
            self.listeners.joined.clear()
            self.listeners.tell(await self._look(is_anew=is_anew))
            with suppress(TimeoutError):  # whoever joins is told at once
                await asyncio.wait_for(self.listeners.joined.wait(), LOOK_EVERY_S)

    async def _look(self, *, is_anew: bool) -> Look:
        """``is_anew``: at all devices that are asked for, not only at those of which something came in."""
        since = None if is_anew or self._known_until is None else self._known_until - NOT_SEEN_FOR
        try:
            fleet = FleetStateNow.of(await self.now.find()).model_dump_json(by_alias=True)
            devices = await self._changed(since)
        except FleetwattError:
            return Look()  # the streams go on, and say no more than that
        except Exception:
            logger.exception("the fleet could not be looked at")
            return Look()
        stored = [changed.received_at for changed in devices.values() if changed.received_at]
        self._known_until = max([*stored, *([self._known_until] if self._known_until else [])], default=None)
        return Look(fleet, devices, self._known_until)

    async def _changed(self, since: datetime | None) -> dict[Key, Changed]:
        at = datetime.now(UTC)
        found: dict[Key, Changed] = {}
        async with self._reads.connection() as connection:
            for kind, external_ids in self.listeners.asked_for().items():
                if external_ids:
                    for row in await fetch_all(connection, *changed_question(kind, sorted(external_ids), since, at)):
                        state = _STATE_OF[kind](row).model_dump_json(by_alias=True)
                        found[kind, row["external_id"]] = Changed(row["received_at"], state)
        return found
