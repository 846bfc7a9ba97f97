"""Sessions of fleets of the second simulator: habits, batteries, sensors and registers, over the losses of its laws."""

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from tests.benchmarks.findings.laws import (
    COOLING_HOURS,
    Law,
    Pairs,
    changes,
    cold_kw,
    converted_kwh,
    drawn_pairs,
    heated,
    noise,
    remembered,
)
from tests.benchmarks.findings.seasons import Season, as_in_the_lake
from warehouse.losses.panel import Floats

ARRIVAL_HOUR = 17.0
LONGEST_HOURS = 12.0
NO_SENSOR_SHARE = 0.1
TOP_POWER_SHARE, TOP_KWH, BALANCING_KWH = 0.4, 4.0, 0.12
"""Of a charge to 100 %: its power at the end as a share, the energy that is charged so, and what balancing takes."""
STEPS_KWH = np.array([0.001, 0.01, 0.1])
UNKNOWN = ("ac_plateau_kw", "dc_plateau_kw", "mean_voltage_volts", "soc_start_percent", "soc_end_percent")
"""Columns of sessions that losses are not found by."""


class _Parked(NamedTuple):
    """What was before a charge; a row a pair, a column a day."""

    around_celsius: Floats
    warmth_kelvin: Floats
    """What the drive had left in the battery when it was parked."""
    hours: Floats

    def warmer_kelvin(self, hours: Floats) -> Floats:
        """What is left of it."""
        kelvin: Floats = self.warmth_kelvin * np.exp(-hours / COOLING_HOURS)
        return kelvin


class _Charged(NamedTuple):
    """What a charge brings; a row a pair, a column a day."""

    kwh: Floats
    kw: Floats
    top_kwh: Floats
    """Of it, at lower power, where the battery is charged full."""

    @property
    def top_kw(self) -> Floats:
        """The power at the end of a charge to 100 %."""
        return TOP_POWER_SHARE * self.kw

    @property
    def hours(self) -> Floats:
        """Of charging."""
        return (self.kwh - self.top_kwh) / self.kw + self.top_kwh / self.top_kw


def other_sessions(season: Season, seed: int, pairs: int, laws: Collection[Law]) -> pl.DataFrame:
    """Sessions of a healthy fleet, as the lake has them: the columns that ``warehouse.losses.sample`` reads.

    What is drawn is drawn whether its law holds or not, so that fleets differ by their laws alone.
    """
    draws = np.random.default_rng([seed, 4, season.first.toordinal()])
    fleet = drawn_pairs(draws, pairs)
    shape = (pairs, season.days)
    days = np.arange(season.days)
    wintry = (1 + np.cos(2 * np.pi * (season.first.timetuple().tm_yday + days - 15) / 365.25)) / 2
    """1 in mid January, 0 in mid July."""
    parked = _parked(draws, fleet, wintry)
    charged = _charged(draws, fleet, wintry, laws)
    ac_kwh, celsius = _drawn_from_grid(draws, fleet, parked, charged, laws)
    shown = _shown_celsius(draws, celsius, parked, is_wrong=Law.SENSORS in laws)
    ac_step = STEPS_KWH[draws.choice(2, pairs)]
    is_coarse = (draws.random(pairs) < 0.1) & (Law.COARSE_METERS in laws)
    ac_step = np.where(is_coarse, STEPS_KWH[2], ac_step)
    dc_step = STEPS_KWH[draws.choice(3, pairs, p=(0.2, 0.6, 0.2))]
    happens = draws.random(shape) < fleet.a_week[:, None] / 7
    pair = np.nonzero(happens)[0]
    start = datetime.combine(season.first, time(), UTC)
    begins_hours = (ARRIVAL_HOUR + parked.hours + 24 * days)[happens]
    frame = pl.DataFrame(
        {
            "pair": pair + 1,
            "begins_us": (begins_hours * 3.6e9).astype(np.int64) + int(start.timestamp() * 1e6),
            "hours": charged.hours[happens],
            "ac_kwh": _registered(np.where(happens, ac_kwh, 0.0), ac_step)[happens],
            "dc_kwh": _registered(np.where(happens, charged.kwh, 0.0), dc_step)[happens],
            "mean_battery_temp_celsius": pl.Series(shown[happens]).fill_nan(None),
            "ac_resolution_kwh": ac_step[pair],
            "dc_resolution_kwh": dc_step[pair],
        }
    )
    return _finished(frame, start + timedelta(days=season.days))


def _finished(frame: pl.DataFrame, end: datetime) -> pl.DataFrame:
    """With what the lake has besides, without what ends later."""
    begins = pl.col("begins_us").cast(pl.Datetime("us", "UTC"))
    names = pl.col("pair").cast(pl.String)
    whole = frame.with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in UNKNOWN),
        kind=pl.lit("charge"),
        meter_id=names,
        vehicle_id=names,
        started_at=begins,
        ended_at=begins + pl.duration(microseconds=(pl.col("hours") * 3.6e9).cast(pl.Int64)),
        efficiency_ratio=pl.col("dc_kwh") / pl.col("ac_kwh"),
        voltage_share=pl.lit(0.0),
        ac_coverage=pl.lit(1.0),
        dc_coverage=pl.lit(1.0),
    ).drop("pair", "begins_us")
    return as_in_the_lake(whole.filter(pl.col("ended_at") < end).sort("ended_at", "vehicle_id"))


