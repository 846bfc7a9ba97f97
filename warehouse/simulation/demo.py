"""The fleet that a one-machine start shows: small, and every few days something breaks in it and something is repaired.

All of it is planned for years ahead by the calendar alone, so whenever a first start is, its weeks of history hold
losses, a leak and wrong data whose size and date are known: ``fleetwatt simulate --demo --faults`` prints them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from warehouse.simulation.clock import YEAR_DAYS
from warehouse.simulation.faults import FaultKind, Planted
from warehouse.simulation.fleet import Fleet

VEHICLES = 18
HISTORY_DAYS = 45
"""A loss is found when a pair has fourteen older sessions and some with the loss: after three weeks at the earliest."""
HISTORY_INTERVAL_S = 300
"""How often devices report in the history: the rules need no more, and it is there sooner."""
PLANNED_DAYS = 20 * YEAR_DAYS
SEED = 811
"""Of a fleet that drives on most days, with chargers of several models."""


class Plan(NamedTuple):
    """A fault that comes back: first on one day, for so many days, and again after each cycle."""

    kind: FaultKind
    number: int
    size: float
    first_day: int
    lasts_days: int
    cycle_days: int

    def planted(self) -> Iterator[Planted]:
        """Each time that it is there."""
        for since_day in range(self.first_day, PLANNED_DAYS, self.cycle_days):
            yield Planted(self.kind, self.number, since_day, self.size, since_day + self.lasts_days)


LOSSES = (
    (FaultKind.CHARGER_STEP, 8.0),
    (FaultKind.VEHICLE_LOSS, 5.0),
    (FaultKind.CHARGER_STEP, 5.0),
    (FaultKind.CHARGER_STEP, 12.0),
)
"""Kinds and points, in turn."""
LOSS_EACH_DAYS = 5
LOSS_LASTS_DAYS = 21
PAIRS_WITH_LOSSES = 14
OTHERS = (
    Plan(FaultKind.LEAKAGE, 14, 120.0, 0, 30, 60),
    Plan(FaultKind.LEAKAGE, 15, 60.0, 30, 30, 60),
    Plan(FaultKind.FROZEN_METER, 16, 0.8, 12, 10, 30),
    Plan(FaultKind.METER_CLOCK, 17, 3_600.0, 20, 14, 40),
)


def demo_fleet(vehicles: int = VEHICLES) -> Fleet:
    """The fleet; of more or fewer vehicles the first ones are the same."""
    plans = [*_losses(), *OTHERS]
    planted = [each for plan in plans if plan.number < vehicles for each in plan.planted()]
    return Fleet(vehicles, SEED, fault_share=0.0, planted=planted, expected_interval_s=HISTORY_INTERVAL_S)


def _losses() -> Iterator[Plan]:
    for number in range(PAIRS_WITH_LOSSES):
        kind, points = LOSSES[number % len(LOSSES)]
        cycle_days = LOSS_EACH_DAYS * PAIRS_WITH_LOSSES
        yield Plan(kind, number, points, LOSS_EACH_DAYS * number, LOSS_LASTS_DAYS, cycle_days)
