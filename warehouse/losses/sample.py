"""Sessions as a sample of losses: one row a qualified session of a pair, with what its loss depends on.

The model is that of a charge whose power passes a charger and a car: a share of the energy is lost whatever the power,
and a fixed power (electronics, pumps, heating) is lost as long as it lasts (ADAC 2022, ``loss = a + P0 / P``):

    y = a + P x + H1 x (18 - T)+ + H2 x (8 - T)+ + B (8 - W)+ / E_dc

y: loss ratio ``E_ac / E_dc - 1``; x: hours of the AC side for each kWh that reached the battery; T: mean temperature of
the battery in Celsius; W: that of the fleet's batteries on the day; a: a ratio; P: kW; H1, H2: kW per kelvin; B: kWh
per kelvin.

B is a heater: it brings a cold battery to some temperature, by an energy that has nothing to do with how much is
charged. The battery's own temperature does not tell of it, since the heater holds that: the weather does.
"""

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.contract.efficiency import loss_ratio
from warehouse.losses.settings import SETTINGS, LossSettings
from warehouse.sessions.schemas import CHARGING_SESSIONS

Floats = NDArray[np.float64]

OF_SESSIONS = (
    *("session_id", "vehicle_id", "meter_id", "started_at", "ended_at", "clock_lag_s"),
    *("ac_kwh", "dc_kwh", "ac_hours", "dc_hours"),
    *("ac_plateau_kw", "dc_plateau_kw", "mean_voltage_volts", "voltage_share"),
    *("soc_start_percent", "soc_end_percent"),
)
"""Columns of sessions that stay as they are."""

SAMPLE = pl.Schema(
    {
        **{name: CHARGING_SESSIONS[name] for name in OF_SESSIONS},
        "ac_resolution_kwh": pl.Float64(),
        "dc_resolution_kwh": pl.Float64(),
        "day": pl.Date(),
        "loss_ratio": pl.Float64(),
        "hours_per_kwh": pl.Float64(),
        "battery_celsius": pl.Float64(),
        "temperature_source": pl.String(),
        "weather_celsius": pl.Float64(),
        "variance": pl.Float64(),
    }
)
"""One row a session, ordered by pair and time. ``day`` (UTC): on which it was known to have ended.

``battery_celsius``: the vehicle's own, else the fleet's, else null; ``temperature_source`` says which: own, fleet,
none. ``weather_celsius``: the fleet's, of the day or else of the days before. ``variance``: of ``loss_ratio``, by what
registers and a missing temperature leave open.
"""

FLEET_TEMPERATURES = pl.Schema({"day": pl.Date(), "fleet_celsius": pl.Float64()})
"""The median battery temperature of the sessions that ended on a day, over all vehicles with a sensor."""

PAIR = ("vehicle_id", "meter_id")


def fleet_temperatures(sessions: pl.DataFrame) -> pl.DataFrame:
    """``FLEET_TEMPERATURES`` of the days of these sessions; days on which nothing is known are left out."""
    return _medians(sessions.filter(_tells_of_losses()), "mean_battery_temp_celsius")


def temperatures_of_sample(rows: pl.DataFrame) -> pl.DataFrame:
    """``FLEET_TEMPERATURES`` of the days of a sample, as its sessions told them; of it day, battery_celsius and
    temperature_source are read."""
    return _medians(rows.filter(pl.col("temperature_source") == "own"), "battery_celsius")


