"""Lets PostgreSQL's copies of sessions, standby and efficiency follow what readers see of the newest days."""

from collections.abc import Sequence
from datetime import date

import polars as pl
import psycopg

from warehouse.contract.corrections import CORRECTED_FLAG
from warehouse.contract.energy import Flag
from warehouse.contract.tables import DeviceKind
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.pipeline_files import intact_location
from warehouse.postgres.charging.charging_store import (
    SESSION_COLUMNS,
    STANDBY_COLUMNS,
    ChargingDay,
    is_kept,
    replace_day,
)
from warehouse.postgres.charging.copied_rows import NULL, lock_charging
from warehouse.postgres.charging.efficiency_store import EFFICIENCY_COLUMNS, replace_efficiency

SESSIONS, STANDBY, EFFICIENCY = "charging_sessions", "daily_standby", "daily_vehicle_efficiency"

_COUNTED = (*(flag.value for flag in Flag), CORRECTED_FLAG)


def copy_charging(transaction: psycopg.Connection, lake: Lake, day: date) -> None:
    """Write the day's current sessions and standby, in the transaction that releases them.

    A model that is built by itself is released too where a file of these was lost since: then what was copied stays.
    """
    lock_charging(transaction)
    sessions, standby = (_rows(transaction, lake, name, day) for name in (SESSIONS, STANDBY))
    if sessions is None or standby is None or not is_kept(transaction, day):
        return
    of_meters = standby.filter(pl.col("kind") == DeviceKind.METER.value).rename({"device_id": "meter_id"})
    copied = ChargingDay(
        day=day,
        sessions=_csv(sessions, SESSION_COLUMNS),
        session_ids=sessions["session_id"].to_list(),
        standby=_csv(of_meters, STANDBY_COLUMNS),
    )
    replace_day(transaction, copied)


def copy_efficiency(transaction: psycopg.Connection, lake: Lake, day: date) -> None:
    """Write each vehicle's day, in the transaction that releases it; where the file was lost what was copied stays."""
    lock_charging(transaction)
    rows = _rows(transaction, lake, EFFICIENCY, day)
    if rows is not None:
        replace_efficiency(transaction, day, _csv(rows.with_columns(flags=flags_of(rows.columns)), EFFICIENCY_COLUMNS))


def flags_of(columns: Sequence[str]) -> pl.Expr:
    """How often each flag was raised, as JSON; missing where none was.

    ``columns``: those of the file; one of an earlier release counts no corrections.
    """
    counts = [pl.col(f"{name}_count").alias(name) for name in _COUNTED if f"{name}_count" in columns]
    return pl.when(pl.sum_horizontal(counts) > 0).then(pl.struct(counts).struct.json_encode())


def _rows(transaction: psycopg.Connection, lake: Lake, name: str, day: date) -> pl.DataFrame | None:
    location = intact_location(transaction, lake, name, day)
    return pl.read_parquet(location, hive_partitioning=False).with_columns(day=day) if location else None


def _csv(rows: pl.DataFrame, columns: Sequence[str]) -> bytes:
    return rows.select(columns).write_csv(include_header=False, null_value=NULL).encode()
