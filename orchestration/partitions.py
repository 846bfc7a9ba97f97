"""One partition of an asset is one UTC day."""

from datetime import date

import dagster as dg


def daily_partitions(first_day: date) -> dg.DailyPartitionsDefinition:
    """Each UTC day from the first one to yesterday. Whether a day is closed is the ledger's to say."""
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC")


def day_of(context: dg.AssetExecutionContext) -> date:
    """The day that this step is run for."""
    return date.fromisoformat(context.partition_key)