def sample(sessions: pl.DataFrame, temperatures: pl.DataFrame, settings: LossSettings = SETTINGS) -> pl.DataFrame:
    """``SAMPLE`` of these sessions: rows of ``charging_sessions``, with day, ac_resolution_kwh and
    dc_resolution_kwh.

    ``temperatures``: ``FLEET_TEMPERATURES`` of the days of the sessions and of those before.

    The registers show whole steps, r_ac and r_dc, so each end of a session is uniform within a step (variance r^2 / 12)
    and ``var(y) = (r_ac^2 + (E_ac / E_dc)^2 r_dc^2) / (6 E_dc^2)``.
    """
    told = sessions.filter(_tells_of_losses())
    ac, dc, hours = pl.col("ac_kwh"), pl.col("dc_kwh"), pl.col("hours_per_kwh")
    of_registers = (
        pl.col("ac_resolution_kwh") ** 2 + ((1 + pl.col("loss_ratio")) * pl.col("dc_resolution_kwh")) ** 2
    ) / (6 * dc**2)
    of_temperature = (
        pl.when(pl.col("temperature_source") == "own")
        .then(0.0)
        .when(pl.col("temperature_source") == "fleet")
        .then((settings.borrowed_temperature_kw * hours) ** 2)
        .otherwise(settings.no_temperature_ratio**2)
    )
    return (
        told.with_columns(loss_ratio=loss_ratio(ac, dc), hours_per_kwh=pl.col("ac_hours") / dc)
        .join(_borrowed(told, temperatures, settings), on="day", how="left", maintain_order="left")
        .with_columns(
            weather_celsius=pl.col("fleet_celsius"),
            battery_celsius=pl.coalesce("mean_battery_temp_celsius", "fleet_celsius"),
            temperature_source=pl.when(pl.col("mean_battery_temp_celsius").is_not_null())
            .then(pl.lit("own"))
            .when(pl.col("fleet_celsius").is_not_null())
            .then(pl.lit("fleet"))
            .otherwise(pl.lit("none")),
        )
        .with_columns(variance=of_registers + of_temperature)
        .select(SAMPLE.names())
        .cast(SAMPLE)
        .sort(*PAIR, "ended_at", "session_id")
    )


def regressors(rows: pl.DataFrame, settings: LossSettings = SETTINGS) -> Floats:
    """What each row of a sample multiplies (a, P, H1, H2, B) with. An unknown temperature adds no cold: 0."""
    hours = rows["hours_per_kwh"].to_numpy()
    warm = max(settings.cold_knees_celsius)
    celsius = rows["battery_celsius"].fill_null(warm).to_numpy()
    weather = rows["weather_celsius"].fill_null(warm).to_numpy()
    cold = [hours * np.maximum(knee - celsius, 0.0) for knee in settings.cold_knees_celsius]
    heated = np.maximum(settings.heated_below_celsius - weather, 0.0) / rows["dc_kwh"].to_numpy()
    return np.stack([np.ones_like(hours), hours, *cold, heated], axis=1)


def _tells_of_losses() -> pl.Expr:
    has_both = pl.col("vehicle_id").is_not_null() & pl.col("meter_id").is_not_null()
    return (pl.col("kind") == "charge") & pl.col("is_qualified") & has_both & (pl.col("dc_kwh") > 0)


def _medians(told: pl.DataFrame, celsius: str) -> pl.DataFrame:
    return (
        told.filter(pl.col(celsius).is_not_null())
        .group_by("day")
        .agg(fleet_celsius=pl.col(celsius).median())
        .cast(FLEET_TEMPERATURES)
        .sort("day")
    )


def _borrowed(told: pl.DataFrame, temperatures: pl.DataFrame, settings: LossSettings) -> pl.DataFrame:
    """The fleet's temperature for each day of the sessions: that of the day, else the median of the days before."""
    days = told.select("day").unique()
    earlier = (
        days.join(temperatures.rename({"day": "known_day"}), how="cross")
        .filter(
            pl.col("known_day") < pl.col("day"),
            pl.col("known_day") >= pl.col("day") - timedelta(days=settings.fleet_temperature_days),
        )
        .group_by("day")
        .agg(earlier_celsius=pl.col("fleet_celsius").median())
    )
    return (
        days.join(temperatures, on="day", how="left")
        .join(earlier, on="day", how="left")
        .select("day", fleet_celsius=pl.coalesce("fleet_celsius", "earlier_celsius"))
    )
