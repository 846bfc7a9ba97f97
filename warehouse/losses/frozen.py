"""Baselines as columns of a table, and back: what a finding keeps of before its onset."""

import numpy as np
import polars as pl

from warehouse.losses.baseline import Baseline
from warehouse.losses.panel import COEFFICIENTS, Floats, Ints


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


def _lists(rows: Floats) -> pl.Series:
    """A list for each row of a matrix."""
    width = rows.shape[1]
    return pl.Series(rows.reshape(-1), dtype=pl.Float64).reshape((-1, width)).cast(pl.List(pl.Float64))
