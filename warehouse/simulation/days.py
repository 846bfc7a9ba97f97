"""A vehicle's own day: when it drives, when it charges, how much, and what its faults make of it.

Each day is independent. It begins and ends with a full battery and no session crosses its edges, so any day can be
drawn without the days before it. On most days a vehicle drives once and charges once, on some twice, on a few it rests.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from warehouse.simulation.charger import Session
from warehouse.simulation.draws import Draws, Floats, Ints, What
from warehouse.simulation.faults import Faults
from warehouse.simulation.vehicles import DAY_S, Vehicles

RESTS_BELOW = 0.02
CHARGES_TWICE_BELOW = 0.14
HOUR_S = 3600.0
NEVER_KWH = 1e12
"""A register level that is never reached."""
SESSION_NOISE_RATIO = 0.006


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive that empties the battery evenly."""

    start_s: Floats
    end_s: Floats
    energy_kwh: Floats

    def map(self, change: Callable[[Floats], Floats]) -> "Drive":
        """The same drive with each field changed."""
        return Drive(change(self.start_s), change(self.end_s), change(self.energy_kwh))

    def used_kwh(self, second: Floats) -> Floats:
        """What has left the battery by this second."""
        return self.energy_kwh * np.clip((second - self.start_s) / (self.end_s - self.start_s), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class DayPlan:
    """All that happens on a vehicle's day, as arrays of one shape; their last axis is the vehicles."""

    drives: tuple[Drive, Drive]
    sessions: tuple[Session, Session]
    idle_kw: Floats
    """What the charger draws all the time: standby, and leakage."""
    frozen_at_kwh: Floats
    """The day's AC energy at which the register freezes ..."""
    thawed_at_kwh: Floats
    """... and at which it moves again. What lies between is lost to the register."""
    reset_s: Floats
    """When the register restarts at zero; infinite where it does not."""
    reset_at_kwh: Floats
    """The day's AC energy at that moment."""

    def map(self, change: Callable[[Floats], Floats]) -> "DayPlan":
        """The same plan with each array changed, e.g. picked by index."""
        first_drive, second_drive = self.drives
        first, second = self.sessions
        return DayPlan(
            (first_drive.map(change), second_drive.map(change)),
            (first.map(change), second.map(change)),
            change(self.idle_kw),
            change(self.frozen_at_kwh),
            change(self.thawed_at_kwh),
            change(self.reset_s),
            change(self.reset_at_kwh),
        )

    def delivered_kwh(self, second: Floats) -> Floats:
        """What the battery has received since the day began."""
        first, last = self.sessions
        return first.delivered_kwh(second) + last.delivered_kwh(second)

    def used_kwh(self, second: Floats) -> Floats:
        """What has left the battery since the day began."""
        first, last = self.drives
        return first.used_kwh(second) + last.used_kwh(second)

    def drawn_kwh(self, second: Floats) -> Floats:
        """What has truly flowed through the meter since the day began."""
        first, last = self.sessions
        return first.drawn_kwh(second) + last.drawn_kwh(second) + self.idle_kw * second / 3600

    def metered_kwh(self, second: Floats) -> Floats:
        """By how much the meter has counted on since the day began: less where it was frozen."""
        drawn = self.drawn_kwh(second)
        return np.minimum(drawn, self.frozen_at_kwh) + (np.maximum(drawn, self.thawed_at_kwh) - self.thawed_at_kwh)

    def ac_kw(self, second: Floats) -> Floats:
        """The power the meter sees."""
        first, last = self.sessions
        return first.ac_kw(second) + last.ac_kw(second) + self.idle_kw

    def warming_celsius(self, second: Floats) -> Floats:
        """How much charging has warmed the battery."""
        first, last = self.sessions
        return first.warming_celsius(second) + last.warming_celsius(second)


def draw_days(draws: Draws, vehicles: Vehicles, faults: Faults, days: Ints) -> DayPlan:
    """These days (a column) of all vehicles (the last axis)."""

    def unit(what: What) -> Floats:
        return draws.unit(what, vehicles.number, days)

    kind, departure, plug_in = unit(What.KIND_OF_DAY), unit(What.DEPARTURE), unit(What.PLUG_IN)
    twice = (kind >= RESTS_BELOW) & (kind < CHARGES_TWICE_BELOW)
    energy_kwh = vehicles.usual_energy_kwh * (0.70 + 0.55 * unit(What.ENERGY_OF_DAY))
    energy_kwh = np.clip(energy_kwh, 8.0, 0.7 * vehicles.capacity_kwh) * (kind >= RESTS_BELOW)
    first_kwh = np.where(twice, energy_kwh * (0.4 + 0.2 * unit(What.SPLIT_OF_DAY)), 0.0)
    last_kwh = energy_kwh - first_kwh

    # The slowest charger with the worst fault needs 6.8 h for the largest day: the last session ends before hour 22,
    # and the battery has cooled down before the day is over.
    first_drive = Drive(HOUR_S * (0.5 + departure), HOUR_S * (4.0 + 0.5 * departure), first_kwh)
    last_drive = Drive(
        HOUR_S * np.where(twice, 10.0 + departure, 0.5 + departure),
        HOUR_S * np.where(twice, 13.5 + 0.5 * departure, 9.0 + departure),
        last_kwh,
    )
    first_start_s = HOUR_S * (5.0 + 0.5 * plug_in)
    last_start_s = HOUR_S * np.where(twice, 14.5 + 0.5 * plug_in, 10.5 + 3.5 * plug_in)

    efficiency_ratio = np.tile(vehicles.efficiency_ratio, (len(days), 1))
    for wasteful in (faults.inefficient, faults.degrading):
        efficiency_ratio[:, wasteful.vehicles] -= wasteful.efficiency_loss_ratio(days)
    idle_kw = np.tile(vehicles.standby_kw, (len(days), 1))
    idle_kw[:, faults.leaking.vehicles] += faults.leaking.idle_kw(days)

    def session(start_s: Floats, energy_kwh: Floats, noise: What) -> Session:
        ratio = efficiency_ratio + SESSION_NOISE_RATIO * (2 * unit(noise) - 1)
        fixed_loss_kw = np.broadcast_to(vehicles.fixed_loss_kw, ratio.shape)
        return Session(start_s, energy_kwh, (vehicles.ac_kw - fixed_loss_kw) * ratio, ratio, fixed_loss_kw)

    sessions = (
        session(first_start_s, first_kwh, What.EFFICIENCY_OF_FIRST_SESSION),
        session(last_start_s, last_kwh, What.EFFICIENCY_OF_SECOND_SESSION),
    )
    never_kwh = np.full(idle_kw.shape, NEVER_KWH)
    healthy = DayPlan(
        drives=(first_drive, last_drive),
        sessions=sessions,
        idle_kw=idle_kw,
        frozen_at_kwh=never_kwh,
        thawed_at_kwh=never_kwh,
        reset_s=np.full(idle_kw.shape, np.inf),
        reset_at_kwh=np.zeros(idle_kw.shape),
    )
    return _reset(_freeze(healthy, faults, days), faults, days)


def _freeze(plan: DayPlan, faults: Faults, days: Ints) -> DayPlan:
    """From ten minutes before the main session until half an hour after it."""
    columns = faults.frozen.vehicles
    part = plan.map(lambda field: field[:, columns])
    frozen = faults.frozen.frozen_on(days)
    frozen_at_kwh, thawed_at_kwh = plan.frozen_at_kwh.copy(), plan.thawed_at_kwh.copy()
    frozen_at_kwh[:, columns] = np.where(frozen, part.drawn_kwh(part.sessions[1].start_s - 600), NEVER_KWH)
    thawed_at_kwh[:, columns] = np.where(frozen, part.drawn_kwh(part.sessions[1].end_s + 1800), NEVER_KWH)
    return replace(plan, frozen_at_kwh=frozen_at_kwh, thawed_at_kwh=thawed_at_kwh)


def _reset(plan: DayPlan, faults: Faults, days: Ints) -> DayPlan:
    columns = faults.resetting.vehicles
    part = plan.map(lambda field: field[:, columns])
    reset_s = faults.resetting.reset_s(days)
    plan.reset_s[:, columns] = reset_s
    plan.reset_at_kwh[:, columns] = part.metered_kwh(np.minimum(reset_s, DAY_S))
    return plan
