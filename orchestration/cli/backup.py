"""``fleetwatt backup``: makes a backup, and lists those that there are."""

import os
from typing import Annotated

import typer
from rich import box
from rich.filesize import decimal
from rich.table import Table

from orchestration.cli.by_hand import note_run
from orchestration.cli.json_output import print_json
from orchestration.cli.options import AsJson, Home, notes, read_settings
from orchestration.cli.terminal import results, shown_instant
from orchestration.home.database import database
from orchestration.home.step_down import begins_processes
from warehouse.backup.make import KEEP, BackupMaker, stop_archiving, summary
from warehouse.backup.overview import BackupOverview, overviews
from warehouse.backup.target import BackupTarget
from warehouse.contract.errors import DatabaseUnavailableError, SchemaOutdatedError
from warehouse.counted import counted
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import account_for_home
from warehouse.postgres.schema_version import require_current
from warehouse.settings import FleetSettings

_NICENESS = 19


def backup(
    target: Annotated[
        str | None, typer.Argument(help="A folder: of another disk, or a share. It is made if it is missing.")
    ] = None,
    *,
    home: Home = None,
    keep: Annotated[int, typer.Option(min=1, help="Keep so many of the newest backups in TARGET.")] = KEEP,
    max_rate: Annotated[
        int | None, typer.Option(min=1, max=1024, metavar="MB", help="Copy the server's files at most so fast, MB/s.")
    ] = None,
    is_list: Annotated[bool, typer.Option("--list", help="Make none: list those that are in TARGET.")] = False,
    is_stop: Annotated[
        bool, typer.Option("--stop", help="Make none, and archive nothing more. Backups stay as they are.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Back up the database and the lake into a folder, and from then on everything that changes in the database.

    While the server runs, and as often as you like: only the first one copies the whole lake. Verified before it is
    done. It holds all readings, and hashes of tokens and passwords: keep it as you keep the home.

    \b
    Each night, then which there are and to which instants they can be brought back:
        fleetwatt backup /mnt/backup
        fleetwatt backup --list /mnt/backup
    """
    settings = read_settings(FleetSettings, home=home)
    if is_stop:
        _stop(settings)
        return
    if target is None:
        raise typer.BadParameter("name the folder for the backups", param_hint="TARGET")
    place = BackupTarget.named(target)
    if is_list:
        place.require()
        _print_list(place, overviews(place, account_for_home(settings.home.resolve())), as_json=as_json)
        return
    with database(settings) as url:
        lake = open_lake_folder(url, settings.lake, notes.print)
        with connect(url) as connection:
            note_run(connection, "backup", target=place.path, keep=keep)
        # Ingest cannot wait, and a backup can; a server that was started here has its priority.
        if begins_processes.get():
            os.setpriority(os.PRIO_PROCESS, 0, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        made, copied = BackupMaker(settings, url, lake, place, notes.print, keep, max_rate).make()
    if as_json:
        print_json({"name": made.name, "target": str(place.path), "seconds": made.took_s, "lost": copied.lost})
    notes.print(summary(made, copied))
    if made.base is None:
        notes.print("the database of FLEET_DATABASE_URL is not in it: that server has backups of its own")
    for key in copied.lost:
        notes.print(f"not in it, for it is not what was published: {key}; fleetwatt scrub says what to do")
    if copied.lost:
        raise typer.Exit(1)


def _stop(settings: FleetSettings) -> None:
    server = EmbeddedPostgres(settings.home)
    why_not_told = _note_stop(server) if server.wal_archive.read() else None
    notes.print("nothing is archived any more" if stop_archiving(server) else "nothing was archived")
    if why_not_told:
        notes.print(f"the audit log does not tell of it: {why_not_told}")


def _note_stop(server: EmbeddedPostgres) -> str | None:
    """In the audit log, or why not: to stop must work where the server does not, for WAL may have filled its disk."""
    url = server.running_url()
    if url is None:
        return "the server does not run"
    try:
        with connect(url) as connection:
            require_current(connection)
            note_run(connection, "backup", stop=True)
    except (DatabaseUnavailableError, SchemaOutdatedError) as error:
        return error.detail
    return None


def _print_list(target: BackupTarget, found: list[BackupOverview], *, as_json: bool) -> None:
    if as_json:
        print_json([each.as_dict() for each in found])
        return
    table = Table("backup", "database", "lake", "can be restored to", box=box.SIMPLE, pad_edge=False)
    for each in found:
        base = each.backup.base
        table.add_row(
            each.backup.name,
            decimal(base.size_bytes) if base else "not in it",
            f"{counted(each.backup.lake_files, 'file')}, {decimal(each.backup.lake_bytes)}",
            each.fault
            or (f"{shown_instant(each.oldest)} .. {shown_instant(each.newest)}" if each.oldest and each.newest else ""),
        )
    if found:
        results().print(table)
    else:
        notes.print(f"there is no whole backup in {target.path}")
