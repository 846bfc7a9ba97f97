"""The daily maintenance: partitions ahead, and a quarantine that forgets."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.resources import Warehouse, told_plainly
from warehouse.postgres.partitions import make_ahead
from warehouse.postgres.quarantine import forget_old


@dg.op
def make_partitions_ahead(context: dg.OpExecutionContext, warehouse: Warehouse) -> None:
    """Make the partitions of the accepted window and of the next 14 days, where they are missing."""
    settings = warehouse.settings
    with told_plainly(), warehouse.connect() as connection:
        made = make_ahead(connection, datetime.now(UTC), settings.accepted_age, settings.grace)
    days = sorted({each.day.isoformat() for each in made})
    context.add_output_metadata({"made": len(made), "days": ", ".join(days) or "none"})


@dg.op
def forget_quarantined(context: dg.OpExecutionContext, warehouse: Warehouse) -> None:
    """Forget what was refused and last seen more than 30 days ago."""
    with told_plainly(), warehouse.connect() as connection:
        context.add_output_metadata({"forgotten": forget_old(connection)})


@dg.job
def maintenance() -> None:
    """Partitions ahead, and a quarantine that forgets. Safe to run at any time."""
    make_partitions_ahead()
    forget_quarantined()


daily_maintenance = dg.ScheduleDefinition(
    name="daily_maintenance",
    job=maintenance,
    cron_schedule="15 0 * * *",  # a day's first minutes are quiet: the day before is still open for its late readings
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
