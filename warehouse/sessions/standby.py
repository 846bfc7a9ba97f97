"""What devices drew between sessions, and where the rest of a register's growth went."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from warehouse.contract.energy import GAP_INTERVALS
from warehouse.sessions.measured import Figures, Measured, Positions
from warehouse.sessions.settings import HOUR_US, SessionSettings

Number = TypeVar("Number", np.int64, np.float64)


def idle_figures(
    found: pl.DataFrame, regions: pl.DataFrame, measured: Measured, settings: SessionSettings
) -> pl.DataFrame:
    """By device: until_us, idle_us, idle_span_count, idle_kwh, between_kwh, island_kwh, open_kwh (what is not told).

    ``regions``: device_id, from_us, until_us, interval_us: of each device the time that is told now; its growth from
    one row to the other is the sum of the three energies. ``found``: the device's islands, which may lie outside.
    An island is guarded on both sides; what grew there, in small islands and where readings are missing is energy
    between.
    """
    register = measured.rows["register_kwh"].to_numpy()
    ids = regions["device_id"].to_numpy()
    first = measured.count_until(ids, regions["from_us"].to_numpy()) - 1
    last = measured.count_until(ids, regions["until_us"].to_numpy()) - 1
    told = regions.with_columns(pl.Series("from_row", first), pl.Series("until_row", last))
    windows = _windows(found, told, measured, settings)
    at, to = windows["at_row"].to_numpy(), windows["to_row"].to_numpy()
    covered = _Covered(measured, regions)
    idle = windows.with_columns(window_us=pl.Series(covered.us(at, to)), window_kwh=pl.Series(covered.kwh(at, to)))
    by_device = idle.group_by("device_id").agg(
        pl.col("window_us", "window_kwh").sum(), idle_span_count=pl.col("is_apart").sum()
    )
    ends = windows.group_by("device_id").agg(windows_end=pl.col("to_row").max())
    of_islands = (
        found.join(told.select("device_id", "from_us"), on="device_id")
        .filter("is_closed", "counts", pl.col("end_us") > pl.col("from_us"))
        .group_by("device_id")
        .agg(island_kwh=pl.col("kwh").sum())
    )
    totals = (
        pl.Series("total_kwh", register[last] - register[first]),
        pl.Series("covered_kwh", covered.kwh(first, last)),
        pl.Series("open_kwh", register[measured.ends[measured.run(ids)] - 1] - register[last]),
        pl.Series("total_us", covered.us(first, last)),
    )
    island_kwh = pl.col("island_kwh").fill_null(0.0)
    idle_kwh = pl.col("covered_kwh") - pl.col("window_kwh").fill_null(0.0)
    is_idle_last = pl.col("windows_end").fill_null(-1) < pl.col("until_row")
    return (
        told.with_columns(totals)
        .join(by_device, on="device_id", how="left", maintain_order="left")
        .join(ends, on="device_id", how="left", maintain_order="left")
        .join(of_islands, on="device_id", how="left", maintain_order="left")
        .select(
            "device_id",
            "until_us",
            idle_us=pl.col("total_us") - pl.col("window_us").fill_null(0),
            idle_span_count=pl.col("idle_span_count").fill_null(0).cast(pl.Int32) + is_idle_last.cast(pl.Int32),
            idle_kwh=idle_kwh,
            between_kwh=pl.col("total_kwh") - idle_kwh - island_kwh,
            island_kwh=island_kwh,
            open_kwh="open_kwh",
        )
    )


def _windows(found: pl.DataFrame, told: pl.DataFrame, measured: Measured, settings: SessionSettings) -> pl.DataFrame:
    """The guarded islands as rows of the registers: device_id, at_row, to_row, is_apart (idle before it).

    They are cut to what is told, and do not overlap.
    """
    guard_us = settings.guard_s * 1_000_000
    near = found.join(told.select("device_id", "from_row", "until_row"), on="device_id", maintain_order="left")
    ids = near["device_id"].to_numpy()
    begin = measured.count_until(ids, near["start_us"].to_numpy() - guard_us) - 1
    base = measured.count_until(ids, near["base_us"].to_numpy()) - 1
    behind = measured.count_before(ids, near["end_us"].to_numpy() + guard_us)
    at, to = pl.min_horizontal("begin", "base"), pl.min_horizontal("behind", "until_row")
    before = pl.col("to_row").cum_max().shift(1).over("device_id")
    return (
        near.with_columns(pl.Series("begin", begin), pl.Series("base", base), pl.Series("behind", behind))
        .with_columns(
            at_row=pl.max_horizontal(at, "from_row"),
            # Where the next reading behind the guard is another device's, all rows are within it.
            to_row=pl.max_horizontal(to, "from_row"),
        )
        .with_columns(at_row=pl.min_horizontal("at_row", "until_row"))
        .with_columns(before=before)
        .with_columns(at_row=pl.max_horizontal("at_row", "before"))
        .with_columns(is_apart=pl.col("at_row") > pl.coalesce("before", "from_row"))
        .filter(pl.col("to_row") > pl.col("at_row"))
        .select("device_id", "at_row", "to_row", "is_apart")
    )


class _Covered:
    """Time and growth between rows of a device, steps without readings left out."""

    def __init__(self, measured: Measured, regions: pl.DataFrame) -> None:
        self._us = measured.us
        self._kwh = measured.rows["register_kwh"].to_numpy()
        interval = np.zeros(len(measured.device_ids), np.int64)
        interval[measured.run(regions["device_id"].to_numpy())] = regions["interval_us"].to_numpy()
        longest_us = np.repeat(GAP_INTERVALS * interval, measured.ends - measured.firsts)
        is_long = np.diff(self._us) > longest_us[1:]
        is_long[measured.firsts[1:] - 1] = False
        self._gaps = np.flatnonzero(is_long) + 1
        self._gap_us = _from_zero(self._us[self._gaps] - self._us[self._gaps - 1])
        self._gap_kwh = _from_zero(self._kwh[self._gaps] - self._kwh[self._gaps - 1])

    def us(self, first: Positions, last: Positions) -> Positions:
        """Microseconds from one row to another."""
        lasted: Positions = self._us[last] - self._us[first] - self._left_out(self._gap_us, first, last)
        return lasted

    def kwh(self, first: Positions, last: Positions) -> Figures:
        """Growth from one row to another, kWh."""
        grew: Figures = self._kwh[last] - self._kwh[first] - self._left_out(self._gap_kwh, first, last)
        return grew

    def _left_out(self, running: npt.NDArray[Number], first: Positions, last: Positions) -> npt.NDArray[Number]:
        behind, until = (np.searchsorted(self._gaps, rows, "right") for rows in (first, last))
        difference: npt.NDArray[Number] = running[until] - running[behind]
        return difference


def _from_zero(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    running: npt.NDArray[Number] = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])
    return running


def standby_columns() -> list[pl.Expr]:
    """Idle hours and watts, of idle_us and idle_kwh."""
    hours = pl.col("idle_us") / HOUR_US
    return [
        hours.alias("idle_hours"),
        pl.when(pl.col("idle_us") > 0).then(pl.col("idle_kwh") * 1000 / hours).alias("idle_watts"),
    ]
