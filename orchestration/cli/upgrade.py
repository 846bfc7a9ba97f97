"""``fleetwatt upgrade``: what an installed new version does with the data of the version before."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.by_hand import note_run
from orchestration.cli.options import Home, notes, read_settings
from orchestration.dagster_runtime.own_database import give_to_pipeline
from orchestration.home.alone import alone_in
from orchestration.home.database import address_of
from orchestration.home.database_roles import settle_roles_of
from warehouse.backup.target import BackupTarget
from warehouse.contract.database_roles import Role
from warehouse.contract.errors import SchemaOutdatedError
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.cluster import MAJOR_VERSION, UPGRADED, version_of
from warehouse.postgres.embedded.earlier_programs import EarlierPrograms, find_earlier
from warehouse.postgres.embedded.major_upgrade import finish_interrupted
from warehouse.settings import FleetSettings
from warehouse.upgrade.look import Outlook, Wanted, look
from warehouse.upgrade.upgrader import Upgrader

REFUSED = 1
TO_BE_DONE = 4


def upgrade(
    target: Annotated[
        str | None,
        typer.Argument(help="A folder for the backup. Default: where the home's backups go.", show_default=False),
    ] = None,
    *,
    home: Home = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look and say what would be done; change nothing.")
    ] = False,
    backup: Annotated[
        bool, typer.Option("--backup/--no-backup", help="Make a backup before anything is changed.")
    ] = True,
    while_running: Annotated[
        bool,
        typer.Option(
            "--while-running", help="Though the version before is at work on the database of FLEET_DATABASE_URL."
        ),
    ] = False,
    old_programs: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="The bin folder of the PostgreSQL that made the data, where it is an earlier one."
        ),
    ] = None,
) -> None:
    """Bring the data of the version before to this one: look, back up, migrate, and see that nothing is lost.

    What was at work is to be stopped before. Where anything is in the way it is said, and nothing is changed. Killed or
    failed, it goes on when it is begun again. Data of an earlier PostgreSQL is moved by pg_upgrade: as a copy, and the
    old data stays beside it.

    \b
    See what would be done, then do it:
        fleetwatt upgrade --dry-run
        fleetwatt upgrade /mnt/backup
    Exit code: 0 it is done, or nothing is to be done; 4 --dry-run, and something is to be done; 1 refused or failed.
    """
    settings = read_settings(FleetSettings, home=home)
    wanted = Wanted(BackupTarget.named(target) if target else None, backup, while_running)
    _require_database(settings)
    with alone_in(settings.home), _running(settings, old_programs) as (server, url, earlier):
        outlook = look(url, settings, earlier, wanted)
        _print(outlook)
        if outlook.faults:
            raise typer.Exit(REFUSED)
        if not outlook.is_needed:
            notes.print("nothing to do")
            return
        if dry_run:
            notes.print("nothing was changed: --dry-run")
            raise typer.Exit(TO_BE_DONE)
        upgrader = Upgrader(settings, outlook, server, url, _say, partial(_settle_roles, settings))
        upgrader.run()
        with connect(upgrader.url) as connection:
            note_run(
                connection, "upgrade", begun_at_schema=outlook.schema, target=outlook.target and outlook.target.path
            )
    notes.print("upgraded" + ("" if settings.names_a_database else f"; start it: fleetwatt up --home {settings.home}"))


def _settle_roles(settings: FleetSettings, owner_url: str) -> None:
    give_to_pipeline(settings, owner_url, settle_roles_of(settings, owner_url, notes.print))


def _require_database(settings: FleetSettings) -> None:
    """Before a home is made where there is none. Raises SchemaOutdatedError."""
    is_there = (
        settings.names_a_database or EmbeddedPostgres(settings.home).has_data() or (settings.home / UPGRADED).exists()
    )
    if not is_there:
        raise SchemaOutdatedError(
            f"there is no database in {settings.home} yet; run fleetwatt migrate, or start everything with fleetwatt up"
        )


@contextmanager
def _running(
    settings: FleetSettings, old_programs: Path | None
) -> Iterator[tuple[EmbeddedPostgres | None, str, EarlierPrograms | None]]:
    """The home's server by the programs that its data needs, its URL, and the programs if they are earlier ones."""
    if settings.names_a_database:
        yield None, address_of(settings, Role.OWNER), None
        return
    if finish_interrupted(settings.home):
        notes.print("an upgrade of the server that was interrupted is finished")
    major = version_of(EmbeddedPostgres(settings.home).data)
    earlier = find_earlier(major, old_programs) if major and int(major) < int(MAJOR_VERSION) else None
    server = EmbeddedPostgres(settings.home, earlier=earlier)
    try:
        yield server, server.ensure_running(), earlier
    finally:
        EmbeddedPostgres(settings.home).stop()


def _print(outlook: Outlook) -> None:
    for line in outlook.found:
        _say(line)
    for fault in outlook.faults:
        notes.print("in the way: ", style="bold red", end="")
        _say(fault)


def _say(line: str) -> None:
    notes.print(line, soft_wrap=True)
