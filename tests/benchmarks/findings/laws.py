"""A second simulator of healthy sessions, whose laws are not those of the first one nor of rule R1.

What R1 and the simulator of the product share is a fixed power, straight lines in the cold and noise without a memory.
Here each law can be switched on alone, over a plain fleet, so that a false finding can be told from its cause. The
parameters were chosen before R1 was tried on it and are not to be fitted to what it finds.

- A charge of DC power p loses ``p0 + k1 p + k2 p^2 / rated`` (a converter: what it draws idle, its switches and diodes,
  its copper), between 6 and 9 % at 11 kW and 13 and 24 % at 2.3 kW, as ADAC measured in 2022.
- The pack cools towards its surroundings with a time constant of ten hours (Newton), so its temperature, and what a
  heater has to bring, depend on how long it was parked. It holds 1.8 Wh for each kelvin and kWh of capacity (6 kg for
  each kWh, 1.1 kJ for each kg and kelvin).
- What the cold adds is quadratic below 20 C, or doubles with each 15 K as the resistance of cells does.
- How long the noise of a pair remembers, wear, firmware and habits are ours.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

import numpy as np
import polars as pl

from tests.benchmarks.findings.seasons import Season, as_in_the_lake
from warehouse.losses.panel import Bools, Floats, Ints


class Law(StrEnum):
    """What may differ from a plain fleet."""

    CURVED_POWER = "losses quadratic in the power"
    CURVED_COLD = "cold quadratic or exponential"
    HEATERS = "battery heaters"
    SENSORS = "sensors with lag and bias"
    SLOW_NOISE = "noise of weeks"
    HEAVY_TAILS = "Student's t of 3"
    WINTER_TRIPS = "short trips in winter"
    WEAR = "wear"
    FIRMWARE = "firmware"
    LOAD_MANAGED = "load-managed power"
    TWO_TARGETS = "two targets of charge"
    COARSE_METERS = "meters of 100 Wh"


MODELS = 6
HEATER_THRESHOLDS_CELSIUS = np.array([5.0, 0.0, np.nan, np.nan, np.nan, np.nan])
"""Below which each vehicle model heats its battery while it charges."""
COOLING_HOURS = 10.0
HEAT_KWH_PER_KELVIN_KWH = 0.0018
HEATER_RATIO, HEATER_KW = 0.9, 2.5
ARRIVAL_HOUR = 17.0
LONGEST_HOURS = 12.0
NO_SENSOR_SHARE = 0.1
PLAIN_KNEE_CELSIUS, CURVED_KNEE_CELSIUS, DOUBLING_KELVIN = 15.0, 20.0, 15.0
FULL_POWER_SHARE, TOP_KWH, BALANCING_KWH = 0.4, 4.0, 0.12
"""Of a charge to 100 %: its power at the end as a share, the energy that is charged so, and what balancing takes."""
STEPS_KWH = np.array([0.001, 0.01, 0.1])


@dataclass(frozen=True)
class _Pairs:
    """One element a pair."""

    model: Ints
    capacity_kwh: Floats
    dc_kw: Floats
    rated_kw: Floats
    fixed_kw: Floats
    linear_ratio: Floats
    copper_ratio: Floats
    cold_kw: Floats
    """What the cold adds at a battery of 0 C."""
    is_exponential: Bools
    a_week: Floats
    usual_kwh: Floats
    night_share: Floats
    """How often it charges by a timer, hours after it was parked."""
    garage_ratio: Floats
    """How much of the outdoor cold comes in where it is parked."""
    site_kelvin: Floats
    scatter_ratio: Floats
    start_kwh: Floats
    """Lost at the begin of each session."""


def other_sessions(season: Season, seed: int, pairs: int, laws: Collection[Law]) -> pl.DataFrame:
    """Sessions of a healthy fleet, as the lake has them: the columns that ``warehouse.losses.sample`` reads."""
    draws = np.random.default_rng([seed, 4, season.first.toordinal()])
    fleet = _drawn(draws, pairs)
    shape = (pairs, season.days)
    day_of_year = season.first.timetuple().tm_yday + np.arange(season.days)
    wintry = (1 + np.cos(2 * np.pi * (day_of_year - 15) / 365.25)) / 2  # 1 in mid January
    front = _remembered(draws, (1, season.days), np.array([5.0]))
    outdoor = 19.0 - 19.0 * wintry + 3.5 * front - 2.0 + fleet.site_kelvin[:, None]
    around = 15.0 + (outdoor - 15.0) * fleet.garage_ratio[:, None]

    # What is drawn is drawn whether its law holds or not, so that fleets differ by their laws alone.
    at_night = draws.random(shape) < fleet.night_share[:, None]
    parked_hours = np.where(at_night, draws.uniform(5.0, 9.0, shape), draws.uniform(0.2, 2.0, shape))
    warmth = draws.uniform(2.0, 8.0, shape)
    parked = around + warmth * np.exp(-parked_hours / COOLING_HOURS)
    kwh = fleet.usual_kwh[:, None] * np.exp(0.35 * draws.standard_normal(shape))
    if Law.WINTER_TRIPS in laws:
        kwh *= 1 - 0.4 * wintry
    limit = 0.4 + 0.6 / (1 + np.exp(-1.5 * _remembered(draws, shape, np.full(pairs, 30.0))))
    is_managed = (draws.random(pairs) < 0.4)[:, None] & (Law.LOAD_MANAGED in laws)
    power_kw = fleet.dc_kw[:, None] * np.where(is_managed, limit, 1.0) * (1 + 0.01 * draws.standard_normal(shape))
    kwh = np.minimum(np.maximum(kwh, 1.5), 0.8 * LONGEST_HOURS * power_kw)
    alternates = (draws.random(pairs) < 0.4)[:, None] & (Law.TWO_TARGETS in laws)
    is_full = np.cumsum(draws.random(shape) < 0.15, axis=1) % 2 > 0
    top_kwh = np.where(alternates & is_full, np.minimum(TOP_KWH, 0.4 * kwh), 0.0)
    top_kw = FULL_POWER_SHARE * power_kw
    hours = (kwh - top_kwh) / power_kw + top_kwh / top_kw

    def converted_kwh(energy_kwh: Floats, dc_kw: Floats) -> Floats:
        share = dc_kw / fleet.rated_kw[:, None] if Law.CURVED_POWER in laws else 1.0
        lost: Floats = energy_kwh * (
            fleet.fixed_kw[:, None] / dc_kw + fleet.linear_ratio[:, None] + fleet.copper_ratio[:, None] * share
        )
        return lost

    heating_kwh, celsius = _heated(fleet, parked, around, hours, is_on=Law.HEATERS in laws)
    celsius = celsius + np.minimum(2.5, 0.3 * power_kw)
    lost_kwh = converted_kwh(kwh - top_kwh, power_kw) + converted_kwh(top_kwh, top_kw)
    lost_kwh += _cold_kw(fleet, celsius, is_curved=Law.CURVED_COLD in laws) * hours
    lost_kwh += heating_kwh + fleet.start_kwh[:, None] + BALANCING_KWH * (top_kwh > 0)
    efficiency = kwh / (kwh + lost_kwh) - _changes(draws, fleet, shape, laws)
    ac_kwh = kwh / efficiency * (1 + _noise(draws, fleet, shape, laws))

    shown = _shown_celsius(draws, celsius, around, warmth, parked_hours, is_wrong=Law.SENSORS in laws)
    ac_step = STEPS_KWH[draws.choice(2, pairs)]
    coarse = draws.random(pairs) < 0.1
    ac_step = np.where(coarse & (Law.COARSE_METERS in laws), STEPS_KWH[2], ac_step)
    dc_step = STEPS_KWH[draws.choice(3, pairs, p=(0.2, 0.6, 0.2))]
    happens = draws.random(shape) < fleet.a_week[:, None] / 7
    pair = np.nonzero(happens)[0]
    begins_us = ((ARRIVAL_HOUR + parked_hours + 24 * np.arange(season.days))[happens] * 3.6e9).astype(np.int64)
    start = datetime.combine(season.first, time(), UTC)
    ac, dc = (
        _registered(np.where(happens, each, 0.0), step)[happens] for each, step in ((ac_kwh, ac_step), (kwh, dc_step))
    )
    frame = pl.DataFrame(
        {
            "kind": pl.repeat("charge", len(pair), eager=True),
            "meter_id": pl.Series(pair + 1).cast(pl.String),
            "vehicle_id": pl.Series(pair + 1).cast(pl.String),
            "started_at": pl.Series(begins_us + int(start.timestamp() * 1e6)).cast(pl.Datetime("us", "UTC")),
            "hours": hours[happens],
            "ac_kwh": ac,
            "dc_kwh": dc,
            "efficiency_ratio": dc / np.maximum(ac, 1e-9),
            "mean_battery_temp_celsius": pl.Series(shown[happens]).fill_nan(None),
            "ac_resolution_kwh": ac_step[pair],
            "dc_resolution_kwh": dc_step[pair],
        }
    )
    unknown = ("ac_plateau_kw", "dc_plateau_kw", "mean_voltage_volts", "soc_start_percent", "soc_end_percent")
    whole = frame.with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in unknown),
        ended_at=pl.col("started_at") + pl.duration(microseconds=(pl.col("hours") * 3.6e9).cast(pl.Int64)),
        voltage_share=pl.lit(0.0),
        ac_coverage=pl.lit(1.0),
        dc_coverage=pl.lit(1.0),
    )
    end = start + timedelta(days=season.days)
    return as_in_the_lake(whole.filter(pl.col("ended_at") < end).sort("ended_at", "vehicle_id"))


def _drawn(draws: np.random.Generator, pairs: int) -> _Pairs:
    model = draws.integers(MODELS, size=pairs)
    of_models = np.random.default_rng(MODELS)  # the same cars in every fleet

    def of_model(low: float, high: float, spread: float) -> Floats:
        own: Floats = of_models.uniform(low, high, MODELS)[model] * (1 + spread * draws.uniform(-1, 1, pairs))
        return own

    charger_kw = np.array([3.4, 6.7, 10.2])[draws.choice(3, pairs, p=(0.2, 0.3, 0.5))]
    rated_kw = np.array([6.7, 10.2, 10.2, 10.2, 6.7, 10.2])[model]
    return _Pairs(
        model=model,
        capacity_kwh=of_model(38.0, 80.0, 0.0),
        dc_kw=np.minimum(charger_kw, rated_kw),
        rated_kw=rated_kw,
        fixed_kw=of_model(0.12, 0.35, 0.15),
        linear_ratio=of_model(0.030, 0.050, 0.10),
        copper_ratio=of_model(0.015, 0.035, 0.10),
        cold_kw=of_model(0.10, 0.30, 0.25),
        is_exponential=model % 2 == 1,
        a_week=draws.uniform(2.5, 7.0, pairs),
        usual_kwh=draws.uniform(7.0, 20.0, pairs),
        night_share=draws.random(pairs),
        garage_ratio=np.where(draws.random(pairs) < 0.3, 0.5, 1.0),
        site_kelvin=2.0 * draws.standard_normal(pairs),
        scatter_ratio=np.exp(draws.uniform(np.log(0.004), np.log(0.012), pairs)),
        start_kwh=draws.uniform(0.01, 0.06, pairs),
    )


def _remembered(draws: np.random.Generator, shape: tuple[int, int], days: Floats) -> Floats:
    """AR(1) from day to day of variance 1, a row a pair: what it was is forgotten within so many days."""
    kept = np.exp(-1 / days)
    values = draws.standard_normal(shape)
    for day in range(1, shape[1]):
        values[:, day] = kept * values[:, day - 1] + np.sqrt(1 - kept**2) * values[:, day]
    return values


def _heated(fleet: _Pairs, parked: Floats, around: Floats, hours: Floats, *, is_on: bool) -> tuple[Floats, Floats]:
    """What a heater takes from the grid, and the mean temperature of the battery."""
    threshold = HEATER_THRESHOLDS_CELSIUS[fleet.model][:, None]
    heat_kwh = HEAT_KWH_PER_KELVIN_KWH * fleet.capacity_kwh[:, None]
    missing = np.nan_to_num(np.maximum(threshold - parked, 0.0)) * is_on
    kept_warm_kw = heat_kwh / COOLING_HOURS * np.nan_to_num(np.maximum(threshold - around, 0.0)) * (missing > 0)
    kwh = np.minimum(heat_kwh * missing + kept_warm_kw * hours, HEATER_KW * hours)
    reached = np.minimum(missing, kwh / heat_kwh)
    return kwh / HEATER_RATIO, parked + 0.75 * reached


def _cold_kw(fleet: _Pairs, celsius: Floats, *, is_curved: bool) -> Floats:
    at_zero = fleet.cold_kw[:, None]
    if not is_curved:
        straight: Floats = at_zero * np.maximum(PLAIN_KNEE_CELSIUS - celsius, 0.0) / PLAIN_KNEE_CELSIUS
        return straight
    quadratic = (np.maximum(CURVED_KNEE_CELSIUS - celsius, 0.0) / CURVED_KNEE_CELSIUS) ** 2
    doubled = 2.0 ** ((CURVED_KNEE_CELSIUS - celsius) / DOUBLING_KELVIN) - 1
    exponential = np.maximum(doubled, 0.0) / (2.0 ** (CURVED_KNEE_CELSIUS / DOUBLING_KELVIN) - 1)
    added: Floats = at_zero * np.where(fleet.is_exponential[:, None], exponential, quadratic)
    return added


def _changes(draws: np.random.Generator, fleet: _Pairs, shape: tuple[int, int], laws: Collection[Law]) -> Floats:
    """What the efficiency is lower by each day: wear of up to half a point a year, and up to two updates of each
    vehicle model, of up to 0.3 points in either direction, which reach a car within weeks."""
    days = np.arange(shape[1])
    less = draws.uniform(0.0, 0.005, shape[0])[:, None] * days / 365 * (Law.WEAR in laws)
    for _ in range(2):
        begin, size = draws.uniform(0, 365, MODELS), draws.uniform(-0.003, 0.003, MODELS)
        since = begin[fleet.model] + draws.exponential(10.0, shape[0])
        less = less + size[fleet.model][:, None] * (days >= since[:, None]) * (Law.FIRMWARE in laws)
    return less


def _noise(draws: np.random.Generator, fleet: _Pairs, shape: tuple[int, int], laws: Collection[Law]) -> Floats:
    """Of the AC energy: from session to session, and what lasts for one to four weeks."""
    normal, heavy = draws.standard_normal(shape), draws.standard_t(3, shape) / np.sqrt(3)
    days = np.exp(draws.uniform(np.log(7.0), np.log(30.0), shape[0]))
    slow_ratio = np.exp(draws.uniform(np.log(0.0015), np.log(0.004), shape[0]))
    slow = slow_ratio[:, None] * _remembered(draws, shape, days)
    own = np.clip(heavy, -10, 10) if Law.HEAVY_TAILS in laws else normal
    noise: Floats = fleet.scatter_ratio[:, None] * own + slow * (Law.SLOW_NOISE in laws)
    return noise


def _shown_celsius(
    draws: np.random.Generator,
    celsius: Floats,
    around: Floats,
    warmth: Floats,
    parked_hours: Floats,
    *,
    is_wrong: bool,
) -> Floats:
    """What the vehicles tell; NaN without a sensor. A sensor is off for good, tells what was hours ago, or is half in
    the coolant, and half of them tell whole kelvin."""
    pairs = len(celsius)
    bias = np.clip(1.5 * draws.standard_normal(pairs), -3, 3)[:, None]
    lag_hours = draws.uniform(0.5, 4.0, pairs)[:, None]
    in_coolant, tells_whole = draws.random(pairs) < 0.2, draws.random(pairs) < 0.5
    blind = draws.random(pairs) < NO_SENSOR_SHARE
    if is_wrong:
        before = np.exp(-np.maximum(parked_hours - lag_hours, 0.0) / COOLING_HOURS)
        late = warmth * (before - np.exp(-parked_hours / COOLING_HOURS))
        celsius = np.where(in_coolant[:, None], (celsius + around) / 2, celsius + late) + bias
        celsius = np.where(tells_whole[:, None], np.rint(celsius), celsius)
    shown: Floats = np.where(blind[:, None], np.nan, celsius)
    return shown


def _registered(kwh: Floats, step_kwh: Floats) -> Floats:
    """What registers that show whole steps count of these energies, a row a pair."""
    begun = np.full((len(kwh), 1), 1_000.3)
    shown = np.floor(np.concatenate([begun, begun + np.cumsum(kwh, axis=1)], axis=1) / step_kwh[:, None] + 1e-9)
    counted: Floats = np.diff(shown, axis=1) * step_kwh[:, None]
    return counted.round(3)
