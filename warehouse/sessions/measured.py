"""What devices measured within a time: readings are counted, and sums taken, by position, without a pass over them."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Positions = npt.NDArray[np.int64]
Figures = npt.NDArray[np.float64]

_EPOCH_US = 946_684_800_000_000
_RANGE_US = 2**51
"""Microseconds from 2000 to 2071: one key holds an instant beside the place of one of 4,096 devices."""


class Measured:
    """The rows of at most 4,096 devices, sorted by (device_id, us), and where an instant lies among them."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows
        device = rows["device_id"].to_numpy()
        self.us = rows["us"].to_numpy()
        begins = np.flatnonzero(np.r_[True, device[1:] != device[:-1]]) if len(device) else np.empty(0, np.int64)
        self.device_ids = device[begins]
        self.firsts = begins
        self.ends = np.r_[begins[1:], len(device)] if len(device) else begins
        runs = np.repeat(np.arange(len(begins), dtype=np.int64), self.ends - begins)
        self._keys = self._key(runs, self.us)

    def has(self, device_ids: Any) -> npt.NDArray[np.bool_]:
        """Which of these devices have rows here."""
        return np.isin(np.asarray(device_ids), self.device_ids)

    def run(self, device_ids: Any) -> Positions:
        """The place of each device among those here."""
        return np.searchsorted(self.device_ids, np.asarray(device_ids))

    def count_before(self, device_ids: Any, us: Any) -> Positions:
        """The position of the first row of the device at ``us`` or later."""
        return self._search(device_ids, us, "left")

    def count_until(self, device_ids: Any, us: Any) -> Positions:
        """The position behind the last row of the device at ``us`` or earlier."""
        return self._search(device_ids, us, "right")

    def sums(self, column: str, first: Positions, behind: Positions) -> tuple[Figures, Positions]:
        """Sum and count of what is not null in a column from each position up to another, to a thousandth."""
        total, count = self._running[column]
        return (total[behind] - total[first]) / 1000, count[behind] - count[first]

    def last_known(self, column: str, device_ids: Any, behind: Positions) -> Figures:
        """The device's last value of a column before each position; else its next one; NaN: there is none."""
        values = self.rows[column].to_numpy()
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            return np.full(len(behind), np.nan)
        runs = self.run(device_ids)
        place = np.searchsorted(known, behind, "left")
        before, after = known[np.maximum(place - 1, 0)], known[np.minimum(place, len(known) - 1)]
        is_before = (place > 0) & (before >= self.firsts[runs])
        is_after = (place < len(known)) & (after < self.ends[runs])
        return np.where(is_before, values[before], np.where(is_after, values[after], np.nan)).astype(np.float64)

    @cached_property
    def _running(self) -> "_Running":
        return _Running(self.rows)

    def _search(self, device_ids: Any, us: Any, side: Any) -> Positions:
        return np.searchsorted(self._keys, self._key(self.run(device_ids), np.asarray(us)), side)

    def _key(self, runs: Positions, us: Positions) -> Positions:
        return runs * _RANGE_US + np.clip(us - _EPOCH_US, 0, _RANGE_US - 1)


class _Running(dict[str, tuple[Positions, Positions]]):
    """Running sums by column, made when asked for: of thousandths, so that the order of rows changes nothing."""

    def __init__(self, rows: pl.DataFrame) -> None:
        super().__init__()
        self._rows = rows

    def __missing__(self, column: str) -> tuple[Positions, Positions]:
        values = self._rows[column].to_numpy()
        is_known = ~np.isnan(values)
        thousandths = np.where(is_known, np.round(np.nan_to_num(values).astype(np.float64) * 1000), 0).astype(np.int64)
        self[column] = _from_zero(thousandths), _from_zero(is_known)
        return self[column]


def _from_zero(values: npt.NDArray[Any]) -> Positions:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])


def mean_columns(figures: Iterable[tuple[str, Figures]]) -> list[pl.Series]:
    """Numbers as columns: not a number is null."""
    return [pl.Series(name, values, dtype=pl.Float64, nan_to_null=True) for name, values in figures]
