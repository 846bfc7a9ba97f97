"""Losses put into healthy sessions: whose, since when and how large is known.

A loss of p points takes that share of the AC energy. The battery gets what it needs all the same, so the charge takes
longer: with the efficiency eta of the healthy session, ``E_ac' = E_dc / (eta - p)``, and the hours grow alike. That is
what the simulator itself does with a fault of a charger or a vehicle.
"""

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import polars as pl

from tests.benchmarks.findings.seasons import Season

MONTH_DAYS = 30.0
MOST_POINTS = 12.0
"""Where a drift ends."""


class Kind(StrEnum):
    """How a loss grows."""

    STEP = "step"
    DRIFT = "drift"


class Injected(NamedTuple):
    """One known loss."""

    vehicle_id: int
    kind: Kind
    points: float
    """Of a step; of a drift: a month."""
    since: datetime

    @property
    def name(self) -> str:
        """Its size in words."""
        return f"{self.points:g} points" + (" a month" if self.kind is Kind.DRIFT else "")


SIZES = [(Kind.STEP, each) for each in (3.0, 5.0, 8.0)] + [(Kind.DRIFT, each) for each in (1.0, 2.0, 3.0)]


def drawn(
    vehicle_ids: list[int], season: Season, seed: int, share: float, since_days: tuple[int, int]
) -> list[Injected]:
    """A loss for this share of the vehicles, sizes in turn, that begins within these days of the season."""
    draws = np.random.default_rng([seed, 2])
    chosen = draws.permutation(sorted(vehicle_ids))[: round(share * len(vehicle_ids))]
    start = datetime.combine(season.first, time(), UTC)
    found = []
    for place, vehicle_id in enumerate(chosen.tolist()):
        kind, size = SIZES[place % len(SIZES)]
        since = start + timedelta(days=float(draws.uniform(*since_days)))
        found.append(Injected(vehicle_id, kind, size, since))
    return found


def with_losses(sessions: pl.DataFrame, losses: list[Injected]) -> pl.DataFrame:
    """The sessions with these losses, and ``true_excess_kwh``: AC energy of each that a loss took."""
    known = pl.DataFrame(
        [(each.vehicle_id, each.kind.value, each.points, each.since) for each in losses],
        {"vehicle_id": pl.Int32, "loss": pl.String, "size": pl.Float64, "since": pl.Datetime("us", "UTC")},
        orient="row",
    )
    months = (pl.col("ended_at") - pl.col("since")).dt.total_seconds() / 86_400 / MONTH_DAYS
    grown = (
        pl.when(pl.col("loss") == Kind.STEP.value)
        .then("size")
        .otherwise(pl.min_horizontal(pl.col("size") * months, pl.lit(MOST_POINTS)))
    )
    is_on = (pl.col("started_at") >= pl.col("since")).fill_null(value=False) & (pl.col("kind") == "charge")
    step = pl.col("ac_resolution_kwh")
    return (
        sessions.join(known, on="vehicle_id", how="left", maintain_order="left")
        .with_columns(taken=pl.when(is_on).then(grown / 100).otherwise(0.0))
        .with_columns(
            longer=pl.when(pl.col("taken") > 0)
            .then(1 / (1 - pl.col("taken") / pl.col("efficiency_ratio")))
            .otherwise(1.0)
        )
        .with_columns(true_excess_kwh=pl.col("ac_kwh").fill_null(0.0) * (pl.col("longer") - 1))
        .with_columns(
            ac_kwh=pl.when(pl.col("taken") > 0)
            .then((pl.col("ac_kwh") * pl.col("longer") / step).round() * step)
            .otherwise("ac_kwh"),
            ac_hours=pl.col("ac_hours") * pl.col("longer"),
            efficiency_ratio=pl.col("efficiency_ratio") / pl.col("longer"),
        )
        .drop("loss", "size", "since", "taken", "longer")
    )
