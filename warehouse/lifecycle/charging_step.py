"""Lets PostgreSQL's copy of sessions and standby follow what readers see of the newest days."""

from collections.abc import Sequence
from datetime import date

import polars as pl
import psycopg

from warehouse.contract.tables import DeviceKind
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.pipeline_files import intact_location
from warehouse.postgres.charging.charging_store import (
    NULL,
    SESSION_COLUMNS,
    STANDBY_COLUMNS,
    ChargingDay,
    is_kept,
    lock_charging,
    replace_day,
)

SESSIONS, STANDBY = "charging_sessions", "daily_standby"


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


def _rows(transaction: psycopg.Connection, lake: Lake, name: str, day: date) -> pl.DataFrame | None:
    location = intact_location(transaction, lake, name, day)
    return pl.read_parquet(location, hive_partitioning=False).with_columns(day=day) if location else None


def _csv(rows: pl.DataFrame, columns: Sequence[str]) -> bytes:
    return rows.select(columns).write_csv(include_header=False, null_value=NULL).encode()
