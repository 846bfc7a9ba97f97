"""Sessions and standby as PostgreSQL gets them from the lake, for tests that begin behind it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from warehouse.postgres.charging.charging_store import SESSION_COLUMNS, STANDBY_COLUMNS, ChargingDay
from warehouse.postgres.charging.copied_rows import NULL
from warehouse.sessions.schemas import CHARGING_SESSIONS, DAILY_STANDBY

DAY = date(2026, 2, 8)
_STARTED_AT = datetime(2026, 2, 8, 10, tzinfo=UTC)


def session(**values: Any) -> dict[str, Any]:
    """A charge of vehicle 1 at meter 11, but for what is given otherwise."""
    row: dict[str, Any] = {
        "session_id": "meter-11-1770544800",
        "kind": "charge",
        "vehicle_id": 1,
        "meter_id": 11,
        "started_at": _STARTED_AT,
        "ended_at": _STARTED_AT + timedelta(hours=1),
        "ac_kwh": 10.0,
        "dc_kwh": 9.0,
        "efficiency_ratio": 0.9,
        "ac_hours": 1.0,
        "dc_hours": 1.0,
        "ac_mean_kw": 10.0,
        "dc_mean_kw": 9.0,
        "ac_plateau_kw": 10.5,
        "dc_plateau_kw": 9.5,
        "mean_voltage_volts": 230.0,
        "soc_start_percent": 20.0,
        "soc_end_percent": 60.0,
        "mean_battery_temp_celsius": 21.0,
        "ac_coverage": 1.0,
        "dc_coverage": 0.95,
        "ac_flags": "",
        "dc_flags": "",
        "is_qualified": True,
    }
    return row | values


def standby(**values: Any) -> dict[str, Any]:
    """A day of meter 11, but for what is given otherwise."""
    row: dict[str, Any] = {
        "meter_id": 11,
        "idle_watts": 12.0,
        "idle_hours": 20.0,
        "idle_kwh": 0.24,
        "between_kwh": 0.01,
        "session_kwh": 10.0,
    }
    return row | values


def charging_day(
    day: date, sessions: Sequence[Mapping[str, Any]], of_meters: Sequence[Mapping[str, Any]]
) -> ChargingDay:
    """These rows as the day's."""
    of_sessions = {name: CHARGING_SESSIONS.get(name, pl.Date()) for name in SESSION_COLUMNS}
    of_standby = {name: DAILY_STANDBY.get(name, pl.Int32()) for name in STANDBY_COLUMNS} | {"day": pl.Date()}
    return ChargingDay(
        day=day,
        sessions=_csv(day, sessions, of_sessions),
        session_ids=[str(each["session_id"]) for each in sessions],
        standby=_csv(day, of_meters, of_standby),
    )


def _csv(day: date, rows: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> bytes:
    frame = pl.DataFrame([{"day": day, **each} for each in rows], schema=schema)
    return frame.write_csv(include_header=False, null_value=NULL).encode()
