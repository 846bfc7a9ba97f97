"""The registers at the beginning of each vehicle's day: the sum of all days before it, carried from page to page.

Registers are carried in whole milliwatt hours, since sums of integers don't depend on how they were grouped: a
simulator that starts today finds the same registers, to the last digit, as one that has run since spring.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.simulation.days import DayPlan, draw_days
from warehouse.simulation.draws import Draws, Floats, Ints
from warehouse.simulation.faults import Faults
from warehouse.simulation.vehicles import DAY_S, Vehicles

MWH_PER_KWH = 1_000_000
MWH_PER_WH = 1_000
VEHICLE_DAYS_OF_A_PAGE = 40_000
"""Some 10 MB, at which a year is computed fastest."""
LONGEST_PAGE_DAYS = 366
"""A fleet of a few vehicles shall not begin with the next hundred years."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some days of all vehicles: the plans, and the registers at the beginning of each day (and after the last)."""

    first_day: int
    last_day: int
    plan: DayPlan
    ac_mwh: Ints
    dc_mwh: Ints


class Registers:
    """Finds the page for any day, going on from the page at hand where that is earlier."""

    def __init__(self, draws: Draws, vehicles: Vehicles, faults: Faults) -> None:
        self._draws = draws
        self._vehicles = vehicles
        self._faults = faults
        self._page = self._first_page()

    def page(self, first_day: int, last_day: int) -> Page:
        """A page that holds these days."""
        if first_day < 0:
            raise ValueError("the simulated history begins on 2026-01-01")
        page = self._page
        if first_day < page.first_day:
            page = self._first_page()
        while last_day > page.last_day:
            begin = min(first_day, page.last_day + 1)
            row = begin - page.first_day
            days = max(last_day - first_day + 1 if begin == first_day else 0, self._days_of_a_page())
            page = self._write(begin, days, page.ac_mwh[row], page.dc_mwh[row])
        self._page = page
        return page

    def _days_of_a_page(self) -> int:
        return min(max(2, VEHICLE_DAYS_OF_A_PAGE // len(self._vehicles.number)), LONGEST_PAGE_DAYS)

    def _first_page(self) -> Page:
        vehicles = self._vehicles
        return self._write(
            0, self._days_of_a_page(), whole_mwh(vehicles.first_ac_kwh), whole_mwh(vehicles.first_dc_kwh)
        )

    def _write(self, first_day: int, count: int, ac_mwh: Ints, dc_mwh: Ints) -> Page:
        days = np.arange(first_day, first_day + count, dtype=np.int64)[:, None]
        plan = draw_days(self._draws, self._vehicles, self._faults, days)
        ends = np.full(plan.idle_kw.shape, float(DAY_S))
        # Rounded up, so that the next day never begins below what this one has shown.
        metered_mwh = whole_mwh(plan.metered_kwh(ends), up=True)
        delivered_mwh = whole_mwh(plan.delivered_kwh(ends), up=True)
        since_reset_mwh = metered_mwh - whole_mwh(plan.reset_at_kwh)
        restarts = np.isfinite(plan.reset_s)
        ac_rows, dc_rows = [ac_mwh], [dc_mwh]
        for row in range(count):
            ac_rows.append(np.where(restarts[row], since_reset_mwh[row], ac_rows[row] + metered_mwh[row]))
            dc_rows.append(dc_rows[row] + delivered_mwh[row])
        return Page(first_day, first_day + count - 1, plan, np.stack(ac_rows), np.stack(dc_rows))


def whole_mwh(energy_kwh: Floats, *, up: bool = False) -> Ints:
    """Kilowatt hours as whole milliwatt hours, rounded down (or up)."""
    scaled = energy_kwh * MWH_PER_KWH
    return (np.ceil(scaled) if up else np.floor(scaled)).astype(np.int64)


def shown_kwh(register_mwh: Ints) -> Floats:
    """What a register of 0.001 kWh shows: rounded down, so that it never goes back."""
    shown: Floats = (register_mwh // MWH_PER_WH) / 1000.0
    return shown
