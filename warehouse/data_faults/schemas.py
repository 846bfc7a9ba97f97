"""The columns of the rules' datasets."""

import polars as pl

from warehouse.sessions.schemas import CHARGING_SESSIONS, INSTANT

DATA_FAULTS = pl.Schema(
    {
        "rule": pl.String(),
        "subject": pl.String(),
        "rule_version": pl.Int32(),
        "name": pl.String(),
        "state": pl.String(),
        "severity": pl.String(),
        "meter_id": pl.Int32(),
        "vehicle_id": pl.Int32(),
        "other_meter_id": pl.Int32(),
        "opened_on": pl.Date(),
        "closed_on": pl.Date(),
        "onset_after": INSTANT,
        "onset_at": INSTANT,
        "last_seen_at": INSTANT,
        "observed": pl.Float64(),
        "allowed": pl.Float64(),
        "unit": pl.String(),
        "session_count": pl.Int32(),
        "evidence_count": pl.Int32(),
        "session_ids": pl.List(pl.String()),
        "ac_kwh": pl.Float64(),
        "dc_kwh": pl.Float64(),
        "detail": pl.String(),
    }
)
"""``data_faults``: one row a rule and subject."""

FOUND = (
    *("rule", "subject", "name", "severity", "meter_id", "vehicle_id", "other_meter_id"),
    *("onset_after", "onset_at", "last_seen_at", "observed", "allowed", "unit"),
    *("session_count", "evidence_count", "session_ids", "ac_kwh", "dc_kwh", "detail"),
)
"""What a rule says of a day; the rest is what the days before make of it."""

FOUND_ROWS = pl.Schema({name: DATA_FAULTS[name] for name in FOUND})

OF_SESSIONS = (
    *("session_id", "kind", "meter_id", "vehicle_id", "started_at", "ended_at"),
    *("ac_started_at", "ac_ended_at", "dc_started_at", "dc_ended_at", "clock_lag_s", "ac_kwh", "dc_kwh"),
    *("ac_plateau_kw", "dc_plateau_kw", "mean_voltage_volts", "voltage_before_volts"),
    *("soc_start_percent", "soc_end_percent", "ac_coverage", "dc_coverage"),
)
"""The columns of sessions that the rules read."""

RECENT_SESSIONS = pl.Schema(
    {
        **{name: CHARGING_SESSIONS[name] for name in OF_SESSIONS},
        "is_known": pl.Boolean(),
        "meter_was_silent": pl.Boolean(),
        "ac_resolution_kwh": pl.Float64(),
        "dc_resolution_kwh": pl.Float64(),
        "ac_interval_s": pl.Int32(),
        "dc_interval_s": pl.Int32(),
    }
)
"""``recent_sessions``: the last sessions of each device, which the rules look back on."""

STANDBY_HISTORY = pl.Schema(
    {
        "meter_id": pl.Int32(),
        "early_watts": pl.List(pl.Float64()),
        "days": pl.List(pl.Date()),
        "excess_watts": pl.List(pl.Float64()),
        "limit_watts": pl.List(pl.Float64()),
    }
)
"""``standby_history``: a meter's own early standby, and how far it was above on its last days."""
