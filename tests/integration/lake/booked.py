"""What is booked for the meters of a day, in the lake and in PostgreSQL's hours, and that a changed rule restates it.

Energies are in kWh.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from dbt_like_sql.catalog import Catalog
from tests.lake_folder import newest_file
from warehouse.contract.partitions import Stream, midnight
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.partitions import dropping


def energy_pipeline(url: str, lake: Path) -> DailyPipeline:
    """A pipeline as far as the energy: the models on top are built from it for every day alike."""
    catalog = Catalog.load()
    sources = {name: model for name, model in catalog.models.items() if model.kind in ("export", "polars")}
    return DailyPipeline(url, Lake(lake), replace(catalog, models=sources))


def booked_kwh(pipeline: DailyPipeline, day: date) -> float:
    hours = pl.read_parquet(newest_file(pipeline.lake, "hourly_energy", day))
    return float(hours.filter(pl.col("kind") == "meter")["energy_kwh"].sum())


def hourly_kwh(connection: psycopg.Connection, day: date) -> float:
    row = connection.execute(
        "SELECT sum(energy_kwh) FROM device_hourly WHERE kind = 'meter' AND starts_at >= %s AND starts_at < %s",
        [midnight(day), midnight(day + timedelta(days=1))],
    ).fetchone()
    assert row is not None
    return float(row[0])


def drop(connection: psycopg.Connection, day: date) -> None:
    for stream in Stream:
        assert dropping.detach(connection, stream, day)
        dropping.drop_detached(connection, stream, day)


def require_restated(
    connection: psycopg.Connection,
    pipeline: DailyPipeline,
    change_the_rule: Callable[[], None],
    booked: Mapping[date, float],
) -> None:
    """The change queues these days (run before, perhaps dropped); run again, they book this from the same exports."""
    exports = [newest_file(pipeline.lake, stream, day) for stream in Stream for day in booked]
    stood = [file.read_bytes() for file in exports]
    change_the_rule()
    assert [each.day for each in day_ledger.days_to_run(connection)] == list(booked)
    for day, kwh in booked.items():
        pipeline.run(day)
        assert booked_kwh(pipeline, day) == pytest.approx(kwh)
    assert day_ledger.days_to_run(connection) == []
    assert [file.read_bytes() for file in exports] == stood
