"""Samples of losses that are made up, one session a day and pair."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from warehouse.losses.panel import Floats
from warehouse.losses.sample import SAMPLE

FIRST = date(2026, 3, 2)
"""A Monday."""


def rows_of(
    vehicle: int,
    losses: Sequence[float] | Floats,
    *,
    hours: float = 0.25,
    celsius: float | Sequence[float] = 20.0,
    weather: Sequence[float] | Floats | None = None,
    first: date = FIRST,
    variance: float = 0.0,
) -> pl.DataFrame:
    """Sessions of one pair on successive days: 10 kWh in the battery, these loss ratios, ended at noon."""
    days = [first + timedelta(days=number) for number in range(len(losses))]
    ended = [datetime(day.year, day.month, day.day, 12, tzinfo=UTC) for day in days]
    weather_of = [None] * len(days) if weather is None else list(weather)
    celsius_of = [celsius] * len(days) if isinstance(celsius, float) else list(celsius)
    known = {
        "session_id": [f"meter-{vehicle}-{at.timestamp():.0f}" for at in ended],
        "vehicle_id": [vehicle] * len(days),
        "meter_id": [vehicle] * len(days),
        "ended_at": ended,
        "ac_kwh": [10.0 * (1 + loss) for loss in losses],
        "dc_kwh": [10.0] * len(days),
        "ac_resolution_kwh": [0.001] * len(days),
        "dc_resolution_kwh": [0.001] * len(days),
        "day": days,
        "loss_ratio": [float(loss) for loss in losses],
        "hours_per_kwh": [hours] * len(days),
        "battery_celsius": celsius_of,
        "temperature_source": ["own"] * len(days),
        "weather_celsius": weather_of,
        "variance": [variance] * len(days),
    }
    frame = pl.DataFrame(known)
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in SAMPLE.items() if name not in known]
    return frame.with_columns(missing).select(SAMPLE.names()).cast(SAMPLE)


def noisy(seed: int, count: int, *, level: float = 0.125, sigma: float = 0.008) -> Floats:
    """Losses around a level."""
    drawn: Floats = level + sigma * np.random.default_rng(seed).standard_normal(count)
    return drawn
