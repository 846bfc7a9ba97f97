"""The faults of the simulated fleet: who has which, since when, and what it does to the readings.

They are known by construction, so that whatever looks for faults can be measured against them. Of each 100 vehicles
eight have one fault each, at places that depend on the seed alone. No fault begins before a vehicle has charged for
forty days: a baseline can be learned first. Faults that come and go do so all year, on a share of the days.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple

import numpy as np

from warehouse.simulation.draws import Bools, Draws, Floats, Ints, What
from warehouse.simulation.vehicles import DAY_S, EPOCH_S

BLOCK = 100
PLACES = 12
"""The n-th fault of a block falls on one of its n-th dozen of vehicles."""


class FaultKind(StrEnum):
    """What is wrong."""

    INEFFICIENT_CHARGER = "inefficient_charger"
    SLOW_DEGRADATION = "slow_degradation"
    LEAKAGE = "leakage"
    FROZEN_METER = "frozen_meter"
    SILENT_DEVICE = "silent_device"
    METER_RESET = "meter_reset"
    GLITCH_ROW = "glitch_row"


FAULTS_OF_A_BLOCK = (
    FaultKind.INEFFICIENT_CHARGER,
    FaultKind.FROZEN_METER,
    FaultKind.LEAKAGE,
    FaultKind.SILENT_DEVICE,
    FaultKind.INEFFICIENT_CHARGER,
    FaultKind.SLOW_DEGRADATION,
    FaultKind.METER_RESET,
    FaultKind.GLITCH_ROW,
)
"""In the order of the vehicles, so that a fleet of a dozen already has a charger that wastes energy."""


class Fault(NamedTuple):
    """One known fault. ``device_id`` is the device whose readings show it."""

    kind: FaultKind
    vehicle_id: str
    meter_id: str
    device_id: str
    since: datetime
    detail: str


class Afflicted:
    """The vehicles of one kind of fault. ``days`` are numbers of days since the epoch, one column a vehicle."""

    kind: ClassVar[FaultKind]

    def __init__(self, draws: Draws, fleet_size: int) -> None:
        self.draws = draws
        self.vehicles = _vehicles_with(self.kind, draws, fleet_size)
        self.since_day = draws.between(40, 70, What.FAULT_SINCE, self.vehicles).astype(np.int64)
        self.on_meter: Bools = np.ones(len(self.vehicles), dtype=np.bool_)

    def describe(self, place: int) -> str:
        """The fault of the vehicle at this place of ``vehicles``, for people."""
        raise NotImplementedError

    def size(self, low: float, high: float) -> Floats:
        """How bad it is, for each vehicle."""
        return self.draws.between(low, high, What.FAULT_SIZE, self.vehicles)

    def falls_on(self, days: Ints, share: float) -> Bools:
        """Whether it shows on these days; it shows on this share of them."""
        return (days >= self.since_day) & (self.draws.unit(What.FAULT_ON_DAY, self.vehicles, days) < share)


class InefficientCharger(Afflicted):
    """From one day on the charger turns more of its energy into heat."""

    kind = FaultKind.INEFFICIENT_CHARGER

    def __init__(self, draws: Draws, fleet_size: int) -> None:
        super().__init__(draws, fleet_size)
        self.loss_ratio = self.size(0.08, 0.15)

    def describe(self, place: int) -> str:
        """Says how much."""
        return f"efficiency -{self.loss_ratio[place]:.3f}"

    def efficiency_loss_ratio(self, days: Ints) -> Floats:
        """What is missing from the charger's efficiency."""
        return np.where(days >= self.since_day, self.loss_ratio, 0.0)


class SlowDegradation(Afflicted):
    """The charger loses a little of its efficiency each day, until it has lost its share."""

    kind = FaultKind.SLOW_DEGRADATION
    A_DAY_RATIO = 0.0015

    def __init__(self, draws: Draws, fleet_size: int) -> None:
        super().__init__(draws, fleet_size)
        self.last_loss_ratio = self.size(0.09, 0.12)

    def describe(self, place: int) -> str:
        """Says how fast and how far."""
        return f"efficiency -{self.A_DAY_RATIO} a day, at most -{self.last_loss_ratio[place]:.3f}"

    def efficiency_loss_ratio(self, days: Ints) -> Floats:
        """What is missing from the charger's efficiency."""
        return np.clip((days - self.since_day) * self.A_DAY_RATIO, 0.0, self.last_loss_ratio)


class Leakage(Afflicted):
    """Power flows through the meter all day, charging or not."""

    kind = FaultKind.LEAKAGE

    def __init__(self, draws: Draws, fleet_size: int) -> None:
        super().__init__(draws, fleet_size)
        self.leaking_kw = self.size(0.08, 0.20)

    def describe(self, place: int) -> str:
        """Says how much."""
        return f"{1000 * self.leaking_kw[place]:.0f} W besides the standby"

    def idle_kw(self, days: Ints) -> Floats:
        """What flows besides the standby."""
        return np.where(days >= self.since_day, self.leaking_kw, 0.0)


