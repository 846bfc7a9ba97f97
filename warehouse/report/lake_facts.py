"""What a report says is read here: from the files of the lake that a snapshot has, and from nothing else."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import NamedTuple, cast

import duckdb
import polars as pl

from dbt_like_sql.catalog import Catalog
from warehouse import sqlfiles
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.views import add_views, set_day, start_engine
from warehouse.losses.loss_day import lookback_days
from warehouse.losses.settings import SETTINGS
from warehouse.postgres.ledger.lake_files import LakeFile
from warehouse.report.period import Period

TREND_DAYS = 28
"""How losses and idle power went is shown for at least so many days."""
BUILT = "daily_fleet_efficiency"
"""A day that has it is in the lake."""
_OF_LAST_DAY = ("meters", "vehicles", "loss_findings", "register_verdicts")
_OF_PERIOD = (BUILT, "tariffs", "reading_gaps")
_OF_TREND = ("findings", "daily_standby")
_OF_HISTORY = ("loss_samples", "data_faults", "common_modes")


class Facts(NamedTuple):
    """What is known of a period."""

    period: Period
    days: list[date]
    """Those of the period that are in the lake."""
    findings: pl.DataFrame
    """Of the last day, of all states."""
    told_before: frozenset[str]
    """The findings that were told before the period began."""
    losses_by_day: pl.DataFrame
    """Days without an open loss have a row of zeros; days that are not in the lake have none."""
    fleet_days: pl.DataFrame
    standby: pl.DataFrame
    gaps: pl.DataFrame
    pairs: pl.DataFrame
    meter_count: int
    vehicle_count: int
    has_findings: bool
    """Whether the findings of the last day were looked for at all."""


def lookbacks(period: Period) -> Mapping[str, int]:
    """The datasets that a report reads, and of how many days before the last one of the period."""
    of_period = period.day_count - 1
    of_trend = max(period.day_count, TREND_DAYS) - 1
    return {
        **dict.fromkeys(_OF_LAST_DAY, 0),
        **dict.fromkeys(_OF_PERIOD, of_period),
        **dict.fromkeys(_OF_TREND, of_trend),
        **dict.fromkeys(_OF_HISTORY, lookback_days()),
    }


def files_of(snapshot: Snapshot, period: Period) -> list[LakeFile]:
    """The files that a report of the period reads."""
    return [file for name, back in lookbacks(period).items() for file in snapshot.select([name], period.last, back)]


@contextmanager
def opened(snapshot: Snapshot, catalog: Catalog, period: Period) -> Iterator[duckdb.DuckDBPyConnection]:
    """The lake as a report reads it: its datasets as views, and the days as variables.

    Raises:
        UnreadableFileError: a file is no Parquet, or not any more.
    """
    with start_engine(snapshot.lake.spill) as connection:
        for name, back in lookbacks(period).items():
            add_views(connection, snapshot, [catalog.models[name]], period.last, back)
        set_day(connection, period.last)
        history_from = period.last - timedelta(days=SETTINGS.history_days)
        for variable, day in (("first_day", period.first), ("history_from", history_from)):
            connection.execute(f"SET VARIABLE {variable} = DATE '{day}'")
        yield connection


def read_facts(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, period: Period) -> Facts:
    """The facts of a period whose last day is in the lake."""
    days = [day for day in snapshot.days(BUILT) if period.first <= day <= period.last]
    trend_from = period.last - timedelta(days=lookbacks(period)["findings"])
    looked_at = [day for day in snapshot.days("findings") if trend_from <= day <= period.last]
    losses = _rows(connection, "sum_losses_by_day")
    return Facts(
        period,
        days,
        _rows(connection, "list_findings"),
        frozenset(_rows(connection, "list_earlier_findings")["finding_id"]),
        pl.DataFrame({"day": looked_at}, {"day": pl.Date}).join(losses, on="day", how="left").sort("day"),
        _rows(connection, "list_fleet_days"),
        _rows(connection, "list_standby"),
        _rows(connection, "list_gaps"),
        _rows(connection, "list_pairs"),
        _count(connection, "meters"),
        _count(connection, "vehicles"),
        period.last in looked_at,
    )


def read_samples(connection: duckdb.DuckDBPyConnection, meter_ids: list[int]) -> pl.DataFrame:
    """The sessions of all pairs of these meters that tell of losses."""
    return _rows_of_meters(connection, "list_samples", meter_ids)


def read_idle_power(connection: duckdb.DuckDBPyConnection, meter_ids: list[int]) -> pl.DataFrame:
    """The idle power of these meters by day."""
    return _rows_of_meters(connection, "list_idle_power", meter_ids)


def read_faults(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Faults of the data by day, as far as sessions are looked back on."""
    return _rows(connection, "read_faults")


def read_whole(connection: duckdb.DuckDBPyConnection, dataset: str) -> pl.DataFrame:
    """All that a view has."""
    return _frame(connection.table(dataset))


def _rows_of_meters(connection: duckdb.DuckDBPyConnection, statement: str, meter_ids: list[int]) -> pl.DataFrame:
    connection.execute("SET VARIABLE meter_ids = $ids::INTEGER[]", {"ids": meter_ids})
    return _rows(connection, statement)


def _rows(connection: duckdb.DuckDBPyConnection, statement: str) -> pl.DataFrame:
    return _frame(connection.sql(sqlfiles.load("warehouse.report", statement).as_string()))


def _frame(found: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    return cast(pl.DataFrame, pl.from_arrow(found.to_arrow_table()))


def _count(connection: duckdb.DuckDBPyConnection, dataset: str) -> int:
    return int(connection.table(dataset).count("*").fetchall()[0][0])
