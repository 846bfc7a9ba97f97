"""A sample as arrays, grouped by pair: a sum over the sessions of each pair is one call for all pairs."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.losses.sample import PAIR, regressors
from warehouse.losses.settings import SETTINGS, LossSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

COEFFICIENTS = 5
"""a, P, H1, H2 and B."""


class Panel(NamedTuple):
    """Sessions of pairs: ``sessions`` of them of ``len(first)`` pairs. Arrays of sessions, but for what is said."""

    pairs: pl.DataFrame
    """One row a pair: vehicle_id, meter_id, in order."""
    first: Ints
    """One element a pair: the place of its first session."""
    length: Ints
    """One element a pair: how many it has."""
    pair: Ints
    """Whose session it is."""
    back: Ints
    """How many later sessions the pair has: 0 for its newest."""
    y: Floats
    """The loss ratio."""
    x: Floats
    """What a, P, H1, H2 and B are multiplied with: a row a coefficient."""
    variance: Floats
    """Of the loss ratio, by measurement."""
    dc_kwh: Floats
    ended_us: Ints
    """Microseconds since 1970."""

    @staticmethod
    def of(rows: pl.DataFrame, settings: LossSettings = SETTINGS) -> "Panel":
        """Of a sample, which is ordered by pair and time."""
        pairs = rows.group_by(PAIR, maintain_order=True).agg(length=pl.len())
        length = pairs["length"].to_numpy().astype(np.int64)
        first = np.cumsum(length) - length
        pair = np.repeat(np.arange(len(length)), length)
        return Panel(
            pairs.select(PAIR),
            first,
            length,
            pair,
            (first + length - 1)[pair] - np.arange(len(pair)),
            rows["loss_ratio"].to_numpy(),
            np.ascontiguousarray(regressors(rows, settings).T),
            rows["variance"].to_numpy(),
            rows["dc_kwh"].to_numpy(),
            rows["ended_at"].dt.timestamp("us").to_numpy(),
        )

    @property
    def sessions(self) -> int:
        """How many sessions."""
        return len(self.pair)

    def sums(self, values: Floats) -> Floats:
        """Sums over the sessions of each pair; along the last axis, which is that of sessions."""
        if not self.sessions:
            return np.zeros((*values.shape[:-1], 0))
        total: Floats = np.add.reduceat(values, self.first, axis=-1)
        return total

    def expected(self, coefficients: Floats) -> Floats:
        """The loss ratio of each session by coefficients of its pair: an array of pairs by coefficients."""
        expected = np.zeros(self.sessions)
        for place in range(COEFFICIENTS):
            expected += coefficients[self.pair, place] * self.x[place]
        return expected

    def some(self, is_in: Bools) -> "Panel":
        """Only these sessions; pairs without one are left out."""
        pair = self.pair[is_in]
        kept, length = np.unique(pair, return_counts=True)
        first = np.cumsum(length) - length
        pair = np.repeat(np.arange(len(length)), length)
        return Panel(
            self.pairs[kept.tolist()],
            first,
            length,
            pair,
            (first + length - 1)[pair] - np.arange(len(pair)),
            self.y[is_in],
            np.ascontiguousarray(self.x[:, is_in]),
            self.variance[is_in],
            self.dc_kwh[is_in],
            self.ended_us[is_in],
        )
