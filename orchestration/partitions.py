"""One partition of an asset is one UTC day, or one hour where it is about today."""

from datetime import date, datetime

import dagster as dg

from warehouse.contract.partitions import midnight


def daily_partitions(first_day: date) -> dg.DailyPartitionsDefinition:
    """Each UTC day from the first one to yesterday. Whether a day is closed is the ledger's to say."""
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC")


def hourly_partitions(first_day: date) -> dg.HourlyPartitionsDefinition:
    """Each hour from the first day to the last one that is over."""
    return dg.HourlyPartitionsDefinition(start_date=hour_key(midnight(first_day)), timezone="UTC")


def hour_key(hour: datetime) -> str:
    """What Dagster calls an hour."""
    return f"{hour:%Y-%m-%d-%H:%M}"


def day_of(context: dg.AssetExecutionContext) -> date:
    """The day that this step is run for."""
    return date.fromisoformat(context.partition_key)
