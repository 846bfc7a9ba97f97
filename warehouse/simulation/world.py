"""All that is drawn for one seed, page by page, with registers carried from page to page.

Registers are carried in whole milliwatt hours, since sums of integers don't depend on how they were grouped: a
simulator that starts today finds the same registers, to the last digit, as one that has run since spring.
"""

from collections.abc import Collection, Sequence

import numpy as np

from warehouse.simulation.charging import Charges, charge
from warehouse.simulation.clock import DAY_S, EPOCH, EPOCH_S, YEAR_DAYS
from warehouse.simulation.draws import Draws, Ints, What
from warehouse.simulation.effects import DailyEffects
from warehouse.simulation.faults import ALL_KINDS, Fault, FaultKind, Planted, draw_faults, plant
from warehouse.simulation.habits import Drives, draw_needs
from warehouse.simulation.layout import Layout
from warehouse.simulation.pages import Page, Restarts, idle_metered_kw, regained_mwh
from warehouse.simulation.surroundings import Surroundings
from warehouse.simulation.timeline import MWH_PER_KW_SECOND
from warehouse.simulation.traits import Chargers, Vehicles

VEHICLE_DAYS_OF_A_PAGE = 40_000
"""Some 100 MB, at which a year is computed fastest."""
LONGEST_PAGE_DAYS = 366
"""A fleet of a few vehicles shall not begin with the next hundred years."""


