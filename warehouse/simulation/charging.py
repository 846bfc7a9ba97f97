"""A charge: what is drawn from the grid, what reaches the battery, and for how long.

The grid and the set point of the charger decide on the AC power, so a loss makes a charge longer, not stronger.

A charge has four phases, in each of which the power changes linearly: constant, an interruption (a pause, or less power
where the load is managed), constant again, and a taper. Each lasts whole seconds, and its energy is whole milliwatt
hours, since sums of integers don't depend on how they were grouped.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.simulation.clock import DAY_S, EPOCH_S
from warehouse.simulation.draws import Draws, Floats, Ints, What
from warehouse.simulation.effects import DailyEffects
from warehouse.simulation.habits import LAST_SLOT, Kind, Needs
from warehouse.simulation.losses import draw_losses
from warehouse.simulation.surroundings import NOMINAL_VOLTS, Surroundings
from warehouse.simulation.traits import Chargers, Vehicles

PHASES = 4
MWH_PER_KWH = 1_000_000
PAUSES_BELOW = 0.06
LIMITED_BELOW = 0.14
SET_POINT_RATIO = 0.985
LEAST_WARMING_KELVIN, KELVIN_PER_KW = 1.0, 0.25
WARM_UP_S = 3_600.0
COOL_DOWN_S = 7_200.0
TAPER_SHARE = 0.04
"""Of the capacity, charged while the power falls, where the battery is charged full."""
DC_TAPER_SHARE = 0.35
"""Of the energy, at a DC charger."""
LAST_POWER_RATIO = 0.2
LATEST_END_S = DAY_S - 300
ELSEWHERE_KW = 45.0
PREHEATING_KW = 2.8


@dataclass(frozen=True, slots=True)
class Charges:
    """Charges as they happen: the rows of ``Needs``. Fields of two dimensions have a column a phase."""

    needs: Needs
    start_s: Ints
    """Since 1970."""
    lasts_s: Ints
    dc_kw: Floats
    """Into the battery, when the phase begins ..."""
    dc_end_kw: Floats
    """... and when it ends."""
    ac_kw: Floats
    """From the grid, with what the charger draws all the time."""
    ac_end_kw: Floats
    metered_share: Floats
    """What the meter counts of it."""
    counted_share: Floats
    """What the vehicle's register counts of what reaches the battery."""
    battery_mwh: Ints
    dc_mwh: Ints
    ac_mwh: Ints
    celsius: Floats
    """The battery's mean temperature."""
    volts: Floats
    """The mean voltage while the power is constant."""
    warming_kelvin: Floats
    points: Floats
    """The share of the AC energy that faults take."""

    @property
    def end_s(self) -> Ints:
        """When the last phase ends, since 1970."""
        ends: Ints = self.start_s + self.lasts_s.sum(axis=1)
        return ends


def charge(
    draws: Draws,
    needs: Needs,
    chargers: Chargers,
    vehicles: Vehicles,
    effects: DailyEffects,
    surroundings: Surroundings,
) -> Charges:
    """Each of these needs as a charge."""
    car, plug, row, day = needs.vehicle, needs.plug, needs.row, needs.day
    start_s = EPOCH_S + DAY_S * day - vehicles.day_begins_s[car] + needs.start_s
    is_dc = chargers.is_dc[plug]
    power_kw = np.minimum(chargers.ac_kw[plug], np.where(is_dc, vehicles.max_dc_kw[car], vehicles.max_ac_kw[car]))
    heats, elsewhere = needs.kind == Kind.AC_ONLY, needs.kind == Kind.DC_ONLY
    celsius, warming_kelvin, volts = _around(needs, start_s, power_kw, surroundings)
    losses = draw_losses(draws, needs, chargers, vehicles, effects, celsius)
    set_point = SET_POINT_RATIO * (1 + 0.004 * draws.normal(What.SET_POINT, needs.subject, day))
    dc_set_point = draws.between(0.75, 1.0, What.SET_POINT, needs.subject, day)
    behind_dc_kw = (power_kw * dc_set_point + chargers.electronics_kw[plug]) / (1 - chargers.loss_ratio[plug])
    grid_kw = np.where(is_dc, behind_dc_kw, power_kw * set_point * volts / NOMINAL_VOLTS)
    full_kw = np.where(elsewhere, np.minimum(ELSEWHERE_KW, vehicles.max_dc_kw[car]), losses.dc_kw(grid_kw))
    lasts_s, share = _phases(draws, needs, vehicles, np.where(is_dc, DC_TAPER_SHARE, 0.0), full_kw)
    heating_kw = np.minimum(PREHEATING_KW, 0.9 * power_kw)
    lasts_s[heats] = 0
    lasts_s[heats, 0] = np.rint(3_600 * needs.energy_kwh / heating_kw)[heats]

    standby_kw = (chargers.standby_kw[plug] + effects.leak_kw[row, plug])[:, None]

    def powers(of_full: Floats) -> tuple[Floats, Floats]:
        dc_kw = np.where(heats[:, None], 0.0, of_full * full_kw[:, None])
        drawn_kw = np.where(heats[:, None], heating_kw[:, None], losses.ac_kw(dc_kw))
        return dc_kw, np.where(elsewhere[:, None], 0.0, np.where(of_full > 0, drawn_kw, 0.0) + standby_kw)

    dc, ac = powers(share)
    dc_end, ac_end = powers(share * np.array([1.0, 1.0, 1.0, LAST_POWER_RATIO]))
    freezes = draws.unit(What.FREEZES, needs.subject, day) < effects.freezing_share[row, plug]
    metered = np.where(freezes | elsewhere, 0.0, chargers.meter_gain[plug] * effects.meter_gain[row, plug])
    counted = vehicles.register_gain[car] * effects.register_gain[row, car]
    battery_kwh = (dc + dc_end) / 2 * lasts_s / 3_600
    return Charges(
        needs=needs,
        start_s=start_s,
        lasts_s=lasts_s,
        dc_kw=dc,
        dc_end_kw=dc_end,
        ac_kw=ac,
        ac_end_kw=ac_end,
        metered_share=metered,
        counted_share=counted,
        battery_mwh=_whole_mwh(battery_kwh),
        dc_mwh=_whole_mwh(battery_kwh * counted[:, None]),
        ac_mwh=_whole_mwh((ac + ac_end) / 2 * lasts_s / 3_600 * metered[:, None]),
        celsius=celsius,
        volts=volts,
        warming_kelvin=warming_kelvin,
        points=np.where(needs.kind == Kind.PAIR, losses.points, 0.0),
    )


