"""The faults of the simulated fleet: who has which, since when, until when, how large.

They are known by construction, so that whatever looks for faults can be measured against them. Of each 100 pairs a
given share (5 by default) gets a fault within a year. Most are repaired after weeks or months.
"""

import math
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from warehouse.simulation.clock import DAY_S, EPOCH_S, HOUR_S, YEAR_DAYS
from warehouse.simulation.draws import Draws, What
from warehouse.simulation.layout import Layout
from warehouse.simulation.traits import VEHICLE_SUBJECTS, Chargers, Vehicles

DEFAULT_FAULT_SHARE = 0.05
"""Of the pairs, in a year."""
BASELINE_DAYS = 40
"""No fault begins in the first days of the history, so that a baseline can be learned; but those of the first day."""
REPAIRED_SHARE = 0.6
NEVER = 1_000_000
"""A day that never comes."""


class FaultKind(StrEnum):
    """What is wrong."""

    CHARGER_STEP = "charger_step"
    CHARGER_DRIFT = "charger_drift"
    BAD_FROM_FIRST_DAY = "bad_from_first_day"
    LEAKAGE = "leakage"
    METER_GAIN = "meter_gain"
    FROZEN_METER = "frozen_meter"
    DEAD_TRANSFORMER = "dead_current_transformer"
    REGISTER_RESET = "register_reset"
    METER_REPLACED = "meter_replaced"
    METER_GLITCH = "meter_glitch"
    METER_CLOCK = "meter_clock_off"
    METER_SILENT = "meter_silent"
    VEHICLE_LOSS = "vehicle_loss"
    DC_REGISTER_GAIN = "dc_register_gain"
    SWAPPED_MAPPING = "swapped_mapping"
    VEHICLE_GLITCH = "vehicle_glitch"
    VEHICLE_CLOCK = "vehicle_clock_off"
    VEHICLE_SILENT = "vehicle_silent"


class Nature(NamedTuple):
    """How often a kind of fault is the one that comes, its size and unit, and how many days it lasts if repaired."""

    weight: float
    unit: str
    sizes: tuple[float, ...]
    """Each as often as the other; two with ``is_range``: whatever lies between, small ones as often as large."""
    lasts_days: tuple[float, float]
    is_range: bool = False
    is_signed: bool = False
    """As often the other way round."""


OF_CHARGERS = {
    FaultKind.CHARGER_STEP: Nature(24, "points", (3, 5, 8), (20, 150)),
    FaultKind.CHARGER_DRIFT: Nature(8, "points a month", (1, 2, 3), (60, 200)),
    FaultKind.BAD_FROM_FIRST_DAY: Nature(5, "points", (4, 8), (90, 300), is_range=True),
    FaultKind.LEAKAGE: Nature(9, "W", (20, 200), (15, 120), is_range=True),
    FaultKind.METER_GAIN: Nature(5, "%", (3, 8), (20, 120), is_range=True, is_signed=True),
    FaultKind.FROZEN_METER: Nature(6, "of sessions", (0.3, 1.0), (5, 60), is_range=True),
    FaultKind.DEAD_TRANSFORMER: Nature(4, "%", (-100 / 3,), (10, 90)),
    FaultKind.REGISTER_RESET: Nature(3, "a day", (0.05, 0.3), (10, 90), is_range=True),
    FaultKind.METER_REPLACED: Nature(3, "kWh", (10, 9_000), (1, 1), is_range=True),
    FaultKind.METER_GLITCH: Nature(3, "a day", (0.1, 0.6), (10, 90), is_range=True),
    FaultKind.METER_CLOCK: Nature(4, "s", (3_600, 7_200), (5, 90), is_signed=True),
    FaultKind.METER_SILENT: Nature(4, "h", (6, 240), (1, 1), is_range=True),
}
OF_VEHICLES = {
    FaultKind.VEHICLE_LOSS: Nature(8, "points", (3, 5, 8), (20, 150)),
    FaultKind.DC_REGISTER_GAIN: Nature(6, "%", (3, 8), (20, 120), is_range=True, is_signed=True),
    FaultKind.SWAPPED_MAPPING: Nature(8, "pairs", (2,), (7, 60)),
    FaultKind.VEHICLE_GLITCH: Nature(2, "a day", (0.1, 0.6), (10, 90), is_range=True),
    FaultKind.VEHICLE_CLOCK: Nature(4, "s", (3_600, 7_200), (5, 90), is_signed=True),
    FaultKind.VEHICLE_SILENT: Nature(3, "h", (6, 240), (1, 1), is_range=True),
}
"""Only every second vehicle of a pair can be swapped with the one before it, so its weight counts half."""
ALL_KINDS = frozenset(FaultKind)
EVENTS = frozenset({FaultKind.METER_REPLACED})
"""They happen once, at their start."""
SILENCES = frozenset({FaultKind.METER_SILENT, FaultKind.VEHICLE_SILENT})
CLOCKS = frozenset({FaultKind.METER_CLOCK, FaultKind.VEHICLE_CLOCK})


class Fault(NamedTuple):
    """One known fault of a charger (with its meter) or a vehicle. Days are those of the subject's site."""

    kind: FaultKind
    number: int
    """Of the charger or the vehicle."""
    since_day: int
    until_day: int
    """The first day without it; ``NEVER`` where it is not repaired."""
    since: datetime
    until: datetime | None
    size: float
    unit: str

    @property
    def on_charger(self) -> bool:
        """Whether ``number`` is a charger's."""
        return self.kind in OF_CHARGERS