def _parked(draws: np.random.Generator, fleet: Pairs, wintry: Floats) -> _Parked:
    shape = (len(fleet.model), len(wintry))
    fronts = 3.5 * remembered(draws, (1, len(wintry)), np.array([5.0]))
    outdoor = 17.0 - 19.0 * wintry + fronts + fleet.site_kelvin[:, None]
    at_night = draws.random(shape) < fleet.night_share[:, None]
    hours = np.where(at_night, draws.uniform(5.0, 9.0, shape), draws.uniform(0.2, 2.0, shape))
    return _Parked(15.0 + (outdoor - 15.0) * fleet.garage_ratio[:, None], draws.uniform(2.0, 8.0, shape), hours)


def _charged(draws: np.random.Generator, fleet: Pairs, wintry: Floats, laws: Collection[Law]) -> _Charged:
    pairs, shape = len(fleet.model), (len(fleet.model), len(wintry))
    kwh = fleet.usual_kwh[:, None] * np.exp(0.35 * draws.standard_normal(shape))
    if Law.WINTER_TRIPS in laws:
        kwh *= 1 - 0.4 * wintry
    limit = 0.4 + 0.6 / (1 + np.exp(-1.5 * remembered(draws, shape, np.full(pairs, 30.0))))
    is_managed = (draws.random(pairs) < 0.4)[:, None] & (Law.LOAD_MANAGED in laws)
    kw = fleet.dc_kw[:, None] * np.where(is_managed, limit, 1.0) * (1 + 0.01 * draws.standard_normal(shape))
    kwh = np.minimum(np.maximum(kwh, 1.5), 0.8 * LONGEST_HOURS * kw)
    alternates = (draws.random(pairs) < 0.4)[:, None] & (Law.TWO_TARGETS in laws)
    is_full = np.cumsum(draws.random(shape) < 0.15, axis=1) % 2 > 0
    return _Charged(kwh, kw, np.where(alternates & is_full, np.minimum(TOP_KWH, 0.4 * kwh), 0.0))


def _drawn_from_grid(
    draws: np.random.Generator, fleet: Pairs, parked: _Parked, charged: _Charged, laws: Collection[Law]
) -> tuple[Floats, Floats]:
    """The energy from the grid, and the mean temperature of the battery."""
    kwh, hours = charged.kwh, charged.hours
    begins_celsius = parked.around_celsius + parked.warmer_kelvin(parked.hours)
    heating_kwh, celsius = heated(fleet, begins_celsius, parked.around_celsius, hours, is_on=Law.HEATERS in laws)
    celsius = celsius + np.minimum(2.5, 0.3 * charged.kw)
    lost_kwh = converted_kwh(fleet, kwh - charged.top_kwh, charged.kw, laws)
    lost_kwh += converted_kwh(fleet, charged.top_kwh, charged.top_kw, laws)
    lost_kwh += cold_kw(fleet, celsius, is_curved=Law.CURVED_COLD in laws) * hours
    lost_kwh += heating_kwh + fleet.start_kwh[:, None] + BALANCING_KWH * (charged.top_kwh > 0)
    efficiency = kwh / (kwh + lost_kwh) - changes(draws, fleet, kwh.shape[1], laws)
    return kwh / efficiency * (1 + noise(draws, fleet, kwh.shape[1], laws)), celsius


def _shown_celsius(draws: np.random.Generator, celsius: Floats, parked: _Parked, *, is_wrong: bool) -> Floats:
    """What the vehicles tell; NaN without a sensor. A sensor is off for good, tells what was hours ago, or is half in
    the coolant, and half of them tell whole kelvin."""
    pairs = len(celsius)
    bias = np.clip(1.5 * draws.standard_normal(pairs), -3, 3)[:, None]
    lag_hours = draws.uniform(0.5, 4.0, pairs)[:, None]
    in_coolant, tells_whole = draws.random(pairs) < 0.2, draws.random(pairs) < 0.5
    blind = draws.random(pairs) < NO_SENSOR_SHARE
    if is_wrong:
        before = parked.warmer_kelvin(np.maximum(parked.hours - lag_hours, 0.0))
        late = before - parked.warmer_kelvin(parked.hours)
        celsius = np.where(in_coolant[:, None], (celsius + parked.around_celsius) / 2, celsius + late) + bias
        celsius = np.where(tells_whole[:, None], np.rint(celsius), celsius)
    shown: Floats = np.where(blind[:, None], np.nan, celsius)
    return shown


def _registered(kwh: Floats, step_kwh: Floats) -> Floats:
    """What registers that show whole steps count of these energies, a row a pair."""
    begun = np.full((len(kwh), 1), 1_000.3)
    shown = np.floor(np.concatenate([begun, begun + np.cumsum(kwh, axis=1)], axis=1) / step_kwh[:, None] + 1e-9)
    counted: Floats = np.diff(shown, axis=1) * step_kwh[:, None]
    return counted.round(3)
