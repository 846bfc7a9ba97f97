"""Simulated sessions of a season, as the lake has them: healthy, noisier, rarer, or with fewer sensors."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl

from warehouse.sessions.session_table import is_implausible
from warehouse.sessions.settings import SETTINGS
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.sessions import sessions


@dataclass(frozen=True)
class Season:
    """Days that a fleet is looked at, from its first session on."""

    name: str
    first: date
    days: int = 120


SEASONS = {
    "autumn": Season("autumn", date(2026, 9, 1)),
    "winter": Season("winter", date(2026, 1, 3)),
    "summer": Season("summer", date(2026, 5, 1)),
}
YEAR = Season("year", date(2026, 1, 3), 365)


@dataclass(frozen=True)
class Variant:
    """How a fleet differs from what the simulator draws."""

    name: str
    noise: float = 1.0
    """Of the sessions' scatter."""
    sessions_a_week: float | None = None
    """So many of each pair in the mean, the others left out."""
    without_sensor: float | None = None
    """Share of the vehicles without a temperature sensor, instead of the simulator's tenth."""


VARIANTS = {
    each.name: each
    for each in (
        Variant("as drawn"),
        Variant("noise doubled", noise=2.0),
        Variant("2.5 sessions a week", sessions_a_week=2.5),
        Variant("30 % without sensor", without_sensor=0.3),
    )
}


def healthy_sessions(season: Season, seed: int, pairs: int, variant: Variant) -> pl.DataFrame:
    """Sessions of a fleet without faults: the columns that ``warehouse.losses.sample`` reads."""
    fleet = Fleet(pairs, seed, fault_share=0.0)
    start = datetime.combine(season.first, time(), UTC)
    raw = sessions(fleet, start, start + timedelta(days=season.days))
    return as_in_the_lake(_varied(raw, fleet, seed, variant))


def as_in_the_lake(raw: pl.DataFrame) -> pl.DataFrame:
    """True sessions with the names, ids and flags of ``charging_sessions``."""
    number = {name: pl.col(name).str.split("-").list.last().cast(pl.Int32) for name in ("vehicle_id", "meter_id")}
    coverage = pl.min_horizontal("ac_coverage", "dc_coverage")
    return (
        raw.with_columns(**number)
        .with_columns(
            session_id=pl.format("meter-{}-{}", "meter_id", pl.col("ended_at").dt.epoch("s")),
            day=pl.col("ended_at").dt.date(),
            clock_lag_s=pl.lit(None, pl.Int32),
            ac_hours="hours",
            dc_hours="hours",
            ac_mean_kw=pl.col("ac_kwh") / pl.col("hours"),
        )
        .with_columns(
            kind=pl.when((pl.col("kind") == "charge") & is_implausible()).then(pl.lit("implausible")).otherwise("kind"),
        )
        .with_columns(
            is_qualified=(pl.col("kind") == "charge")
            & (pl.col("ac_kwh") >= SETTINGS.qualified_kwh)
            & (coverage >= SETTINGS.qualified_coverage)
        )
    )


def _varied(raw: pl.DataFrame, fleet: Fleet, seed: int, variant: Variant) -> pl.DataFrame:
    draws = np.random.default_rng([seed, 1])
    vehicle = raw["vehicle_id"].str.split("-").list.last().cast(pl.Int64).to_numpy() - 1
    if variant.noise > 1:
        scale = fleet.world.vehicles.noise_ratio[vehicle] * np.sqrt(variant.noise**2 - 1)
        factor = 1 + scale * np.clip(draws.standard_t(4, raw.height), -12, 12)
        step = pl.col("ac_resolution_kwh")
        raw = raw.with_columns(ac_kwh=(pl.col("ac_kwh") * pl.Series(factor) / step).round() * step)
    if variant.without_sensor is not None:
        blind = draws.random(fleet.size) < variant.without_sensor
        raw = raw.with_columns(
            mean_battery_temp_celsius=pl.when(~pl.Series(blind[vehicle])).then("mean_battery_temp_celsius")
        )
    if variant.sessions_a_week is not None:
        days = raw["ended_at"].dt.date().n_unique()
        is_charge = (raw["kind"] == "charge").to_numpy()
        a_week = np.bincount(vehicle[is_charge], minlength=fleet.size) / days * 7
        share = np.minimum(1.0, variant.sessions_a_week / np.maximum(a_week, 0.1))
        raw = raw.filter(pl.Series(draws.random(raw.height) < share[vehicle]))
    return raw