class Planted(NamedTuple):
    """A fault that shall be there, whatever is drawn. Days as in ``Fault``."""

    kind: FaultKind
    number: int
    since_day: int
    size: float
    """In the unit that is usual for the kind."""
    until_day: int = NEVER


def plant(planted: Iterable[Planted], chargers: Chargers, vehicles: Vehicles) -> list[Fault]:
    """These faults, in order."""
    found = []
    for kind, number, since_day, size, until_day in planted:
        day_begins_s = int((chargers if kind in OF_CHARGERS else vehicles).day_begins_s[number])
        since = datetime.fromtimestamp(max(_begins_s(since_day, day_begins_s), EPOCH_S), UTC)
        until = None if until_day >= NEVER else datetime.fromtimestamp(_begins_s(until_day, day_begins_s), UTC)
        unit = (OF_CHARGERS | OF_VEHICLES)[kind].unit
        found.append(Fault(kind, number, since_day, until_day, since, until, size, unit))
    return found


def draw_faults(
    draws: Draws,
    layout: Layout,
    chargers: Chargers,
    vehicles: Vehicles,
    share: float,
    years: int,
    wanted: Collection[FaultKind] = ALL_KINDS,
) -> list[Fault]:
    """The faults that begin within the first ``years`` years, in order of time for each subject.

    ``wanted``: which kinds come, as often beside each other as ever.
    """
    whole = sum(_weight(kind, wanted) for kind in FaultKind)
    swaps = ~layout.in_depot & (np.arange(layout.vehicles) % 2 == 1)
    found: list[Fault] = []
    for kinds, devices in ((OF_CHARGERS, chargers), (OF_VEHICLES, vehicles)):
        subject = devices.number + (0 if kinds is OF_CHARGERS else VEHICLE_SUBJECTS)
        weights = [_weight(kind, wanted) for kind in kinds]
        for year in range(years):
            moment = np.full(len(subject), year, dtype=np.int64)
            faulty = draws.unit(What.FAULTY, subject, moment) < share * sum(weights) / whole
            chosen = draws.choice(weights, What.FAULT_KIND, subject, moment) if faulty.any() else moment
            for number in np.flatnonzero(faulty).tolist():
                kind = list(kinds)[int(chosen[number])]
                if kind is FaultKind.SWAPPED_MAPPING and not swaps[number]:
                    kind = FaultKind.VEHICLE_LOSS
                if kind is FaultKind.DEAD_TRANSFORMER and chargers.phases[number] == 1:
                    kind = FaultKind.METER_GAIN  # there is but one, and without it the meter counts nothing
                if kind is FaultKind.BAD_FROM_FIRST_DAY and year:
                    kind = FaultKind.CHARGER_STEP
                found.append(_fault(draws, kind, number, subject[number], year, int(devices.day_begins_s[number])))
    return [fault for fault in found if fault.until_day > 0]


def _weight(kind: FaultKind, wanted: Collection[FaultKind]) -> float:
    return (OF_CHARGERS | OF_VEHICLES)[kind].weight if kind in wanted else 0.0


def _fault(draws: Draws, kind: FaultKind, number: int, subject: int, year: int, day_begins_s: int) -> Fault:
    nature = (OF_CHARGERS | OF_VEHICLES)[kind]
    who, when = np.array([subject]), np.array([year])

    def between(low: float, high: float, what: What) -> float:
        return float(draws.between(low, high, what, who, when)[0])

    size = _size(nature, lambda what: between(0.0, 1.0, what))
    first = BASELINE_DAYS if year == 0 else 0
    since_day = year * YEAR_DAYS + int(between(first, YEAR_DAYS, What.FAULT_SINCE))
    if kind is FaultKind.BAD_FROM_FIRST_DAY:
        since_day = 0
    begin_s = _begins_s(since_day, day_begins_s)
    until_day, end_s = NEVER, None
    if kind in SILENCES:
        begin_s += int(between(0, DAY_S, What.FAULT_TIME))
        end_s = begin_s + int(size * HOUR_S)
        until_day = since_day + 1 + int(size) // 24 + 1
    elif kind in EVENTS:
        begin_s += int(between(0, DAY_S, What.FAULT_TIME))
        until_day = since_day + 1
    elif between(0, 1, What.FAULT_REPAIRED) < REPAIRED_SHARE:
        until_day = since_day + max(1, int(between(*nature.lasts_days, What.FAULT_LASTS)))
        end_s = _begins_s(until_day, day_begins_s)
    since = datetime.fromtimestamp(max(begin_s, EPOCH_S), UTC)
    until = None if end_s is None else datetime.fromtimestamp(end_s, UTC)
    return Fault(kind, number, since_day, until_day, since, until, size, nature.unit)


def _begins_s(day: int, day_begins_s: int) -> int:
    return EPOCH_S + DAY_S * day - day_begins_s


def _size(nature: Nature, unit: Callable[[What], float]) -> float:
    drawn = unit(What.FAULT_SIZE)
    size = nature.sizes[int(drawn * len(nature.sizes))]
    if nature.is_range:
        low, high = nature.sizes
        size = low * math.exp(math.log(high / low) * drawn)
    return -size if nature.is_signed and unit(What.FAULT_SIGN) < 0.5 else size
