"""What is booked for the meters of a day: in the lake, and in PostgreSQL's hours. In kWh."""

from datetime import date, timedelta

import polars as pl
import psycopg

from warehouse.contract.partitions import midnight
from warehouse.lifecycle.daily_pipeline import DayWalk


def booked_kwh(walk: DayWalk, day: date) -> float:
    hours = pl.read_parquet(walk.lake.file("hourly_energy", day))
    return float(hours.filter(pl.col("kind") == "meter")["energy_kwh"].sum())


def hourly_kwh(connection: psycopg.Connection, day: date) -> float:
    row = connection.execute(
        "SELECT sum(energy_kwh) FROM device_hourly WHERE kind = 'meter' AND starts_at >= %s AND starts_at < %s",
        [midnight(day), midnight(day + timedelta(days=1))],
    ).fetchone()
    assert row is not None
    return float(row[0])