class World:
    """All that is drawn for one seed. Pages go on from the one at hand where that is earlier."""

    def __init__(
        self,
        draws: Draws,
        layout: Layout,
        chargers: Chargers,
        vehicles: Vehicles,
        fault_share: float,
        fault_kinds: Collection[FaultKind] = ALL_KINDS,
        planted: Sequence[Planted] = (),
    ) -> None:
        self.draws = draws
        self.layout = layout
        self.chargers = chargers
        self.vehicles = vehicles
        self.surroundings = Surroundings(draws, chargers, vehicles)
        self._fault_share = fault_share
        self._fault_kinds = fault_kinds
        self._planted = plant(planted, chargers, vehicles)
        self._faults: tuple[int, list[Fault]] = (0, [])
        self._page: Page | None = None

    def faults(self, years: int) -> Sequence[Fault]:
        """Those that begin within the first ``years`` years of the history, then all that are planted."""
        if self._faults[0] < years:
            fleet = (self.draws, self.layout, self.chargers, self.vehicles)
            drawn = draw_faults(*fleet, self._fault_share, years, self._fault_kinds)
            self._faults = years, drawn + self._planted
        return self._faults[1]

    def page(self, first_day: int, last_day: int) -> Page:
        """A page that holds these days."""
        if first_day < 0:
            raise ValueError(f"the simulated history begins at {EPOCH:%Y-%m-%d}")
        page = self._page
        if page is None or first_day < page.first_day:
            chargers, vehicles = self.chargers, self.vehicles
            days = max(last_day + 1 if first_day == 0 else 0, self._days_of_a_page())
            page = self._write(0, days, chargers.first_mwh, vehicles.first_mwh, np.zeros_like(chargers.first_mwh))
        while last_day > page.last_day:
            # A day more at its beginning: what devices have kept for hours is drawn when they send it.
            begin = min(max(first_day - 1, page.first_day), page.last_day + 1)
            row = begin - page.first_day
            days = max(last_day - begin + 1 if begin >= first_day - 1 else 0, self._days_of_a_page())
            page = self._write(begin, days, page.ac_mwh[row], page.dc_mwh[row], page.offset_before_mwh(begin))
        self._page = page
        return page

    def _days_of_a_page(self) -> int:
        return min(max(2, VEHICLE_DAYS_OF_A_PAGE // len(self.vehicles.number)), LONGEST_PAGE_DAYS)

    def _write(self, first_day: int, days: int, ac_mwh: Ints, dc_mwh: Ints, offset_mwh: Ints) -> Page:
        chargers, vehicles = self.chargers, self.vehicles
        faults = self.faults((first_day + days) // YEAR_DAYS + 1)
        effects = DailyEffects(faults, first_day, days, len(chargers.number), len(vehicles.number))
        column = np.arange(first_day, first_day + days, dtype=np.int64)[:, None]
        morning_s = EPOCH_S + DAY_S * column - vehicles.day_begins_s
        number, day = np.broadcast_to(vehicles.number, morning_s.shape), np.broadcast_to(column, morning_s.shape)
        soak, outdoor = self.surroundings.soak_kelvin(number, day), self.surroundings.outdoor_celsius(morning_s)
        morning = self.surroundings.parked_celsius(number, soak, outdoor)
        drives, needs = draw_needs(self.draws, self.layout, vehicles, chargers, effects, column, morning)
        charges = charge(self.draws, needs, chargers, vehicles, effects, self.surroundings)
        return Page(
            chargers,
            vehicles,
            self.surroundings,
            first_day,
            days,
            effects,
            drives,
            charges,
            _carried(ac_mwh, _metered_mwh(charges, chargers, effects)),
            _carried(dc_mwh, _counted_mwh(charges, vehicles, drives)),
            offset_mwh,
            self._restarts(faults, effects, column),
        )

    def _restarts(self, faults: Sequence[Fault], effects: DailyEffects, days: Ints) -> Restarts:
        chargers = self.chargers
        falls = self.draws.unit(What.FAULT_ON_DAY, chargers.number, days) < effects.resetting_share
        row, charger = np.nonzero(falls)
        begin_s = EPOCH_S + DAY_S * days[row, 0] - chargers.day_begins_s[charger]
        second = (self.draws.unit(What.FAULT_TIME, charger, days[row, 0]) * DAY_S).astype(np.int64)
        found = [(c, s, 0) for c, s in zip(charger.tolist(), (begin_s + second).tolist(), strict=True)]
        first_day, last_day = int(days[0, 0]), int(days[-1, 0])
        found += [
            (fault.number, int(fault.since.timestamp()), int(fault.size * 1_000_000))
            for fault in faults
            if fault.kind is FaultKind.METER_REPLACED and first_day <= fault.since_day <= last_day
        ]
        columns = zip(*sorted(found), strict=True) if found else ((), (), ())
        return Restarts(*(np.array(each, dtype=np.int64) for each in columns))


def _metered_mwh(charges: Charges, chargers: Chargers, effects: DailyEffects) -> Ints:
    """What each meter counts on each day."""
    total_mwh = np.zeros(effects.leak_kw.shape, dtype=np.int64)
    busy_s = np.zeros(effects.leak_kw.shape, dtype=np.int64)
    here = charges.needs.charger >= 0
    where = (charges.needs.row[here], charges.needs.charger[here])
    np.add.at(total_mwh, where, charges.ac_mwh[here].sum(axis=1))
    np.add.at(busy_s, where, charges.lasts_s[here].sum(axis=1))
    idle_mwh = np.floor(idle_metered_kw(chargers, effects) * (DAY_S - busy_s) * MWH_PER_KW_SECOND)
    return total_mwh + idle_mwh.astype(np.int64)


def _counted_mwh(charges: Charges, vehicles: Vehicles, drives: Drives) -> Ints:
    """What each vehicle's register counts on each day."""
    first_kwh, second_kwh = drives.energy_kwh
    total_mwh = regained_mwh(vehicles, first_kwh) + regained_mwh(vehicles, second_kwh)
    np.add.at(total_mwh, (charges.needs.row, charges.needs.vehicle), charges.dc_mwh.sum(axis=1))
    return total_mwh


def _carried(first_mwh: Ints, of_days_mwh: Ints) -> Ints:
    carried: Ints = first_mwh + np.concatenate(
        [np.zeros((1, len(first_mwh)), dtype=np.int64), of_days_mwh.cumsum(axis=0)]
    )
    return carried
