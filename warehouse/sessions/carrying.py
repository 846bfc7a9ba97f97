"""What a later day has to know of this one: the readings of islands that have not ended, and of their partners."""

import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.sessions.day_part import energy_flags
from warehouse.sessions.growth_steps import growth_steps, step_settings
from warehouse.sessions.measured import Measured
from warehouse.sessions.register_rows import Devices, register_rows
from warehouse.sessions.schemas import MEASURED, OPEN_ISLANDS
from warehouse.sessions.session_table import instant
from warehouse.sessions.settings import SessionSettings


def kept_from(unfinished: pl.DataFrame, settings: SessionSettings) -> pl.DataFrame:
    """From when on the readings of each device are needed later: kind, device_id, keep_us.

    ``unfinished``: kind, device_id, base_us, meter_id, vehicle_id of islands and ticks that are not settled; lag_us,
    what is added to a vehicle's times to have those of its meter.
    """
    keep_us = pl.col("base_us") - settings.voltage_before_s * 1_000_000
    lag_us = {DeviceKind.METER: pl.col("lag_us"), DeviceKind.VEHICLE: pl.lit(0)}
    sides = [
        unfinished.select(kind=pl.lit(kind.value), device_id=kind.device_id, keep_us=keep_us + lag_us[kind])
        for kind in DeviceKind
    ]
    own = unfinished.select("kind", "device_id", keep_us=keep_us)
    return pl.concat([own, *sides]).drop_nulls().group_by("kind", "device_id").agg(pl.col("keep_us").min())


def open_islands(
    devices: Devices, keep: pl.DataFrame, found: pl.DataFrame, told: pl.DataFrame, settings: SessionSettings
) -> pl.DataFrame:
    """The rows of ``open_islands`` of some devices of one kind.

    ``keep``: device_id, keep_us. ``found``: the islands of this kind, with is_settled and is_open (not settled, and not
    too small). ``told``: device_id, until_us (as far as it is told), out_kwh (energy that is not told yet).
    """
    kind, rows = devices.kind, register_rows(devices)
    measured = Measured(rows)
    steps = growth_steps(rows, step_settings(devices.settings, settings), devices.carried, settings)
    ids = keep["device_id"].to_numpy()
    first = measured.count_until(ids, keep["keep_us"].to_numpy()) - 1
    first = first.clip(measured.firsts[measured.run(ids)])
    begin = keep.select("device_id", begin_us=pl.Series(measured.us[first]))
    done = found.filter("is_settled").select("device_id", "base_us", "end_us")
    lists = ["register_kwh", "is_done", *MEASURED[kind]]
    readings = (
        _with_done(
            rows.join(begin, on="device_id", how="inner", maintain_order="left").filter(
                pl.col("us") >= pl.col("begin_us")
            ),
            done,
        )
        .with_columns(ts=instant(pl.col("us")))
        .group_by("device_id", maintain_order=True)
        .agg("ts", *lists)
    )
    changed = (
        steps.join(begin, on="device_id")
        .filter(pl.col("us") <= pl.col("begin_us"))
        .group_by("device_id")
        .agg(change_us=pl.col("us").max())
    )
    flagged = (
        energy_flags(devices)
        .join(begin, on="device_id")
        .filter(pl.col("us") > pl.col("begin_us"))
        .sort("device_id", "us", "flag")
        .group_by("device_id")
        .agg(flagged_ts=instant(pl.col("us")), flag=pl.col("flag"))
    )
    unfinished = (
        found.filter("is_open")
        .group_by("device_id")
        .agg(
            island_count=pl.len().cast(pl.Int32),
            started_at=instant(pl.col("start_us").min()),
            ended_at=instant(pl.col("end_us").max()),
            cut_at=instant(pl.col("first_us").filter("goes_on").last()),
        )
    )
    known_before = devices.carried.select("device_id", known_before="changed_before")
    missing = {
        name: pl.lit(None, OPEN_ISLANDS[name]) for other in DeviceKind if other is not kind for name in MEASURED[other]
    }
    frame = readings
    for each in (changed, flagged, unfinished, known_before, told):
        frame = frame.join(each, on="device_id", how="left", maintain_order="left")
    return (
        frame.select(
            pl.lit(kind.value).alias("kind"),
            "device_id",
            pl.col("island_count").fill_null(0),
            "started_at",
            "ended_at",
            pl.col("out_kwh").alias("energy_kwh"),
            instant(pl.col("until_us")).alias("booked_until"),
            pl.coalesce(instant(pl.col("change_us")), "known_before").alias("changed_before"),
            "cut_at",
            "ts",
            *lists,
            "flagged_ts",
            "flag",
            **missing,
        )
        .select(OPEN_ISLANDS.names())
        .cast(OPEN_ISLANDS)
    )


def _with_done(rows: pl.DataFrame, done: pl.DataFrame) -> pl.DataFrame:
    """Mark the readings of islands that are in a session."""
    if done.is_empty():
        return rows
    inside = (
        rows.select("device_id", "us")
        .join(done, on="device_id")
        .filter(pl.col("us") > pl.col("base_us"), pl.col("us") <= pl.col("end_us"))
        .select("device_id", "us", is_told=pl.lit(value=True))
    )
    return rows.join(inside, on=["device_id", "us"], how="left", maintain_order="left").with_columns(
        is_done=pl.col("is_done") | pl.col("is_told").fill_null(value=False)
    )