def _around(needs: Needs, start_s: Ints, power_kw: Floats, surroundings: Surroundings) -> tuple[Floats, Floats, Floats]:
    """The battery's mean temperature, what the charge warms it by, the voltage: of a charge as long as it might be."""
    roughly_s = 3_600 * needs.energy_kwh / (0.85 * power_kw)
    middle_s = start_s + (roughly_s / 2).astype(np.int64)
    warming_kelvin = LEAST_WARMING_KELVIN + KELVIN_PER_KW * np.minimum(power_kw, 30.0)
    warming_kelvin = np.where(needs.kind == Kind.AC_ONLY, 0.0, warming_kelvin)
    soak = surroundings.soak_kelvin(needs.vehicle, needs.day)
    celsius = surroundings.parked_celsius(needs.vehicle, soak, surroundings.outdoor_celsius(middle_s))
    volts = surroundings.volts_of_day(needs.plug, needs.day) - surroundings.evening_volts(middle_s)
    sag_volts = surroundings.sagging_volts(needs.plug, power_kw)
    return celsius + warming_kelvin * _mean_warmth(roughly_s), warming_kelvin, volts - sag_volts


def _phases(draws: Draws, needs: Needs, vehicles: Vehicles, dc_taper: Floats, full_kw: Floats) -> tuple[Ints, Floats]:
    """How long each phase lasts, and the share of the full power with which it begins."""
    day, energy_kwh, subject = needs.day, needs.energy_kwh, needs.subject
    taper_kwh = np.where(
        dc_taper > 0,
        dc_taper * energy_kwh,
        np.where(
            vehicles.full_soc_percent[needs.vehicle] == 100, TAPER_SHARE * vehicles.capacity_kwh[needs.vehicle], 0
        ),
    )
    is_last = needs.slot == LAST_SLOT
    taper_kwh = np.where(is_last, np.minimum(taper_kwh, 0.5 * energy_kwh), 0.0)
    flat_kwh = energy_kwh - taper_kwh

    chance = draws.unit(What.INTERRUPTION, subject, day)
    length = draws.unit(What.INTERRUPTION_LENGTH, subject, day)
    is_pair = needs.kind == Kind.PAIR
    pauses = is_pair & (chance < PAUSES_BELOW)
    limited = is_pair & ~pauses & (chance < LIMITED_BELOW)
    limit = np.where(limited, draws.between(0.4, 0.8, What.LIMITED_TO, subject, day), 0.0)
    limited_s = np.minimum(60 * (20 + 100 * length), 3_600 * 0.5 * flat_kwh / np.maximum(limit * full_kw, 0.1))
    second_s = np.where(pauses, 60 * (3 + 22 * length), np.where(limited, limited_s, 0.0))
    constant_s = 3_600 * (flat_kwh - limit * full_kw * second_s / 3_600) / full_kw
    before = np.where(pauses | limited, draws.between(0.1, 0.8, What.INTERRUPTION_AT, subject, day), 1.0)
    taper_s = 3_600 * taper_kwh / (full_kw * (1 + LAST_POWER_RATIO) / 2)
    lasts_s = np.rint(np.stack([before * constant_s, second_s, (1 - before) * constant_s, taper_s], axis=1))
    # A charge that would cross the edge of its day is unplugged before.
    ends_s = np.minimum(needs.start_s[:, None] + np.cumsum(lasts_s, axis=1), LATEST_END_S)
    lasts_s = np.diff(ends_s, axis=1, prepend=needs.start_s[:, None].astype(np.float64))
    ones = np.ones(len(limit))
    return lasts_s.astype(np.int64), np.stack([ones, limit, ones, ones], axis=1)


def _mean_warmth(lasts_s: Floats) -> Floats:
    """The mean of ``warmth`` over a charge of this length."""
    hours, warming = lasts_s / WARM_UP_S, np.minimum(lasts_s / WARM_UP_S, 1.0)
    return (warming**2 - warming**3 / 3 + hours - warming) / hours


def warmth(since_start_s: Floats, since_end_s: Floats) -> Floats:
    """How much of its warming a battery has: it warms within an hour, and cools down within two."""
    warm = np.clip(since_start_s / WARM_UP_S, 0.0, 1.0)
    cold = np.clip(since_end_s / COOL_DOWN_S, 0.0, 1.0)
    share: Floats = warm * (2 - warm) * (1 - cold) ** 2
    return share


def _whole_mwh(energy_kwh: Floats) -> Ints:
    return np.rint(energy_kwh * MWH_PER_KWH).astype(np.int64)
