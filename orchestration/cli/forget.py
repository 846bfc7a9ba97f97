"""``fleetwatt forget``: a device leaves PostgreSQL, the lake, the logs."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

import psycopg
import typer

from dbt_like_sql.catalog import Catalog
from orchestration.cli.by_hand import note_run
from orchestration.cli.export_device import OfKind
from orchestration.cli.options import Home, notes, read_settings, utc_day
from orchestration.home.database import database, running_database
from orchestration.home.forgetting_key import subject_hash
from orchestration.home.step_down import work_in
from orchestration.local.forgetting import UnfinishedForgetting
from warehouse.backup.target import BackupTarget
from warehouse.contract.database_roles import Role
from warehouse.counted import counted
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.lifecycle.forgetting import Forgetter
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.device_data.forgetting_store import unfinished_forgettings
from warehouse.postgres.device_data.named_device import find_device
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.settings import FleetSettings

NOTHING_DONE = 4


def forget(
    device: Annotated[
        str | None, typer.Argument(metavar="VEHICLE|METER", help="The id that the device sends.", show_default=False)
    ] = None,
    *,
    before: Annotated[
        date | None,
        typer.Option(parser=utc_day, metavar="DAY", help="Only what is older than this day.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it you see what would go.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what was begun and did not end.")] = False,
    kind: OfKind = None,
    home: Home = None,
) -> None:
    """Forget a vehicle or a meter: its readings, current state, sessions, findings and what was refused of it.

    It leaves PostgreSQL, every version of every file of the lake, and the logs. Each day from its first one on is made
    again without it; what the fleet's sums lose stays in them as "forgotten". Earlier states of these days
    (query --as-of) are not kept any more. A reading of it that comes in later is a new device's. There is no way back
    but a backup, and backups are not changed: the known ones are named.

    \b
    See what would go, then do it:
        fleetwatt forget veh-00003
        fleetwatt forget veh-00003 --yes
    Killed or stopped, it goes on with:
        fleetwatt forget --resume
    Exit code: 0 it is forgotten; 4 nothing was done: that takes --yes; 1 no such device, or it is half forgotten.
    """
    if (device is None) != resume:
        raise typer.BadParameter("name a device, or say --resume")
    settings = read_settings(FleetSettings, home=home)
    work_in(settings)
    with database(settings, Role.OWNER) as url, connect(url) as connection:
        lake = open_lake_folder(url, settings.lake, _say)
        forgetter = Forgetter(DailyPipeline(url, lake, Catalog.load()), _say)
        if device is not None and not _begin(connection, forgetter, settings, device, kind, before, yes=yes):
            raise typer.Exit(NOTHING_DONE)
        if resume:
            note_run(connection, "forget", resume=resume)
        if not UnfinishedForgetting(settings, url, running_database(settings, Role.PIPELINE), _say).finish():
            notes.print("nothing is half forgotten")
            return
    for line in _backups(settings):
        _say(line)


def _begin(
    connection: psycopg.Connection,
    forgetter: Forgetter,
    settings: FleetSettings,
    external_id: str,
    kind: OfKind,
    before: date | None,
    *,
    yes: bool,
) -> bool:
    """Say what is held, and note that it is to be forgotten, if that is wanted. One that was begun is gone on with."""
    if any(
        each.external_id == external_id and each.before_day == before for each in unfinished_forgettings(connection)
    ):
        return yes
    found = find_device(connection, external_id, kind)
    held = forgetter.look(connection, found, before)
    notes.print(f"{found}{f', before {before}' if before else ''}:")
    for line in held.lines():
        notes.print(f"  {line}")
    if not yes:
        for line in _backups(settings):
            _say(line)
        notes.print("nothing was done: that takes --yes, and there is no way back")
        return False
    forgetter.begin(connection, found, held, subject_hash(settings.home, external_id), before)
    return True


def _say(line: str) -> None:
    notes.print(line, soft_wrap=True)


def _backups(settings: FleetSettings) -> Iterator[str]:
    """What is known of backups, which keep what they have."""
    archive = None if settings.names_a_database else EmbeddedPostgres(settings.home).wal_archive.read()
    for target in archive.targets if archive else ():
        names = [each.name for each in BackupTarget(target).backups()]
        yield f"{target}: {counted(len(names), 'backup')} and the WAL behind them still have it: {', '.join(names)}"
    if archive is None:
        yield "backups that were made of the database, the lake or this home still have it; none is known here"
