"""Which of the days that a step is started for it makes: those that there is something of."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import psycopg

from orchestration.assets.partitions import days_of
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger


def days_to_make(context: dg.AssetExecutionContext, pipeline: DailyPipeline, names: Sequence[str]) -> list[date]:
    """The days of this step that there is something of; of each other one it is said why it is skipped.

    A backfill's range may have days without readings, or end with one that is not closed: no reason to fail for the
    others. A single day that is not closed is left to fail, with an error that says so.
    """
    asked = days_of(context)
    days = []
    with connect(pipeline.url) as connection:
        for day in asked:
            why = _why_skipped(connection, day, alone=len(asked) == 1)
            if why is None:
                days.append(day)
                continue
            context.log.warning(f"{day} is skipped: {why}")
            for name in names:  # Dagster has one event a day of the range, whatever was made
                context.add_asset_metadata({"state": f"skipped: {why}"}, str(name), day.isoformat())
    return days


def _why_skipped(connection: psycopg.Connection, day: date, *, alone: bool) -> str | None:
    if day_ledger.is_without_readings(connection, day):
        return "it has no readings"
    closes_at = None if alone else day_ledger.is_open_until(connection, day)
    return f"it is not closed before {closes_at:%Y-%m-%d %H:%M} UTC" if closes_at else None
