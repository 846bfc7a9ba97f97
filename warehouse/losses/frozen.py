"""Baselines as columns of a table, and back: what a finding keeps of before its onset."""

import numpy as np
import polars as pl

from warehouse.losses.baseline import Baseline
from warehouse.losses.panel import COEFFICIENTS, Floats, Ints
from warehouse.losses.settings import SETTINGS, LossSettings


def freeze(baseline: Baseline, sigma2: Floats, pairs: Ints) -> dict[str, pl.Series]:
    """The columns of ``FROZEN`` of some pairs; ``pairs``: their places, ``sigma2``: as ``Reference`` has it."""
    covariance = baseline.covariance[pairs].reshape(len(pairs), COEFFICIENTS**2)
    return {
        "coefficients": _lists(baseline.coefficients[pairs]),
        "covariance": _lists(covariance),
        "spread": pl.Series(baseline.spread[pairs]),
        "mean_x": _lists(baseline.mean_x[pairs]),
        "older_count": pl.Series(baseline.sessions[pairs]),
        "sigma_ratio": pl.Series(np.sqrt(sigma2[pairs])),
    }


def thaw(frozen: pl.DataFrame) -> Baseline:
    """The baselines of rows that have the columns of ``FROZEN``."""

    def matrix(name: str, *shape: int) -> Floats:
        return np.array(frozen[name].to_list(), dtype=np.float64).reshape(-1, *shape)

    return Baseline(
        matrix("coefficients", COEFFICIENTS),
        matrix("covariance", COEFFICIENTS, COEFFICIENTS),
        frozen["spread"].to_numpy(),
        matrix("mean_x", COEFFICIENTS),
        frozen["older_count"].cast(pl.Float64).to_numpy(),
    )


def with_heaters(findings: pl.DataFrame, settings: LossSettings = SETTINGS) -> pl.DataFrame:
    """Findings with the columns of ``FROZEN``; those of a release that did not know of heaters get what was known of
    them: the prior of a pair."""
    before = COEFFICIENTS - 1
    none, prior2 = pl.lit(0.0), pl.lit(settings.pair_deviation[-1] ** 2)
    rows = [part for row in range(before) for part in (pl.col("covariance").list.slice(row * before, before), none)]
    wider: dict[str, list[pl.Expr]] = {
        "coefficients": [pl.col("coefficients"), pl.lit(settings.fleet_start[-1])],
        "covariance": [*rows, *[none] * before, prior2],
        "mean_x": [pl.col("mean_x"), none],
    }
    is_old = pl.col("coefficients").list.len() == before
    return findings.with_columns(
        pl.when(is_old).then(pl.concat_list(parts)).otherwise(name).alias(name) for name, parts in wider.items()
    )


def _lists(rows: Floats) -> pl.Series:
    """A list for each row of a matrix."""
    width = rows.shape[1]
    return pl.Series(rows.reshape(-1), dtype=pl.Float64).reshape((-1, width)).cast(pl.List(pl.Float64))
