"""What vehicles do on their days: drive, come back, charge at home or elsewhere, preheat, rest.

Each day of a site is independent of the others. It begins with a full battery and no session crosses its edges, so any
day can be drawn without the days before it. At a depot the vehicles of a day share its chargers: who comes to the usual
one waits for it, unless it gets too late; who wants another takes the next that is free, or waits.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from warehouse.simulation.clock import HOUR_S
from warehouse.simulation.draws import Bools, Draws, Floats, Ints, What
from warehouse.simulation.effects import DailyEffects
from warehouse.simulation.layout import BLOCK, DEPOT_CHARGERS, Layout
from warehouse.simulation.traits import Chargers, Vehicles

TWICE_SHARE = 0.10
TWICE_FROM_KW = 7.0
ELSEWHERE_SHARE = 0.04
"""Of the days on which a vehicle drives: it charges at a charger that is not the fleet's."""
LONGEST_CHARGE_H = 8.0
"""A day's need is what takes no longer than this at a poor efficiency."""
DEPOT_CHARGE_H = 4.0
POOR_RATIO = 0.72
LEAST_KWH = 2.0
LATEST_DEPOT_END_S = 23.5 * HOUR_S
SWAP_S = 300.0
"""Between two vehicles at one charger."""
PREHEATS_BELOW_CELSIUS = 6.0
PREHEATS_SHARE = 0.25
LAST_SLOT = 3
"""The charge that fills the battery for the next day."""


class Kind(IntEnum):
    """What a charge is."""

    PAIR = 0
    """At a charger of the fleet: both registers grow."""
    DC_ONLY = 1
    """Elsewhere: only the vehicle's register grows."""
    AC_ONLY = 2
    """The car is heated from the grid: only the meter's register grows."""


@dataclass(frozen=True, slots=True)
class Drives:
    """Two drives a day; a day with one has a second one of 0 kWh. Arrays of days by vehicles, seconds of the day."""

    begin_s: tuple[Ints, Ints]
    lasts_s: tuple[Ints, Ints]
    energy_kwh: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Needs:
    """What is to be charged: one row a charge. ``row`` is the row of its day on the page."""

    kind: Ints
    vehicle: Ints
    charger: Ints
    """Of a charge elsewhere -1."""
    row: Ints
    day: Ints
    slot: Ints
    """The place of the charge in its day, so that each has draws of its own."""
    start_s: Ints
    energy_kwh: Floats
    """What the battery is to receive (of ``AC_ONLY``: what is drawn from the grid)."""

    @property
    def plug(self) -> Ints:
        """The charger; of a charge elsewhere some number, of whose charger nothing is used."""
        return np.maximum(self.charger, 0)

    @property
    def subject(self) -> Ints:
        """What the draws of a charge are about, besides the day."""
        return self.vehicle * (LAST_SLOT + 1) + self.slot


@dataclass(frozen=True, slots=True)
class _Site:
    """What the draws of a page's days are about."""

    draws: Draws
    vehicles: Vehicles
    chargers: Chargers
    days: Ints
    """A column."""

    def unit(self, what: What) -> Floats:
        """A draw for each day and vehicle."""
        return self.draws.unit(what, self.vehicles.number, self.days)


def draw_needs(
    draws: Draws,
    layout: Layout,
    vehicles: Vehicles,
    chargers: Chargers,
    effects: DailyEffects,
    days: Ints,
    morning_celsius: Floats,
) -> tuple[Drives, Needs]:
    """What happens on these days (a column), when it was ``morning_celsius`` where each vehicle is parked."""
    site = _Site(draws, vehicles, chargers, days)
    home = layout.home_charger[effects.charges_like]
    power_kw = np.where(
        chargers.is_dc[home],
        np.minimum(chargers.ac_kw[home], vehicles.max_dc_kw),
        np.minimum(chargers.ac_kw[home], vehicles.max_ac_kw),
    )
    in_depot = np.broadcast_to(layout.in_depot, home.shape)
    longest_h = np.where(in_depot, DEPOT_CHARGE_H, LONGEST_CHARGE_H)
    most_kwh = np.minimum(0.7 * vehicles.capacity_kwh, POOR_RATIO * longest_h * power_kw)
    drives_out = site.unit(What.RESTS) >= vehicles.rest_share
    factor = np.exp(0.35 * draws.normal(What.ENERGY_OF_DAY, vehicles.number, days))
    energy_kwh = np.clip(vehicles.usual_energy_kwh * factor, 2 * LEAST_KWH, most_kwh)
    elsewhere = drives_out & (site.unit(What.ELSEWHERE) < ELSEWHERE_SHARE)
    elsewhere_kwh = np.where(elsewhere, energy_kwh * (0.3 + 0.7 * site.unit(What.ELSEWHERE_ENERGY)), 0.0)
    twice = drives_out & ~elsewhere & ~in_depot & (site.unit(What.TWICE) < TWICE_SHARE) & (power_kw >= TWICE_FROM_KW)

    plug_in = site.unit(What.PLUG_IN)
    start_s = HOUR_S * np.where(
        in_depot, 9.8 + 3.5 * plug_in, np.where(twice, 14.5 + 0.5 * plug_in, 10.5 + 2 * plug_in)
    )
    charger = home.copy()
    if len(layout.depot_sites):
        drives_out = _share_depots(site, layout, start_s, charger, drives_out, energy_kwh - elsewhere_kwh, power_kw)
    energy_kwh = np.where(drives_out, energy_kwh, 0.0)
    elsewhere_kwh = np.where(drives_out, elsewhere_kwh, 0.0)
    first_kwh = np.where(twice, energy_kwh * (0.4 + 0.2 * site.unit(What.SPLIT_OF_DAY)), 0.0)
    home_kwh = energy_kwh - first_kwh - elsewhere_kwh
    stays_short = (home_kwh < LEAST_KWH) & drives_out  # the little that would be missing was charged elsewhere
    elsewhere_kwh = np.where(stays_short, elsewhere_kwh + home_kwh, elsewhere_kwh)
    home_kwh = np.where(stays_short, 0.0, home_kwh)

    preheats = (morning_celsius < PREHEATS_BELOW_CELSIUS) & drives_out & ~in_depot & ~chargers.is_dc[home]
    preheats &= site.unit(What.PREHEATS) < PREHEATS_SHARE
    preheat_kwh = np.where(preheats, 0.5 + 1.2 * site.unit(What.PREHEATING), 0.0)
    needs = _listed(
        days,
        [
            (Kind.AC_ONLY, home, np.full(home.shape, 0.02 * HOUR_S), preheat_kwh),
            (Kind.PAIR, home, HOUR_S * (5.0 + 0.5 * plug_in), first_kwh),
            (Kind.DC_ONLY, np.full(home.shape, -1), np.full(home.shape, 9.6 * HOUR_S), elsewhere_kwh),
            (Kind.PAIR, charger, start_s, home_kwh),
        ],
    )
    return _drives(site, twice, first_kwh, home_kwh + elsewhere_kwh), needs