class FrozenMeter(Afflicted):
    """On about every third day the register stands still while the vehicle charges; what flowed then is lost to it."""

    kind = FaultKind.FROZEN_METER

    def describe(self, place: int) -> str:  # noqa: ARG002 - the same words for all
        """Says how often."""
        return "stands still while charging, each third day"

    def frozen_on(self, days: Ints) -> Bools:
        """Whether it freezes on these days."""
        return self.falls_on(days, 1 / 3)


class MeterReset(Afflicted):
    """On about every sixth day the meter loses its memory and its register starts at zero."""

    kind = FaultKind.METER_RESET

    def describe(self, place: int) -> str:  # noqa: ARG002 - the same words for all
        """Says how often."""
        return "restarts at zero, each sixth day"

    def reset_s(self, days: Ints) -> Floats:
        """The second of the vehicle's day at which the register restarts; beyond the day where it does not."""
        second = self.draws.between(0.0, DAY_S, What.FAULT_TIME, self.vehicles, days)
        return np.where(self.falls_on(days, 1 / 6), second, np.inf)


class SilentDevice(Afflicted):
    """On about every second day the meter or the vehicle is silent for two to eight hours; its register goes on."""

    kind = FaultKind.SILENT_DEVICE

    def __init__(self, draws: Draws, fleet_size: int) -> None:
        super().__init__(draws, fleet_size)
        self.on_meter = draws.unit(What.FAULTY_DEVICE, self.vehicles) < 0.5

    def describe(self, place: int) -> str:  # noqa: ARG002 - the same words for all
        """Says how often."""
        return "reports nothing for 2 to 8 h, each second day"

    def silent(self, days: Ints, seconds: Floats) -> Bools:
        """Whether nothing is reported at these seconds of the vehicle's days."""
        begin_s = self.draws.between(0.0, 57_600.0, What.FAULT_TIME, self.vehicles, days)
        length_s = self.draws.between(7_200.0, 28_800.0, What.FAULT_LENGTH, self.vehicles, days)
        return self.falls_on(days, 0.5) & (begin_s <= seconds) & (seconds < begin_s + length_s)


class GlitchRow(Afflicted):
    """On about every second UTC day one single reading is corrupt: zero, or ten times what it should be."""

    kind = FaultKind.GLITCH_ROW

    def __init__(self, draws: Draws, fleet_size: int) -> None:
        super().__init__(draws, fleet_size)
        self.on_meter = draws.unit(What.FAULTY_DEVICE, self.vehicles) < 0.5

    def describe(self, place: int) -> str:  # noqa: ARG002 - the same words for all
        """Says how often."""
        return "one reading is 0 or tenfold, each second day"

    def corrupted_kwh(self, instants_s: Ints, register_kwh: Floats) -> Floats:
        """The registers as reported at these instants."""
        days, second = np.divmod(instants_s - EPOCH_S, DAY_S)
        # Not in a day's first or last hour: the last reading of a day is never told apart from a true one.
        minute = self.draws.between(60, 1380, What.FAULT_TIME, self.vehicles, days).astype(np.int64)
        hit = self.falls_on(days, 0.5) & (second // 60 == minute)
        factor = np.where(self.draws.unit(What.FAULT_LENGTH, self.vehicles, days) < 0.5, 0.0, 10.0)
        return np.where(hit, np.round(register_kwh * factor, 3), register_kwh)


class Faults:
    """All faults of a fleet."""

    def __init__(self, draws: Draws, fleet_size: int) -> None:
        self.inefficient = InefficientCharger(draws, fleet_size)
        self.degrading = SlowDegradation(draws, fleet_size)
        self.leaking = Leakage(draws, fleet_size)
        self.frozen = FrozenMeter(draws, fleet_size)
        self.resetting = MeterReset(draws, fleet_size)
        self.silent = SilentDevice(draws, fleet_size)
        self.glitching = GlitchRow(draws, fleet_size)

    def __iter__(self) -> Iterator[Afflicted]:
        yield from (self.inefficient, self.degrading, self.leaking, self.frozen)
        yield from (self.resetting, self.silent, self.glitching)


def _vehicles_with(kind: FaultKind, draws: Draws, fleet_size: int) -> Ints:
    blocks = np.arange(-(-fleet_size // BLOCK), dtype=np.int64)
    nth = np.array([place for place, each in enumerate(FAULTS_OF_A_BLOCK) if each is kind], dtype=np.int64)
    within = draws.between(0, PLACES, What.FAULTY_VEHICLE, blocks[:, None], nth).astype(np.int64)
    vehicles = (BLOCK * blocks[:, None] + PLACES * nth + within).ravel()
    return vehicles[vehicles < fleet_size]
