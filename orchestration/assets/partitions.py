"""One partition of an asset is one UTC day, or one hour where it is about today."""

from collections.abc import Mapping
from datetime import date, datetime

import dagster as dg

from orchestration.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from warehouse.contract.partitions import days_between, midnight

MOST_TOGETHER = 7
"""Days in one run: of a backfill that a person starts, and of small days that close together. Small days take less time
so, and a failure holds back a week and no more."""
A_WEEK_A_RUN = dg.BackfillPolicy.multi_run(max_partitions_per_run=MOST_TOGETHER)


def daily_partitions(first_day: date) -> dg.DailyPartitionsDefinition:
    """Each UTC day from the first one to yesterday. Whether a day is closed is the ledger's to say."""
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC")


def hourly_partitions(first_day: date) -> dg.HourlyPartitionsDefinition:
    """Each hour from the first day to the last one that is over."""
    return dg.HourlyPartitionsDefinition(start_date=hour_key(midnight(first_day)), timezone="UTC")


def hour_key(hour: datetime) -> str:
    """What Dagster calls an hour."""
    return f"{hour:%Y-%m-%d-%H:%M}"


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags of a run for all partitions between these two."""
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def days_of(context: dg.AssetExecutionContext) -> list[date]:
    """The days that this step is run for: one, or several of a backfill that a person started."""
    return [date.fromisoformat(key) for key in context.partition_keys]


def days_of_run(run: dg.DagsterRun) -> list[date]:
    """The days that a run is for; of a run for hours, or for no partition, there are none."""
    return _days_of_tags(run.tags)


def days_of_request(request: dg.RunRequest) -> list[date]:
    """The days of the run that is requested."""
    return [date.fromisoformat(request.partition_key)] if request.partition_key else _days_of_tags(request.tags)


def _days_of_tags(tags: Mapping[str, str]) -> list[date]:
    first = tags.get(PARTITION_NAME_TAG) or tags.get(ASSET_PARTITION_RANGE_START_TAG)
    last = tags.get(PARTITION_NAME_TAG) or tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if not first or not last or ":" in first:  # an hour is no day
        return []
    return list(days_between(date.fromisoformat(first), date.fromisoformat(last)))
