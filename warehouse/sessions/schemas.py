"""The columns of what sessions are made from, and of what comes out."""

import polars as pl

from warehouse.contract.tables import DeviceKind

INSTANT = pl.Datetime("us", "UTC")

MEASURED: dict[DeviceKind, tuple[str, ...]] = {
    DeviceKind.METER: ("voltage_volts",),
    DeviceKind.VEHICLE: ("soc_percent", "battery_temp_celsius"),
}
"""What a reading of a device carries besides its register."""

CHARGING_SESSIONS = pl.Schema(
    {
        "session_id": pl.String(),
        "kind": pl.String(),
        "meter_id": pl.Int32(),
        "vehicle_id": pl.Int32(),
        "started_at": INSTANT,
        "ended_at": INSTANT,
        "ac_started_at": INSTANT,
        "ac_ended_at": INSTANT,
        "dc_started_at": INSTANT,
        "dc_ended_at": INSTANT,
        "clock_lag_s": pl.Int32(),
        "ac_kwh": pl.Float64(),
        "dc_kwh": pl.Float64(),
        "efficiency_ratio": pl.Float64(),
        "ac_hours": pl.Float64(),
        "dc_hours": pl.Float64(),
        "ac_island_count": pl.Int32(),
        "dc_island_count": pl.Int32(),
        "ac_mean_kw": pl.Float64(),
        "dc_mean_kw": pl.Float64(),
        "ac_plateau_kw": pl.Float64(),
        "dc_plateau_kw": pl.Float64(),
        "mean_voltage_volts": pl.Float64(),
        "voltage_before_volts": pl.Float64(),
        "voltage_share": pl.Float64(),
        "soc_start_percent": pl.Float64(),
        "soc_end_percent": pl.Float64(),
        "mean_battery_temp_celsius": pl.Float64(),
        "ac_coverage": pl.Float64(),
        "dc_coverage": pl.Float64(),
        "ac_flags": pl.String(),
        "dc_flags": pl.String(),
        "is_qualified": pl.Boolean(),
    }
)
"""``charging_sessions``: one row a session."""

CLOCK_LAGS = pl.Schema({"vehicle_id": pl.Int32(), "clock_lag_s": pl.Int32()})
"""Vehicles whose clock is off: what is added to their times to have those of their meters; others have no row."""

DAILY_STANDBY = pl.Schema(
    {
        "kind": pl.String(),
        "device_id": pl.Int32(),
        "idle_watts": pl.Float64(),
        "idle_hours": pl.Float64(),
        "idle_span_count": pl.Int32(),
        "idle_kwh": pl.Float64(),
        "between_kwh": pl.Float64(),
        "session_kwh": pl.Float64(),
        "carried_in_kwh": pl.Float64(),
        "carried_out_kwh": pl.Float64(),
    }
)
"""``daily_standby``: one row a device that reported on the day, or of which something was carried into it."""

DAILY_CHARGER_SESSIONS = pl.Schema(
    {
        "meter_id": pl.Int32(),
        "session_count": pl.Int32(),
        "charge_count": pl.Int32(),
        "qualified_count": pl.Int32(),
        "ac_only_count": pl.Int32(),
        "doubtful_count": pl.Int32(),
        "vehicle_count": pl.Int32(),
        "ac_kwh": pl.Float64(),
        "ac_hours": pl.Float64(),
        "qualified_ac_kwh": pl.Float64(),
        "qualified_dc_kwh": pl.Float64(),
        "efficiency_ratio": pl.Float64(),
        "idle_watts": pl.Float64(),
        "idle_hours": pl.Float64(),
        "idle_kwh": pl.Float64(),
    }
)
"""``daily_charger_sessions``: one row a meter that is in ``daily_standby``."""

OPEN_ISLANDS = pl.Schema(
    {
        "kind": pl.String(),
        "device_id": pl.Int32(),
        "island_count": pl.Int32(),
        "started_at": INSTANT,
        "ended_at": INSTANT,
        "energy_kwh": pl.Float64(),
        "booked_until": INSTANT,
        "changed_before": INSTANT,
        "cut_at": INSTANT,
        "ts": pl.List(INSTANT),
        "register_kwh": pl.List(pl.Float64()),
        "is_done": pl.List(pl.Boolean()),
        "flagged_ts": pl.List(INSTANT),
        "flag": pl.List(pl.String()),
        "voltage_volts": pl.List(pl.Float32()),
        "soc_percent": pl.List(pl.Float32()),
        "battery_temp_celsius": pl.List(pl.Float32()),
    }
)
"""``open_islands``: one row a device of which a later day has to know more than the last reading."""
