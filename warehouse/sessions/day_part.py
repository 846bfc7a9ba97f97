"""Some devices of a day: their registers, islands, idle time, and how far all of it is known."""

from dataclasses import dataclass

import polars as pl

from warehouse.sessions.growth_steps import LONG_AGO, growth_steps, step_settings
from warehouse.sessions.island_readings import with_readings
from warehouse.sessions.islands import islands
from warehouse.sessions.measured import Measured
from warehouse.sessions.register_rows import Devices, register_rows
from warehouse.sessions.segments import with_mapping, with_segment
from warehouse.sessions.settings import SessionSettings
from warehouse.sessions.standby import idle_figures


@dataclass(frozen=True)
class DayPart:
    """What is found of some devices of one kind. Frames are sorted by device and time."""

    measured: Measured
    islands: pl.DataFrame
    """With the mapping of each, whether it is closed (no later reading can lengthen it), and what was read in it."""
    pending: pl.DataFrame
    """Last changes that may turn out to open an island: device_id, base_us, mapping_id, meter_id, vehicle_id."""
    states: pl.DataFrame
    """By device: from_us, until_us (the time that is told on this day), last_us, clear_us (no later island begins
    before it), interval_us."""
    idle: pl.DataFrame


def find_islands(devices: Devices, mappings: pl.DataFrame, day_end_us: int, settings: SessionSettings) -> DayPart:
    """Look through some devices. ``mappings``: as ``mapping_times`` gives them."""
    rows = register_rows(devices)
    of_devices = step_settings(devices.settings, settings)
    steps = with_segment(growth_steps(rows, of_devices, devices.carried, settings), mappings, devices.kind)
    continued = devices.carried.select("device_id", continued_us=pl.col("cut_at").dt.timestamp("us")).drop_nulls()
    measured = Measured(rows)
    known = _known(measured, steps, of_devices, devices.carried)
    expired_us = day_end_us - settings.longest_us
    found = _closed(islands(steps, continued, settings), known, expired_us, settings)
    pending = _pending(steps, known, expired_us)
    found = with_readings(with_mapping(found, mappings, devices.kind), measured, devices.kind)
    found = _with_flags(found, energy_flags(devices))
    states = _states(known, found, pending)
    return DayPart(
        measured,
        found,
        with_mapping(pending, mappings, devices.kind),
        states,
        idle_figures(found, states, measured, settings),
    )


def _known(measured: Measured, steps: pl.DataFrame, of_devices: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """How far each device is known: first_us, last_us, changed_us."""
    changes = steps.group_by("device_id").agg(change_us=pl.col("us").last())
    before = carried.select(
        "device_id", *(pl.col(name).dt.timestamp("us") for name in ("changed_before", "booked_until"))
    )
    return (
        pl.DataFrame(
            {
                "device_id": measured.device_ids,
                "first_us": measured.us[measured.firsts],
                "last_us": measured.us[measured.ends - 1],
            },
            schema={"device_id": pl.Int32, "first_us": pl.Int64, "last_us": pl.Int64},
        )
        .join(of_devices, on="device_id", how="left", maintain_order="left")
        .join(changes, on="device_id", how="left", maintain_order="left")
        .join(before, on="device_id", how="left", maintain_order="left")
        .with_columns(
            changed_us=pl.coalesce("change_us", "changed_before").fill_null(LONG_AGO),
            from_us=pl.coalesce("booked_until", "first_us"),
        )
    )


def _closed(found: pl.DataFrame, known: pl.DataFrame, expired_us: int, settings: SessionSettings) -> pl.DataFrame:
    is_last = pl.col("device_id") != pl.col("device_id").shift(-1, fill_value=-1)
    was_quiet = pl.col("last_us") - pl.col("hidden_us") > pl.col("end_us") + pl.col("quiet_us")
    return (
        found.join(known.select("device_id", "last_us"), on="device_id", how="left", maintain_order="left")
        .with_columns(is_closed=~is_last | was_quiet | (pl.col("last_us") <= expired_us))
        .with_columns(counts=pl.col("kwh") >= settings.least_kwh - 1e-9)
    )


def _pending(steps: pl.DataFrame, known: pl.DataFrame, expired_us: int) -> pl.DataFrame:
    """Ticks that may open an island: device_id, end_us, base_us, earliest_us."""
    is_last = pl.col("device_id") != pl.col("device_id").shift(-1, fill_value=-1)
    last = steps.filter(is_last, ~pl.col("is_active"), ~pl.col("is_done"), ~pl.col("is_long"), pl.col("kwh") > 0)
    return (
        last.join(known.select("device_id", "last_us"), on="device_id", maintain_order="left")
        .filter(pl.col("last_us") - pl.col("hidden_us") <= pl.col("us"), pl.col("last_us") > expired_us)
        .select("device_id", end_us="us", base_us="rest_us", earliest_us="before_us")
    )


def _states(known: pl.DataFrame, found: pl.DataFrame, pending: pl.DataFrame) -> pl.DataFrame:
    unfinished = found.filter(~pl.col("is_closed")).select("device_id", open_us="base_us")
    ticks = pending.select("device_id", tick_us="base_us", tick_earliest_us="earliest_us")
    return (
        known.join(unfinished, on="device_id", how="left", maintain_order="left")
        .join(ticks, on="device_id", how="left", maintain_order="left")
        .select(
            "device_id",
            "interval_us",
            "last_us",
            "from_us",
            until_us=pl.min_horizontal("open_us", "tick_us", "last_us"),
            clear_us=pl.coalesce(
                "tick_earliest_us", pl.max_horizontal("changed_us", pl.col("last_us") - pl.col("hidden_us"))
            ),
        )
    )


def energy_flags(devices: Devices) -> pl.DataFrame:
    """What the energy rule flagged of the devices' rows: device_id, us, flag."""
    carried = devices.carried.select("device_id", "flagged_ts", "flag").explode("flagged_ts", "flag").drop_nulls()
    return pl.concat(
        [
            devices.flagged.select("device_id", "us", "flag"),
            carried.select("device_id", us=pl.col("flagged_ts").dt.timestamp("us"), flag="flag"),
        ]
    )


def _with_flags(found: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    """Add flags: what the energy rule flagged from the reading that an island counts from to its end."""
    rows = found.with_row_index("row")
    inside = (
        rows.select("row", "device_id", "base_us", "end_us")
        .join(flags, on="device_id")
        .filter(pl.col("us") > pl.col("base_us"), pl.col("us") <= pl.col("end_us"))
        .group_by("row")
        .agg(flags=pl.col("flag").unique().sort())
    )
    return rows.join(inside, on="row", how="left", maintain_order="left").drop("row")
