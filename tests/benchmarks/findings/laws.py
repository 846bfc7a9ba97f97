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
from enum import StrEnum

import numpy as np

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
PLAIN_KNEE_CELSIUS, CURVED_KNEE_CELSIUS, DOUBLING_KELVIN = 15.0, 20.0, 15.0


@dataclass(frozen=True)
class Pairs:
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


def drawn_pairs(draws: np.random.Generator, pairs: int) -> Pairs:
    """Pairs of this fleet."""
    model = draws.integers(MODELS, size=pairs)
    of_models = np.random.default_rng(MODELS)  # the same cars in every fleet

    def of_model(low: float, high: float, spread: float) -> Floats:
        own: Floats = of_models.uniform(low, high, MODELS)[model] * (1 + spread * draws.uniform(-1, 1, pairs))
        return own

    charger_kw = np.array([3.4, 6.7, 10.2])[draws.choice(3, pairs, p=(0.2, 0.3, 0.5))]
    rated_kw = np.array([6.7, 10.2, 10.2, 10.2, 6.7, 10.2])[model]
    return Pairs(
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


def remembered(draws: np.random.Generator, shape: tuple[int, int], days: Floats) -> Floats:
    """AR(1) from day to day of variance 1, a row a pair: what it was is forgotten within so many days."""
    kept = np.exp(-1 / days)
    values = draws.standard_normal(shape)
    for day in range(1, shape[1]):
        values[:, day] = kept * values[:, day - 1] + np.sqrt(1 - kept**2) * values[:, day]
    return values


def converted_kwh(fleet: Pairs, kwh: Floats, dc_kw: Floats, laws: Collection[Law]) -> Floats:
    """What is lost of this energy at this power in the warm."""
    share = dc_kw / fleet.rated_kw[:, None] if Law.CURVED_POWER in laws else 1.0
    copper = fleet.copper_ratio[:, None] * share
    lost: Floats = kwh * (fleet.fixed_kw[:, None] / dc_kw + fleet.linear_ratio[:, None] + copper)
    return lost


def heated(fleet: Pairs, parked: Floats, around: Floats, hours: Floats, *, is_on: bool) -> tuple[Floats, Floats]:
    """What a heater takes from the grid, and the mean temperature of the battery."""
    threshold = HEATER_THRESHOLDS_CELSIUS[fleet.model][:, None]
    heat_kwh = HEAT_KWH_PER_KELVIN_KWH * fleet.capacity_kwh[:, None]
    missing = np.nan_to_num(np.maximum(threshold - parked, 0.0)) * is_on
    kept_warm_kw = heat_kwh / COOLING_HOURS * np.nan_to_num(np.maximum(threshold - around, 0.0)) * (missing > 0)
    kwh = np.minimum(heat_kwh * missing + kept_warm_kw * hours, HEATER_KW * hours)
    reached = np.minimum(missing, kwh / heat_kwh)
    return kwh / HEATER_RATIO, parked + 0.75 * reached


def cold_kw(fleet: Pairs, celsius: Floats, *, is_curved: bool) -> Floats:
    """What a battery of this temperature adds to the fixed loss."""
    at_zero = fleet.cold_kw[:, None]
    if not is_curved:
        straight: Floats = at_zero * np.maximum(PLAIN_KNEE_CELSIUS - celsius, 0.0) / PLAIN_KNEE_CELSIUS
        return straight
    quadratic = (np.maximum(CURVED_KNEE_CELSIUS - celsius, 0.0) / CURVED_KNEE_CELSIUS) ** 2
    doubled = 2.0 ** ((CURVED_KNEE_CELSIUS - celsius) / DOUBLING_KELVIN) - 1
    exponential = np.maximum(doubled, 0.0) / (2.0 ** (CURVED_KNEE_CELSIUS / DOUBLING_KELVIN) - 1)
    added: Floats = at_zero * np.where(fleet.is_exponential[:, None], exponential, quadratic)
    return added


def changes(draws: np.random.Generator, fleet: Pairs, days: int, laws: Collection[Law]) -> Floats:
    """What the efficiency is lower by each day: wear of up to half a point a year, and two updates a year of each
    vehicle model, of up to 0.3 points in either direction, which reach a car within weeks."""
    pairs, day = len(fleet.model), np.arange(days)
    less = draws.uniform(0.0, 0.005, pairs)[:, None] * day / 365 * (Law.WEAR in laws)
    for _ in range(2):
        begin, size = draws.uniform(0, 365, MODELS), draws.uniform(-0.003, 0.003, MODELS)
        since = begin[fleet.model] + draws.exponential(10.0, pairs)
        less = less + size[fleet.model][:, None] * (day >= since[:, None]) * (Law.FIRMWARE in laws)
    return less


def noise(draws: np.random.Generator, fleet: Pairs, days: int, laws: Collection[Law]) -> Floats:
    """Of the AC energy: from session to session, and what lasts for one to four weeks."""
    pairs, shape = len(fleet.model), (len(fleet.model), days)
    normal, heavy = draws.standard_normal(shape), draws.standard_t(3, shape) / np.sqrt(3)
    lasts_days = np.exp(draws.uniform(np.log(7.0), np.log(30.0), pairs))
    slow_ratio = np.exp(draws.uniform(np.log(0.0015), np.log(0.004), pairs))
    slow = slow_ratio[:, None] * remembered(draws, shape, lasts_days)
    own = np.clip(heavy, -10, 10) if Law.HEAVY_TAILS in laws else normal
    return fleet.scatter_ratio[:, None] * own + slow * (Law.SLOW_NOISE in laws)