def _drives(site: _Site, twice: Bools, first_kwh: Floats, last_kwh: Floats) -> Drives:
    departure = site.unit(What.DEPARTURE)
    begins = (0.7 + 0.8 * departure, np.where(twice, 10.0 + departure, 0.7 + 0.8 * departure))
    ends = (4.0 + 0.5 * departure, np.where(twice, 13.5 + 0.5 * departure, 8.5 + departure))
    begin_s = tuple((HOUR_S * each).astype(np.int64) for each in begins)
    end_s = tuple((HOUR_S * each).astype(np.int64) for each in ends)
    return Drives(
        (begin_s[0], begin_s[1]),
        (end_s[0] - begin_s[0], end_s[1] - begin_s[1]),
        (first_kwh, last_kwh),
    )


def _listed(days: Ints, charges: list[tuple[Kind, Ints, Floats, Floats]]) -> Needs:
    parts = []
    for slot, (kind, charger, start_s, energy_kwh) in enumerate(charges):
        row, vehicle = np.nonzero(energy_kwh)
        count = np.ones(len(row), dtype=np.int64)
        where = (row, vehicle)
        parts.append(
            (
                int(kind) * count,
                vehicle,
                charger[where],
                row,
                days[row, 0],
                slot * count,
                start_s[where].astype(np.int64),
                energy_kwh[where],
            )
        )
    return Needs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _share_depots(
    site: _Site,
    layout: Layout,
    start_s: Floats,
    charger: Ints,
    drives_out: Bools,
    energy_kwh: Floats,
    power_kw: Floats,
) -> Bools:
    """Give each vehicle of a depot a charger and a start, in place; who finds none in time has not driven that day."""
    vehicles, chargers = layout.depot_vehicles(), layout.depot_chargers()
    days, depots = len(site.days), len(vehicles)
    usual = np.arange(BLOCK) % DEPOT_CHARGERS
    strays = site.unit(What.CHARGER_OF_DAY)[:, vehicles] >= site.vehicles.home_share[vehicles]
    other = 1 + (site.unit(What.OTHER_CHARGER)[:, vehicles] * (DEPOT_CHARGERS - 1)).astype(np.int64)
    wanted = np.where(strays, (usual + other) % DEPOT_CHARGERS, usual)
    arrives_s = start_s[:, vehicles]
    # An upper bound: the slowest session, with an interruption.
    takes_s = HOUR_S * (energy_kwh / (POOR_RATIO * 0.9 * power_kw) + 0.7)[:, vehicles]
    out = drives_out[:, vehicles]
    order = np.argsort(arrives_s, axis=2, kind="stable")
    free_s = np.zeros((days, depots, DEPOT_CHARGERS))
    row, depot = np.ogrid[:days, :depots]
    result = drives_out.copy()
    for place in range(BLOCK):
        who = order[:, :, place]
        arrival_s = arrives_s[row, depot, who]
        tried = (wanted[row, depot, who][:, :, None] + np.arange(DEPOT_CHARGERS)) % DEPOT_CHARGERS
        waits_s = np.maximum(np.take_along_axis(free_s, tried, axis=2) - arrival_s[:, :, None], 0.0)
        at_usual_s = arrival_s + waits_s[:, :, 0] + takes_s[row, depot, who]
        goes_on = strays[row, depot, who] | (at_usual_s >= LATEST_DEPOT_END_S)
        place_tried = np.where(goes_on, waits_s.argmin(axis=2), 0)
        chosen = np.take_along_axis(tried, place_tried[:, :, None], axis=2)[:, :, 0]
        begin_s = np.maximum(arrival_s, free_s[row, depot, chosen])
        end_s = begin_s + takes_s[row, depot, who]
        charges = out[row, depot, who] & (end_s < LATEST_DEPOT_END_S)
        free_s[row, depot, chosen] = np.where(charges, end_s + SWAP_S, free_s[row, depot, chosen])
        number = vehicles[depot[0], who]
        start_s[row, number] = begin_s
        charger[row, number] = chargers[depot[0], chosen]
        result[row, number] = charges
    return result
