"""What the whole fleet does now, found once a second at most however many ask."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from psycopg.sql import Composed, Identifier

from ingest_api.database import AnalyticsDatabase, Connection, Database, Row, fetch_one
from ingest_api.live.stored_rate import StoredRate
from warehouse import sqlfiles
from warehouse.contract.tables import DeviceKind

KEPT_FOR_S = 1.0
_PACKAGE = "ingest_api.live"


class FleetNow(NamedTuple):
    """Rows of ``summarize_devices_now``, and how many readings come in a second (``None``: not known yet)."""

    at: datetime
    meters: Row
    vehicles: Row
    readings_per_second: float | None


class FleetNows:
    """Devices are counted where dashboards ask; what is stored is counted where it is stored."""

    def __init__(self, reads: AnalyticsDatabase, stores: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._reads = reads
        self._stores = stores
        self._clock = clock
        self._rate = StoredRate()
        self._looking = asyncio.Lock()
        self._found: FleetNow | None = None
        self._found_s = 0.0

    async def find(self) -> FleetNow:
        """As it is now, or was a second ago.

        Raises:
            DatabaseUnavailableError: it cannot be asked.
        """
        async with self._looking:
            if self._found is None or self._clock() - self._found_s >= KEPT_FOR_S:
                self._found = await self._look()
                self._found_s = self._clock()
            return self._found

    async def _look(self) -> FleetNow:
        at = datetime.now(UTC)
        async with self._reads.connection() as connection:
            meters, vehicles = [await _summary(connection, kind, at) for kind in DeviceKind]
        async with self._stores.connection() as connection:
            stored = await fetch_one(connection, sqlfiles.load(_PACKAGE, "count_stored_readings"), {}) or {}
        return FleetNow(at, meters, vehicles, self._rate.per_second(self._clock(), stored["readings"]))


def summary_question(kind: DeviceKind) -> Composed:
    """Asks what devices of a kind do at ``seen_at``."""
    return sqlfiles.load(_PACKAGE, "summarize_devices_now").format(
        devices=Identifier(kind.devices), latest=Identifier(kind.latest), device_id=Identifier(kind.device_id)
    )


async def _summary(connection: Connection, kind: DeviceKind, at: datetime) -> Row:
    return await fetch_one(connection, summary_question(kind), {"seen_at": at}) or {}
