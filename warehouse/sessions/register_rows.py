"""Registers as they would have grown without faults: what sessions are looked for in."""

from typing import NamedTuple

import polars as pl

from warehouse.contract.energy import EnergyKind, Flag
from warehouse.contract.tables import DeviceKind
from warehouse.sessions.schemas import MEASURED


class Devices(NamedTuple):
    """Some devices of one kind: their readings of the day, and what was known of them before. Sorted by device."""

    kind: DeviceKind
    samples: pl.DataFrame
    """device_id, us, kwh and what is measured besides; sorted by (device_id, us)."""
    boundary: pl.DataFrame
    """device_id, us, kwh: the last reading before the day, of devices that report on it."""
    settings: pl.DataFrame
    """device_id, energy_kind, resolution_kwh, expected_interval_s."""
    flagged: pl.DataFrame
    """device_id, us, before_kwh, kwh, energy_kwh, flag: the steps of the day that the energy rule flagged."""
    carried: pl.DataFrame
    """The rows of ``open_islands`` of the day before."""


def register_rows(devices: Devices) -> pl.DataFrame:
    """What each register showed, what was carried first: device_id, us, register_kwh, is_done and what is measured.

    ``register_kwh`` grows by what the energy rule books: corrupt readings are left out, a replaced register goes on.
    The first row of a device is where its first step begins; ``is_done`` are rows whose growth is in a session already.
    """
    carried = _carried_rows(devices)
    last = carried.group_by("device_id", maintain_order=True).last().select("device_id", last_kwh="register_kwh")
    of_day = _rows_of_the_day(devices, last)
    before = pl.concat([carried, _first_rows(devices, last, of_day)]).sort("device_id", "us", maintain_order=True)
    return before.lazy().merge_sorted(of_day.lazy(), key=["device_id", "us"]).collect()


def _columns(kind: DeviceKind) -> list[str]:
    return ["device_id", "us", "register_kwh", "is_done", *MEASURED[kind]]


def _carried_rows(devices: Devices) -> pl.DataFrame:
    lists = ["ts", "register_kwh", "is_done", *MEASURED[devices.kind]]
    rows = devices.carried.select("device_id", *lists).explode(lists)
    return rows.with_columns(us=pl.col("ts").dt.timestamp("us")).select(_columns(devices.kind))


def _first_rows(devices: Devices, carried: pl.DataFrame, of_day: pl.DataFrame) -> pl.DataFrame:
    """Where the first step begins of devices of which nothing was carried: the last reading before the day.

    What an interval device reports is a step of its own, also the first time: its register begins at 0 before it.
    """
    is_interval = pl.col("energy_kind") == EnergyKind.INTERVAL
    settings = devices.settings.select("device_id", "expected_interval_s", is_interval=is_interval)
    known = devices.boundary.select("device_id", "us", "kwh").join(settings, on="device_id", how="inner")
    begun = known.select("device_id", "us", pl.when("is_interval").then(0.0).otherwise("kwh").alias("register_kwh"))
    unknown = (
        of_day.join(settings.filter("is_interval"), on="device_id", how="inner")
        .join(begun, on="device_id", how="anti")
        .group_by("device_id")
        .agg(us=pl.col("us").min() - pl.col("expected_interval_s").first().cast(pl.Int64) * 1_000_000)
        .with_columns(register_kwh=pl.lit(0.0))
    )
    rows = pl.concat([begun, unknown]).join(carried, on="device_id", how="anti")
    nothing = {name: pl.lit(None, of_day.schema[name]) for name in MEASURED[devices.kind]}
    return rows.with_columns(is_done=pl.lit(value=False), **nothing).select(_columns(devices.kind))


def _rows_of_the_day(devices: Devices, carried: pl.DataFrame) -> pl.DataFrame:
    rows = devices.samples
    is_glitch = pl.col("flag") == Flag.GLITCH
    if not (glitches := devices.flagged.filter(is_glitch)).is_empty():
        rows = rows.join(glitches, on=["device_id", "us"], how="anti", maintain_order="left")
    intervals = devices.settings.filter(pl.col("energy_kind") == EnergyKind.INTERVAL)["device_id"]
    is_interval = pl.col("device_id").is_in(intervals.implode())
    rows = rows.with_columns(register_kwh=pl.col("kwh"), is_done=pl.lit(value=False))
    if not intervals.is_empty():
        summed = pl.col("kwh").cum_sum().over("device_id")
        rows = rows.with_columns(register_kwh=pl.when(is_interval).then(summed).otherwise("kwh"))
    went_on = (
        carried.join(devices.boundary, on="device_id", how="inner")
        .select("device_id", goes_on=pl.col("last_kwh") - pl.when(is_interval).then(0.0).otherwise("kwh"))
        .filter(pl.col("goes_on") != 0)
    )
    if not went_on.is_empty():
        rows = rows.join(went_on, on="device_id", how="left", maintain_order="left")
        rows = rows.with_columns(pl.col("register_kwh") + pl.col("goes_on").fill_null(0.0))
    booked_otherwise = devices.flagged.filter(~is_glitch, pl.col("flag") != Flag.GAP, ~is_interval).select(
        "device_id", "us", differs=pl.col("energy_kwh") - (pl.col("kwh") - pl.col("before_kwh"))
    )
    if not booked_otherwise.is_empty():
        rows = rows.join(booked_otherwise, on=["device_id", "us"], how="left", maintain_order="left")
        differs = pl.col("differs").fill_null(0.0).cum_sum().over("device_id")
        rows = rows.with_columns(pl.col("register_kwh") + differs)
    return rows.select(_columns(devices.kind))
