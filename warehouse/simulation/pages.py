"""Some days of all devices at once: what happens on them, and what registers, batteries and the grid show of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warehouse.simulation.charging import PHASES, Charges, warmth
from warehouse.simulation.clock import DAY_S, EPOCH_S
from warehouse.simulation.draws import Floats, Ints
from warehouse.simulation.effects import DailyEffects
from warehouse.simulation.habits import Drives
from warehouse.simulation.surroundings import Surroundings
from warehouse.simulation.timeline import MWH_PER_KW_SECOND, Activities, Course, Moments, Timeline
from warehouse.simulation.traits import Chargers, Vehicles


@dataclass(frozen=True)
class Restarts:
    """Registers that begin again at another value: one row a restart, in order of charger and time."""

    charger: Ints
    at_s: Ints
    begins_mwh: Ints


@dataclass(frozen=True)
class Page:
    """Some days of all devices. Rows of arrays of two dimensions are days."""

    chargers: Chargers
    vehicles: Vehicles
    surroundings: Surroundings
    first_day: int
    days: int
    effects: DailyEffects
    drives: Drives
    charges: Charges
    ac_mwh: Ints
    """What has been counted when each day begins, and when the last one ends."""
    dc_mwh: Ints
    offset_mwh: Ints
    """Of each charger when the page begins: what its register shows besides, since it restarted."""
    restarts: Restarts

    @property
    def last_day(self) -> int:
        """The last of its days."""
        return self.first_day + self.days - 1

    @cached_property
    def at_chargers(self) -> Timeline:
        """What happens at each charger."""
        return self._at(self.chargers.number)

    @cached_property
    def in_vehicles(self) -> Timeline:
        """What each vehicle does: the phases of its charges, then the drives."""
        charges, vehicles = self.charges, self.vehicles
        lasts_s = np.where(charges.dc_kw.max(axis=1, keepdims=True, initial=0.0) > 0, charges.lasts_s, 0)
        phases = _phases(charges.needs.vehicle, charges, lasts_s)
        number, row = np.tile(vehicles.number, self.days), np.repeat(np.arange(self.days), len(vehicles.number))
        begins_s = EPOCH_S + DAY_S * (self.first_day + row) - vehicles.day_begins_s[number]
        parts = [phases]
        for begin_s, length_s in zip(self.drives.begin_s, self.drives.lasts_s, strict=True):
            parts.append(Activities(number, row, begins_s + begin_s.ravel(), length_s.ravel()))
        used = np.concatenate(
            [np.ones(len(phases.row), dtype=np.bool_), *(e.ravel() > 0 for e in self.drives.energy_kwh)]
        )
        columns = ([getattr(part, name) for part in parts] for name in Activities.__slots__)
        device, row, begin_s, lasts_s = (np.concatenate(column) for column in columns)
        activities = Activities(device, row, begin_s, np.where(used, lasts_s, 0))
        return Timeline.of(activities, vehicles.day_begins_s, self.first_day, self.days)

    @cached_property
    def ac(self) -> Course:
        """What the meters count."""
        return self._metered(self.at_chargers, self.chargers.number)

    @cached_property
    def grid(self) -> Course:
        """What is drawn from the grid, whatever the meters count."""
        charges = self.charges
        idle_kw = self.chargers.standby_kw + self.effects.leak_kw
        return Course.of(
            self.at_chargers, charges.ac_kw.ravel(), charges.ac_end_kw.ravel(), charges.ac_mwh.ravel(), idle_kw
        )

    @cached_property
    def dc(self) -> Course:
        """What the vehicles' registers count: charges, and what some of them count while they drive."""
        charges, share = self.charges, self.charges.counted_share[:, None]
        regained = [regained_mwh(self.vehicles, energy_kwh) for energy_kwh in self.drives.energy_kwh]
        regained_kw = [_mean_kw(mwh, s) for mwh, s in zip(regained, self.drives.lasts_s, strict=True)]
        return Course.of(
            self.in_vehicles,
            np.concatenate([(charges.dc_kw * share).ravel(), *regained_kw]),
            np.concatenate([(charges.dc_end_kw * share).ravel(), *regained_kw]),
            np.concatenate([charges.dc_mwh.ravel(), *(mwh.ravel() for mwh in regained)]),
            np.zeros((self.days, len(self.vehicles.number))),
        )

    @cached_property
    def battery(self) -> Course:
        """What batteries hold more than when their day began."""
        charges = self.charges
        used = [-np.rint(energy_kwh * 1e6).astype(np.int64) for energy_kwh in self.drives.energy_kwh]
        used_kw = [_mean_kw(mwh, s) for mwh, s in zip(used, self.drives.lasts_s, strict=True)]
        return Course.of(
            self.in_vehicles,
            np.concatenate([charges.dc_kw.ravel(), *used_kw]),
            np.concatenate([charges.dc_end_kw.ravel(), *used_kw]),
            np.concatenate([charges.battery_mwh.ravel(), *(mwh.ravel() for mwh in used)]),
            np.zeros((self.days, len(self.vehicles.number))),
        )

    def metered_mwh(self, moments: Moments) -> Ints:
        """What chargers' meters have counted, as if no register had ever restarted."""
        counted: Ints = self.ac_mwh[moments.row, moments.device] + self.ac.counted_mwh(moments)
        return counted

    def meters_mwh(self, moments: Moments) -> Ints:
        """What the registers of chargers' meters hold."""
        held = self.metered_mwh(moments)
        for number in np.union1d(self.restarts.charger, np.flatnonzero(self.offset_mwh)).tolist():
            places = np.nonzero(moments.device == number)
            held[places] += self._restarted_mwh(number, moments.instants_s[places])
        return held

    def registers_mwh(self, moments: Moments) -> Ints:
        """What the registers of vehicles hold."""
        counted: Ints = self.dc_mwh[moments.row, moments.device] + self.dc.counted_mwh(moments)
        return counted

    @cached_property
    def volts(self) -> Floats:
        """The voltage at each charger while nothing is drawn."""
        number = self.chargers.number
        return self.surroundings.volts_of_day(number, self._day_column)

    @cached_property
    def soak(self) -> Floats:
        """What each day makes of a battery's temperature."""
        return self.surroundings.soak_kelvin(self.vehicles.number, self._day_column)

    def warming_kelvin(self, moments: Moments) -> Floats:
        """How much the latest charge of the day warms batteries; a drive leaves nothing of it."""
        charges, activity = self.charges, self.in_vehicles.latest[moments.segment]
        number = np.where((activity >= 0) & (activity < charges.lasts_s.size), activity // PHASES, len(charges.start_s))
        kelvin, start_s, end_s = (
            np.append(each, 0)[number] for each in (charges.warming_kelvin, charges.start_s, charges.end_s)
        )
        seconds = moments.instants_s
        warming: Floats = kelvin * warmth((seconds - start_s).astype(np.float64), (seconds - end_s).astype(np.float64))
        return warming

    def _at(self, numbers: Ints) -> Timeline:
        """What happens at these chargers, which it counts from 0."""
        charges = self.charges
        place = np.full(len(self.chargers.number), -1, dtype=np.int64)
        place[numbers] = np.arange(len(numbers))
        device = np.where(charges.needs.charger >= 0, place[charges.needs.charger], -1)
        activities = _phases(device, charges, np.where(device[:, None] >= 0, charges.lasts_s, 0))
        return Timeline.of(activities, self.chargers.day_begins_s[numbers], self.first_day, self.days)

    def _metered(self, timeline: Timeline, numbers: Ints) -> Course:
        charges, share = self.charges, self.charges.metered_share[:, None]
        return Course.of(
            timeline,
            (charges.ac_kw * share).ravel(),
            (charges.ac_end_kw * share).ravel(),
            charges.ac_mwh.ravel(),
            idle_metered_kw(self.chargers, self.effects)[:, numbers],
        )

    @property
    def _day_column(self) -> Ints:
        return np.arange(self.first_day, self.first_day + self.days, dtype=np.int64)[:, None]

    def _restarted_mwh(self, charger: int, instants_s: Ints) -> Ints:
        """What the register of this charger shows more than was counted."""
        begin, end = np.searchsorted(self.restarts.charger, [charger, charger + 1])
        offsets = np.concatenate([self.offset_mwh[[charger]], self._offsets_mwh[begin:end]])
        offset: Ints = offsets[np.searchsorted(self.restarts.at_s[begin:end], instants_s, side="right")]
        return offset

    @cached_property
    def _offsets_mwh(self) -> Ints:
        """What registers show more than was counted, after each restart."""
        restarts = self.restarts
        if not len(restarts.charger):
            return restarts.begins_mwh
        some, place = np.unique(restarts.charger, return_inverse=True)
        timeline = self._at(some)
        moments = timeline.moments(place, restarts.at_s)
        counted = self.ac_mwh[moments.row, restarts.charger] + self._metered(timeline, some).counted_mwh(moments)
        return restarts.begins_mwh - counted

    def offset_before_mwh(self, day: int) -> Ints:
        """What each register shows more than was counted when this day begins, or when the page ends."""
        offsets, restarts = self.offset_mwh.copy(), self.restarts
        begins_s = EPOCH_S + DAY_S * day - self.chargers.day_begins_s[restarts.charger]
        before = restarts.at_s < begins_s
        offsets[restarts.charger[before]] = self._offsets_mwh[before]  # of several, the last one is written last
        return offsets


def _phases(device: Ints, charges: Charges, lasts_s: Ints) -> Activities:
    begin_s = charges.start_s[:, None] + np.cumsum(charges.lasts_s, axis=1) - charges.lasts_s
    return Activities(np.repeat(device, PHASES), np.repeat(charges.needs.row, PHASES), begin_s.ravel(), lasts_s.ravel())


def idle_metered_kw(chargers: Chargers, effects: DailyEffects) -> Floats:
    return (chargers.standby_kw + effects.leak_kw) * chargers.meter_gain * effects.meter_gain


def regained_mwh(vehicles: Vehicles, energy_kwh: Floats) -> Ints:
    regained: Ints = np.rint(energy_kwh * vehicles.regeneration_ratio * 1e6).astype(np.int64)
    return regained


def _mean_kw(energy_mwh: Ints, lasts_s: Ints) -> Floats:
    return (energy_mwh / (lasts_s * MWH_PER_KW_SECOND)).ravel()
