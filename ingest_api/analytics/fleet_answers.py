"""What the whole fleet's charging was worth over the last closed hours, from ``device_hourly`` alone.

One statement rates every vehicle as ``performance.py`` rates one, and sends the sums, the spread and the worst of
them: ten thousand vehicles never travel.
"""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from ingest_api.analytics.performance import Window
from ingest_api.database import Connection, Database, Row, fetch_one
from warehouse import sqlfiles
from warehouse.contract.efficiency import (
    COARSE_FIRST_STEP,
    LOW_COVERAGE,
    RATIO_BINS,
    SHOWN_DIGITS,
    Status,
    efficiency_ratio,
    low_energy_below_kwh,
)
from warehouse.contract.errors import FleetwattError

logger = logging.getLogger(__name__)

MOST_LISTED = 1000
"""Of the worst vehicles. So many are always found, and each question gets as many of them as it asks for."""
MOST_GROUPS = 200
"""Of each grouping those with most AC."""
DEFAULT_HOURS = 24
REMEMBERED = 8
"""Windows: those that were asked for last, and the default one. Each is summed again when an hour is written."""
LOOK_EVERY_S = 10.0


class GroupedBy(StrEnum):
    """What vehicles can have in common."""

    MODEL = "model"
    """Of the charger."""
    SITE = "site"
    TAG = "tag"


class VehicleInFleet(NamedTuple):
    """One of the worst vehicles, unrounded. Energies in kWh."""

    vehicle_id: str
    ac_kwh: float
    dc_kwh: float
    efficiency_ratio: float
    ac_coverage: float
    dc_coverage: float
    status: Status
    flags: Mapping[str, int]


class Bin(NamedTuple):
    """Vehicles whose shown ratio lies in ``[from_ratio, to_ratio)``; ``None`` is open."""

    from_ratio: float | None
    to_ratio: float | None
    vehicles: int
    ac_kwh: float


class Group(NamedTuple):
    """Vehicles that have something in common. Energies in kWh, of those that have a ratio; ``None`` is missing."""

    name: str | None
    """``None``: those of which it is not known."""
    vehicles: int
    below_threshold: int
    ac_kwh: float | None
    dc_kwh: float | None

    @property
    def efficiency_ratio(self) -> float | None:
        """A ratio of sums."""
        return efficiency_ratio(self.ac_kwh, self.dc_kwh) if self.ac_kwh and self.dc_kwh is not None else None


class FleetPerformance(NamedTuple):
    """The fleet's window, unrounded. ``None`` is missing, never 0."""

    window: Window
    written_at: datetime | None
    missing_hours: Sequence[datetime]
    metered_ac_kwh: float | None
    delivered_dc_kwh: float | None
    ac_kwh: float | None
    dc_kwh: float | None
    ac_coverage: float | None
    dc_coverage: float | None
    standby_kwh: float | None
    statuses: Mapping[Status, int]
    bins: Sequence[Bin]
    worst: Sequence[VehicleInFleet]
    groups: Mapping[GroupedBy, Sequence[Group]]

    @property
    def efficiency_ratio(self) -> float | None:
        """A ratio of sums over the vehicles that have a ratio of their own."""
        return efficiency_ratio(self.ac_kwh, self.dc_kwh) if self.ac_kwh and self.dc_kwh is not None else None


class FleetAnswers:
    """What the fleet was found to be worth, remembered until the hours that it was found from are others.

    To sum a day of twenty thousand devices takes PostgreSQL a fifth of a second, to see that nothing changed a
    millisecond. So what is usually asked is summed before anybody asks (``keep_ready``).
    """

    def __init__(self, database: Database, threshold: float) -> None:
        """``threshold`` is the efficiency below which a vehicle is flagged."""
        self._database = database
        self._threshold = threshold
        self._asked: list[int] = []  # hours, the last asked last
        self._known: dict[int, tuple[Row, FleetPerformance]] = {}
        self._summing = asyncio.Lock()

    async def answer(self, hours: int, worst: int) -> FleetPerformance:
        """Answer for the last ``hours`` closed hours that are written, and the ``worst`` vehicles of them.

        Raises:
            DatabaseUnavailableError: it cannot be asked.
        """
        self._asked = [*(each for each in self._asked if each != hours), hours][-REMEMBERED:]
        found = await self._found(hours)
        return found._replace(worst=found.worst[:worst])

    async def keep_ready(self) -> None:
        """Without end: as soon as hours are written, sum again what was asked last, and what is asked by default."""
        while True:
            try:
                for hours in self._kept:
                    await self._found(hours)
            except FleetwattError:
                pass  # whoever asks is told
            except Exception:
                logger.exception("the fleet's answer could not be made ready")
            await asyncio.sleep(LOOK_EVERY_S)

    @property
    def _kept(self) -> set[int]:
        return {DEFAULT_HOURS, *self._asked}

    async def _found(self, hours: int) -> FleetPerformance:
        async with self._database.connection() as connection:
            state = await _state(connection, hours)
        if known := self._recall(hours, state):
            return known
        async with self._summing:  # one at a time: whoever asks meanwhile mostly wants the same
            return self._recall(hours, state) or await self._sum(hours)

    def _recall(self, hours: int, state: Row) -> FleetPerformance | None:
        known_state, found = self._known.get(hours, (None, None))
        return found if known_state == state else None

    async def _sum(self, hours: int) -> FleetPerformance:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            state = await _state(connection, hours)
            window = Window(state["window_from"], state["window_to"])
            sums = (
                await fetch_one(
                    connection,
                    sqlfiles.load("ingest_api.analytics", "sum_fleet_hours"),
                    sums_of(window, MOST_LISTED, self._threshold),
                )
                or {}
            )
        found = _performance(state, window, sums)
        self._known[hours] = state, found
        for forgotten in self._known.keys() - self._kept:
            del self._known[forgotten]
        return found


