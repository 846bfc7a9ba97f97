"""The daily maintenance: partitions ahead, the lake's files checked, old days and versions gone, indexes rebuilt."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.assets.resources import WarehouseParam, told_plainly
from orchestration.assets.run_config import NO_CONFIG
from orchestration.scheduling.old_runs import forget_old_runs
from warehouse.backup.lake_backup import lake_backup_of
from warehouse.lake.scrub import scrub
from warehouse.lifecycle.lake_upkeep import tidy_lake
from warehouse.lifecycle.retention import Retention
from warehouse.postgres.alerts.deliveries import forget_deliveries
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.postgres.partitions.reindexing import reindex_closed_days
from warehouse.postgres.readings.quarantine import QuarantineQuota, forget_old

DELIVERIES_KEPT = timedelta(days=90)


@dg.op(config_schema=NO_CONFIG)
def make_partitions_ahead(context: dg.OpExecutionContext, warehouse: WarehouseParam) -> None:
    """Make the partitions of the accepted window and of the next 14 days, where they are missing."""
    settings = warehouse.settings
    with told_plainly(), warehouse.connect() as connection:
        made = make_ahead(connection, datetime.now(UTC), settings.accepted_age, settings.grace)
    days = sorted({each.day.isoformat() for each in made})
    context.add_output_metadata({"made": len(made), "days": ", ".join(days) or "none"})


@dg.op(config_schema=NO_CONFIG)
def forget_quarantined(context: dg.OpExecutionContext, warehouse: WarehouseParam) -> None:
    """Forget what was refused and last seen more than 30 days ago; 7 days ago where the quarantine is half full."""
    quota = QuarantineQuota.of(warehouse.settings)
    with told_plainly(), warehouse.connect() as connection:
        context.add_output_metadata({"forgotten": forget_old(connection, quota)})


@dg.op(config_schema=NO_CONFIG)
def forget_told(context: dg.OpExecutionContext, warehouse: WarehouseParam) -> None:
    """Forget the deliveries of alerts that ended more than 90 days ago. What was told is known without them."""
    before = datetime.now(UTC) - DELIVERIES_KEPT
    with told_plainly(), warehouse.connect() as connection:
        context.add_output_metadata({"forgotten": forget_deliveries(connection, before)})


@dg.op(config_schema=NO_CONFIG)
def scrub_lake(context: dg.OpExecutionContext, warehouse: WarehouseParam) -> None:
    """Check every file of the lake against its hash; a rebuild of a damaged one's day is queued."""
    with told_plainly(), warehouse.connect() as connection:
        found = list(scrub(connection, warehouse.lake))
    damaged = [damage for damage in found if damage]
    for damage in damaged:
        context.log.error(damage.what)
    context.add_output_metadata({"files": len(found), "damaged": len(damaged)})


@dg.op(config_schema=NO_CONFIG)
def drop_old_days(context: dg.OpExecutionContext, warehouse: WarehouseParam) -> None:
    """Drop from PostgreSQL the days that are kept long enough and that the lake holds beyond doubt.

    And the backup, where one is begun: first it gets the lake's new files.
    """
    backup = lake_backup_of(warehouse.settings)
    with told_plainly():
        if backup:
            with warehouse.connect() as connection:
                context.log.info(backup.take_new(connection, warehouse.lake))
        verdicts = list(Retention(warehouse.url, warehouse.lake, warehouse.settings.retention, backup).drop_old())
    for verdict in verdicts:
        context.log.info(str(verdict))
    kept = [verdict for verdict in verdicts if verdict.why_kept]
    context.add_output_metadata({"dropped": len(verdicts) - len(kept), "kept": "\n".join(map(str, kept)) or "none"})


@dg.op(config_schema=NO_CONFIG)
def remove_old_lake_versions(context: dg.OpExecutionContext, warehouse: WarehouseParam) -> None:
    """Remove versions of the lake that were replaced long enough ago, and files that killed runs left."""
    with told_plainly(), warehouse.connect() as connection:
        removal = tidy_lake(connection, warehouse.lake, warehouse.settings.lake_versions)
    context.log.info(str(removal))
    context.add_output_metadata({"versions": removal.versions, "size_bytes": removal.size_bytes})


@dg.op(config_schema=NO_CONFIG)
def pack_indexes(context: dg.OpExecutionContext, warehouse: WarehouseParam) -> None:
    """Reindex the closed days whose indexes are larger than they need to be."""
    with told_plainly(), warehouse.connect() as connection:
        reindexed = list(reindex_closed_days(connection))
    saved_bytes = sum(each.before_bytes - each.after_bytes for each in reindexed)
    context.add_output_metadata({"packed": "\n".join(map(str, reindexed)) or "none", "saved_bytes": saved_bytes})


@dg.op(config_schema=NO_CONFIG)
def forget_runs(context: dg.OpExecutionContext) -> None:
    """Forget Dagster's runs of more than 90 days ago, except those that made what is current for some day."""
    context.add_output_metadata(forget_old_runs(context.instance, datetime.now(UTC))._asdict())


@dg.job
def maintenance() -> None:
    """Makes partitions ahead, checks the lake's files, drops old days and versions, rebuilds indexes."""
    make_partitions_ahead()
    scrub_lake()
    drop_old_days()
    remove_old_lake_versions()
    pack_indexes()
    forget_quarantined()
    forget_told()
    forget_runs()


daily_maintenance = dg.ScheduleDefinition(
    name="daily_maintenance",
    job=maintenance,
    description=maintenance.description,
    cron_schedule="15 0 * * *",  # a day's first minutes are quiet: the day before is still open for its late readings
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


WRITE_REPORT = "write_report"
"""The job."""

daily_report = dg.ScheduleDefinition(
    name="daily_report",
    job_name=WRITE_REPORT,
    description="Writes the page for people.",
    cron_schedule="30 4 * * *",  # two hours and a half after a day has closed, and before people begin to work
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
