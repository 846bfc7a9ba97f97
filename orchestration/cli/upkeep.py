"""``fleetwatt hours``, ``scrub``, ``retain`` and ``pack``: what Dagster does each hour and each day, by hand."""

import typer

from orchestration.cli.by_hand import note_run
from orchestration.cli.options import Home, notes, read_settings
from orchestration.home.database import database
from warehouse.backup.lake_backup import lake_backup_of
from warehouse.counted import counted
from warehouse.lake.scrub import scrub as scrub_lake
from warehouse.lifecycle.lake_upkeep import tidy_lake
from warehouse.lifecycle.retention import Retention
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.hours.device_hours import write_closed_hours
from warehouse.postgres.partitions.reindexing import reindex_closed_days
from warehouse.settings import FleetSettings


def hours(*, home: Home = None) -> None:
    """Write the closed hours of each device that are missing, and put right those into which readings came later.

    \b
    What Dagster does after each hour. GET /v1/analytics/fleet answers from them; safe to repeat:
        fleetwatt hours
    """
    settings = read_settings(FleetSettings, home=home)
    with database(settings) as url, connect(url) as connection:
        note_run(connection, "hours")
        done = write_closed_hours(connection, notes.print)
    notes.print(
        f"{counted(len(done.hours), 'hour')} written, "
        f"older hours of {counted(done.corrected_devices, 'device')} put right"
    )


def scrub(*, home: Home = None) -> None:
    """Check every file of the lake against its hash. A rebuild of a damaged one's day is queued.

    Where PostgreSQL no longer has the day, its files of readings come from a backup alone: then it says which.

    \b
    Exit code: 0 all are what was published, 1 some are not (they are listed).
        fleetwatt scrub
    """
    settings = read_settings(FleetSettings, home=home)
    looked_at = damaged = 0
    with database(settings) as url, connect(url) as connection:
        note_run(connection, "scrub")
        for damage in scrub_lake(connection, open_lake_folder(url, settings.lake)):
            looked_at += 1
            if damage:
                damaged += 1
                notes.print(damage.what, soft_wrap=True)
    notes.print(f"{counted(looked_at, 'file')}, {damaged:,} damaged")
    if damaged:
        raise typer.Exit(1)


def retain(*, home: Home = None) -> None:
    """Drop from PostgreSQL the days that are kept long enough and that the lake holds beyond doubt.

    And remove from the lake the versions that were replaced more than FLEET_LAKE_VERSIONS_DAYS ago. Where a backup is
    begun it gets the lake's new files first, and no day goes that it does not have.

    \b
    Kept for FLEET_RETENTION_DAYS after the day's end or its last late row; each day that stays all the same says why.
        fleetwatt retain
    """
    settings = read_settings(FleetSettings, home=home)
    with database(settings) as url:
        with connect(url) as connection:
            note_run(connection, "retain", retention_days=settings.retention_days)
        lake = open_lake_folder(url, settings.lake, notes.print)
        if backup := lake_backup_of(settings):
            with connect(url) as connection:
                notes.print(backup.take_new(connection, lake))
        verdicts = list(Retention(url, lake, settings.retention, backup).drop_old())
        with connect(url) as connection:
            removal = tidy_lake(connection, lake, settings.lake_versions)
    for verdict in verdicts:
        notes.print(str(verdict), soft_wrap=True)
    if not verdicts:
        notes.print(f"nothing to drop: no day is older than {settings.retention_days} days")
    notes.print(str(removal))


def pack(*, home: Home = None) -> None:
    """Reindex closed days whose indexes are larger than they need to be, which frees about a quarter of a day's room.

    \b
    Nobody who reads or writes waits for it.
        fleetwatt pack
    """
    settings = read_settings(FleetSettings, home=home)
    freed_bytes = 0
    with database(settings) as url, connect(url) as connection:
        note_run(connection, "pack")
        for each in reindex_closed_days(connection):
            freed_bytes += each.before_bytes - each.after_bytes
            notes.print(str(each), soft_wrap=True)
    notes.print(f"{freed_bytes / 1e6:,.1f} MB freed")