async def _state(connection: Connection, hours: int) -> Row:
    return (
        await fetch_one(connection, sqlfiles.load("ingest_api.analytics", "find_fleet_window"), {"hours": hours}) or {}
    )


def _performance(state: Row, window: Window, sums: Row) -> FleetPerformance:
    return FleetPerformance(
        window=window,
        written_at=state["written_at"],
        missing_hours=state["missing_hours"],
        **{name: sums[name] for name in ("metered_ac_kwh", "delivered_dc_kwh", "ac_kwh", "dc_kwh")},
        **{name: sums[name] for name in ("ac_coverage", "dc_coverage", "standby_kwh")},
        statuses={status: (sums["statuses"] or {}).get(status, 0) for status in Status},
        bins=_bins(sums["bins"] or {}),
        worst=[_vehicle(row) for row in sums["worst"] or []],
        groups={each: [_group(row) for row in sums["groups"] or [] if row["grouped_by"] == each] for each in GroupedBy},
    )


def sums_of(window: Window, worst: int, threshold: float) -> dict[str, Any]:
    """The parameters of ``sum_fleet_hours.sql``."""
    window_seconds = (window.end - window.start).total_seconds()
    return {
        "window_from": window.start,
        "window_to": window.end,
        "window_seconds": window_seconds,
        "coarse_first_step_s": COARSE_FIRST_STEP * window_seconds,
        "ok_from": smallest_shown_as(threshold),
        "exceeds_from": smallest_shown_as(1 + 10**-SHOWN_DIGITS),
        "bins_from": [smallest_shown_as(number / RATIO_BINS) for number in range(RATIO_BINS + 1)],
        "low_energy_kwh": low_energy_below_kwh(window.hours),
        "worst": worst,
        "groups": MOST_GROUPS,
    }


def smallest_shown_as(limit: float) -> float:
    """The smallest ratio that is shown as ``limit`` or more: so SQL rates by what is shown, and rounds nothing."""
    shown = Decimal(repr(limit)).quantize(Decimal(1).scaleb(-SHOWN_DIGITS), ROUND_CEILING)
    ratio = float(shown - Decimal(5).scaleb(-SHOWN_DIGITS - 1))  # within a bit or two of it
    while round(ratio, SHOWN_DIGITS) >= limit:
        ratio = math.nextafter(ratio, -math.inf)
    while round(ratio, SHOWN_DIGITS) < limit:
        ratio = math.nextafter(ratio, math.inf)
    return ratio


def _bins(found: Mapping[str, Sequence[float]]) -> list[Bin]:
    """Every bin, empty or not: nobody is not the same as no data."""
    edges = [None, *(number / RATIO_BINS for number in range(RATIO_BINS + 1)), None]
    counted = [found.get(str(number), (0, 0.0)) for number in range(RATIO_BINS + 2)]
    return [
        Bin(from_ratio, to_ratio, int(vehicles), ac_kwh)
        for from_ratio, to_ratio, (vehicles, ac_kwh) in zip(edges, edges[1:], counted, strict=False)
    ]


def _vehicle(row: Row) -> VehicleInFleet:
    flags = dict(row["flags"] or {})
    flags["low_coverage"] = sum(row[side] < LOW_COVERAGE for side in ("ac_coverage", "dc_coverage"))
    flags["partly_mapped"] = int(row.pop("is_partly_mapped"))
    row["flags"] = {flag: count for flag, count in flags.items() if count}
    row["status"] = Status(row["status"])
    return VehicleInFleet(**row)


def _group(row: Row) -> Group:
    return Group(**{name: row[name] for name in Group._fields})
