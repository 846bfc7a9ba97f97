"""One partition of an asset is one UTC day."""

import warnings
from datetime import date

import dagster as dg


def daily_partitions(first_day: date) -> dg.DailyPartitionsDefinition:
    """Each UTC day from the first one to yesterday. Whether a day is closed is the ledger's to say."""
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC")


def day_before() -> dg.TimeWindowPartitionMapping:
    """How a day depends on one before it. The first day has none, which Dagster takes as a feature in beta."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True)


def day_of(context: dg.AssetExecutionContext) -> date:
    """The day that this step is run for."""
    return date.fromisoformat(context.partition_key)
