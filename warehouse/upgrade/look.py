"""What an upgrade would do, and what is in its way: looked at before anything is changed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from warehouse.backup.record import Backup
from warehouse.backup.target import BackupTarget
from warehouse.counted import counted
from warehouse.disk import disk_of
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.cluster import MAJOR_VERSION
from warehouse.postgres.embedded.earlier_programs import EarlierPrograms
from warehouse.postgres.embedded.major_upgrade import BEFORE
from warehouse.postgres.migrate import other_sessions, pending_revisions
from warehouse.postgres.schema_version import fault_of_revision, find_revision, head_revision
from warehouse.settings import FleetSettings
from warehouse.upgrade.counted_rows import count_table
from warehouse.upgrade.note import UpgradeNote, read_note
from warehouse.upgrade.room import missing_room

FRESH = timedelta(hours=1)
"""A backup that began later than so long ago is not made again."""
_FIRST_LAKE = "0002"
"""The revision from which on there is a lake."""


@dataclass(frozen=True)
class Wanted:
    """What the user says of it."""

    target: BackupTarget | None
    """For a backup; None: where the home's backups go."""
    makes_backup: bool
    while_running: bool
    """Though other sessions of Fleetwatt work on the database."""


@dataclass
class Outlook:
    """What there is, what is to be done, and what keeps us from it."""

    schema: str
    """The revision of the database; empty: it has none."""
    pending: list[str]
    """Revisions."""
    earlier: EarlierPrograms | None
    target: BackupTarget | None
    """Where the backup is made; None: nowhere."""
    fresh: Backup | None
    note: UpgradeNote | None
    """Of an upgrade that did not come to its end."""
    found: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to be done."""
        return bool(self.pending or self.earlier or self.note)


def look(url: str, settings: FleetSettings, earlier: EarlierPrograms | None, wanted: Wanted) -> Outlook:
    """Look at everything; nothing is changed.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
    """
    with connect(url) as connection:
        schema = find_revision(connection) or ""
        version = str(connection.info.server_version // 10_000)
        lake_files = _count_lake_files(connection, schema)
    note = read_note(settings.home)
    target = _target(settings, wanted, note)
    fresh = None if earlier else _fresh_backup(settings, target, note.schema if note else schema)
    outlook = Outlook(schema, [], earlier, target, fresh, note)
    newer = fault_of_revision(schema) if schema > head_revision() else None
    if newer:
        outlook.faults.append(newer)
    else:
        outlook.pending = pending_revisions(schema or None)
    outlook.found = [_words_of_schema(outlook), _words_of_server(settings, version, earlier)]
    outlook.found.append(f"lake: {counted(lake_files, 'file')} in {settings.lake}")
    outlook.found.append(f"disk of {settings.home}: {disk_of(settings.home).free_bytes / 1e9:,.1f} GB free")
    outlook.found.append(_words_of_backup(settings, outlook, wanted))
    outlook.faults += _faults(url, settings, outlook, wanted)
    return outlook


def _faults(url: str, settings: FleetSettings, outlook: Outlook, wanted: Wanted) -> list[str]:
    faults = []
    if not outlook.schema:
        faults.append("the database has no schema yet, so there is nothing to upgrade; fleetwatt migrate makes it")
    others = other_sessions(url)
    if others and not wanted.while_running:
        faults.append(
            f"Fleetwatt is at work on this database ({', '.join(others)}); stop it, or let it go on beside the upgrade "
            f"with --while-running"
        )
    if wanted.makes_backup and outlook.target is None and not settings.names_a_database:
        faults.append(
            "there is no backup: name a folder for one (fleetwatt upgrade TARGET), or go without (--no-backup)"
        )
    makes_one = outlook.target if outlook.fresh is None else None
    faults += missing_room(settings, makes_one, copies_data=outlook.earlier is not None)
    before = settings.home / BEFORE
    if outlook.earlier and before.exists():
        faults.append(f"{before} is there, of an earlier upgrade; remove it, or move it away")
    return faults


def _target(settings: FleetSettings, wanted: Wanted, note: UpgradeNote | None) -> BackupTarget | None:
    if not wanted.makes_backup:
        return None
    if wanted.target:
        return wanted.target
    if archive := EmbeddedPostgres(settings.home).wal_archive.read():
        return BackupTarget(archive.targets[0])
    return BackupTarget(Path(note.target)) if note and note.target else None


def _fresh_backup(settings: FleetSettings, target: BackupTarget | None, schema: str) -> Backup | None:
    """The newest one of this home's database as it is now, if it is new enough."""
    archive = EmbeddedPostgres(settings.home).wal_archive.read()
    if target is None or archive is None or not target.path.is_dir():
        return None
    since = datetime.now(UTC) - FRESH
    own = [
        each
        for each in target.backups()
        if each.base and each.base.wal_archive == archive.id and each.base.schema == schema and each.began_at > since
    ]
    return own[-1] if own else None


def _count_lake_files(connection: psycopg.Connection, schema: str) -> int:
    return 0 if schema < _FIRST_LAKE else count_table(connection, "lake_files")


def _words_of_schema(outlook: Outlook) -> str:
    if not outlook.pending:
        return f"schema: {outlook.schema or 'none'}" + ("" if outlook.faults else ", which is this version's")
    many = counted(len(outlook.pending), "migration")
    return f"schema: {outlook.schema or 'none'}, to be brought to {outlook.pending[-1]} by {many}"


def _words_of_server(settings: FleetSettings, version: str, earlier: EarlierPrograms | None) -> str:
    if settings.names_a_database:
        return f"server: PostgreSQL {version}, of FLEET_DATABASE_URL; its own version is not ours to upgrade"
    if earlier:
        return f"server: PostgreSQL {version}, to be upgraded to {MAJOR_VERSION} by the programs in {earlier.folder}"
    return f"server: PostgreSQL {version} of this home"


def _words_of_backup(settings: FleetSettings, outlook: Outlook, wanted: Wanted) -> str:
    if not wanted.makes_backup:
        return "backup: none is made (--no-backup)"
    if outlook.fresh and outlook.target:
        return f"backup: {outlook.fresh.name} in {outlook.target.path} is new enough"
    if settings.names_a_database:
        of_lake = f"of the lake, in {outlook.target.path}" if outlook.target else "none, for no folder was named"
        return f"backup: {of_lake}; the database of FLEET_DATABASE_URL has backups of its own, and none is made here"
    return f"backup: one is made in {outlook.target.path}" if outlook.target else "backup: there is no folder for one"
