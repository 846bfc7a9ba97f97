"""``fleetwatt restore``: a home from a backup, as it was at an instant."""

from datetime import UTC, datetime
from typing import Annotated

import psycopg
import typer

from dbt_like_sql.catalog import Catalog
from orchestration.cli.by_hand import note_run
from orchestration.cli.options import NewHome, notes, utc_instant
from orchestration.cli.terminal import shown_instant
from warehouse.backup.record import SETTINGS
from warehouse.backup.recover import Choice, choose, made_aside, recover
from warehouse.backup.restored_access import Access, newest_access, settle_access, words_of_access
from warehouse.backup.restored_lake import restore_lake
from warehouse.backup.target import BackupTarget
from warehouse.counted import counted
from warehouse.lake.scrub import scrub
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.lake_description import describe_lake
from warehouse.lifecycle.take_over import restore_unversioned
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.ledger.source_freshness import newest_readings
from warehouse.postgres.migrate import migrate


def restore(
    target: Annotated[str, typer.Argument(help="The folder with the backups.")],
    *,
    home: NewHome,
    at: Annotated[
        datetime | None,
        typer.Option(parser=utc_instant, metavar="INSTANT", help="As it was then (UTC). Default: all there is."),
    ] = None,
) -> None:
    """Make a new home from a backup: the database as it was at an instant, and the lake as it was known then.

    The backups stay as they are. Every file of the lake is held against its hash, and what is missing is queued to be
    made again. The last reading that is there is printed. Nobody is signed in; tokens and users are as the archive
    knows them last, also where the rest is as it was at an instant before.

    \b
    All there is, or as it was before somebody made a mistake:
        fleetwatt restore /mnt/backup --home /srv/restored
        fleetwatt restore /mnt/backup --home /srv/restored --at 2026-02-08T09:30:00Z
    """
    place = BackupTarget.named(target)
    choice = choose(place, home, at)
    with made_aside(home) as aside:
        server = EmbeddedPostgres(aside)
        try:
            newest = newest_access(place, choice, server, notes.print) if choice.at else None
            url = recover(place, choice, server, notes.print)
            _bring_back_lake(url, place, choice, Lake(aside / "lake"))
            _settle_access(url, choice, newest)
        finally:
            server.stop()
    notes.print(f"restored: fleetwatt up --home {home}")
    notes.print(f"its WAL is not archived yet: fleetwatt backup {place.path} --home {home} begins that")
    notes.print(f"settings of the fleet, without secrets: {place.folder(choice.backup) / SETTINGS}")


def _bring_back_lake(url: str, place: BackupTarget, choice: Choice, lake: Lake) -> None:
    migrate(url, notes.print)
    with connect(url) as connection:
        note_run(connection, "restore", target=place.path, backup=choice.backup.name, until=choice.until)
        restored = restore_lake(connection, place, lake)
        restore_unversioned(connection, place, lake, notes.print)
        size = f"{restored.size_bytes / 1e6:,.1f} MB"
        notes.print(f"the lake: {counted(restored.files, 'file')}, {size}")
        damaged = [damage.what for damage in scrub(connection, lake) if damage]
        describe_lake(connection, lake, Catalog.load())
        _say_last_reading(connection, choice)
    for what in damaged:
        notes.print(what, soft_wrap=True)
    notes.print(f"{counted(len(damaged), 'file')} of the lake missing or damaged")


def _settle_access(url: str, choice: Choice, newest: Access | None) -> None:
    with connect(url) as connection:
        settle_access(connection, newest)
        known = choice.reach.newest if newest else choice.until
        for line in words_of_access(connection, choice.until, known.astimezone(UTC)):
            notes.print(line)


def _say_last_reading(connection: psycopg.Connection, choice: Choice) -> None:
    newest = max(filter(None, newest_readings(connection).values()), default=None)
    last = f"the last reading is of {shown_instant(newest)}" if newest else "there is no reading"
    notes.print(f"as it was at {choice.until.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}Z; {last}")
