"""Makes a backup: whole and verified before it is called one, whenever the process or the power ends."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import msgspec

from warehouse.backup.base import end_orphans, take_base
from warehouse.backup.errors import BackupFailedError
from warehouse.backup.kept_settings import settings_text
from warehouse.backup.lake_copies import LakeCopied, copy_lake, copy_unversioned
from warehouse.backup.pruning import keep_newest
from warehouse.backup.record import LAKE_LIST, RECORD, SETTINGS, Backup, Base
from warehouse.backup.target import BackupTarget
from warehouse.counted import counted
from warehouse.durability import replace_file, sync
from warehouse.lake.storage.lake import Lake
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import ServerAccount, account_for_home
from warehouse.postgres.ledger.lake_files import list_versions
from warehouse.postgres.schema_version import find_revision
from warehouse.postgres.wal.archive import WalArchive
from warehouse.postgres.wal.stored import stored_names
from warehouse.settings import FleetSettings

KEEP = 7
WAL_TIMEOUT = "60s"
"""How old what is not archived yet may become: after so long a segment is archived that is not full."""
_ARCHIVED_WITHIN_S = 120.0
_POLL_S = 0.1
_VERSIONED_SINCE = "0009"
"""The schema's revision from which on the ledger knows versions of the lake's files."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class BackupMaker:
    """What a backup is made of."""

    settings: FleetSettings
    url: str
    lake: Lake
    target: BackupTarget
    say: Say
    keep: int = KEEP
    """So many of the newest backups stay."""
    megabytes_per_second: int | None = None

    def make(self) -> tuple[Backup, LakeCopied]:
        """Make one; the embedded server runs. Of another server only the lake is taken.

        Raises:
            BackupTargetError: it cannot be made there.
            BackupFailedError: a part of it failed; nothing that was there before is lost.
            DatabaseUnavailableError: the server went away.
        """
        account = account_for_home(self.settings.home.resolve())
        self.target.prepare(self.settings.home, account)
        with self.target.held(), self._errors_of_target():
            self.target.remove_unfinished()
            try:
                return self._make(account)
            finally:  # after an error, so that what is half there takes no room
                self.target.remove_unfinished()

    def _make(self, account: ServerAccount) -> tuple[Backup, LakeCopied]:
        began_at, began = datetime.now(UTC), time.monotonic()
        name = f"{began_at:%Y%m%dT%H%M%S}.{began_at.microsecond // 1000:03}Z"
        folder = self.target.unfinished(name)
        with self.target.writing():
            folder.mkdir()
        copied = self._copy_lake()  # most of it before the base backup, what is published meanwhile behind it
        base = None if self.settings.names_a_database else self._take_base(account, folder)
        again = self._copy_lake()
        again.new_files += copied.new_files
        again.new_bytes += copied.new_bytes
        copied = again
        backup = Backup(
            name=name,
            began_at=began_at,
            took_s=round(time.monotonic() - began, 1),
            release=version("fleetwatt"),
            base=base,
            lake_files=len(copied.copies),
            lake_bytes=sum(copy.size_bytes for copy in copied.copies),
        )
        with self.target.writing():
            replace_file(folder / LAKE_LIST, msgspec.json.encode(copied.copies))
            replace_file(folder / SETTINGS, settings_text(self.settings).encode())
            replace_file(folder / RECORD, msgspec.json.encode(backup))
            sync(folder)
        self.target.finish(name)
        removed = keep_newest(self.target, self.keep, base.system if base else None)
        if removed:
            self.say(f"removed {counted(len(removed), 'older backup')}, and what they alone needed")
        return backup, copied

    def _copy_lake(self) -> LakeCopied:
        with connect(self.url) as connection:
            # Before an upgrade the schema may be one without versions, and after it files may wait for their names.
            is_versioned = (find_revision(connection) or "") >= _VERSIONED_SINCE
            versions = list_versions(connection) if is_versioned else []
        return copy_lake(self.target, self.lake, versions) + copy_unversioned(self.target, self.lake)

    def _take_base(self, account: ServerAccount, folder: Path) -> Base:
        server = EmbeddedPostgres(self.settings.home)
        archive = self._begin_archiving(server, account)
        self.say("copying the server's files")
        base = take_base(account, server.upkeep_url(), self.url, folder, archive.id, self.megabytes_per_second)
        self._wait_until_archived(server, archive, base)
        with as_owner_of(server.wal_archive.folder):
            server.wal_archive.write(WalArchive(archive.id, (self.target.path,), archive.critical_ratio))
        return base

    def _begin_archiving(self, server: EmbeddedPostgres, account: ServerAccount) -> WalArchive:
        """From now on the WAL goes to the target; to the one before it, too, until this backup is whole."""
        with connect(server.upkeep_url()) as connection:
            if connection.execute("SHOW archive_mode").fetchone() != ("on",):
                raise BackupFailedError(
                    "the server was started by an earlier version of Fleetwatt, and archives no WAL; stop it and start "
                    "it again"
                )
            end_orphans(connection)
            connection.execute(f"ALTER SYSTEM SET archive_timeout = '{WAL_TIMEOUT}'")
            connection.execute("SELECT pg_reload_conf()")
        state = server.wal_archive
        if not state.folder.exists():
            with as_owner_of(self.settings.home):
                state.folder.mkdir(mode=0o700)
            account.own(state.folder)
        before = state.read()
        targets = dict.fromkeys([self.target.path, *(before.targets if before else ())])
        archive_id = before.id if before else uuid4().hex
        archive = WalArchive(archive_id, tuple(targets), self.settings.disk_critical_ratio)
        with self.target.writing():
            self.target.wal(archive_id).mkdir(exist_ok=True)
            sync(self.target.path / "wal")
        with as_owner_of(state.folder):
            state.write(archive)
            state.begin_again()
        return archive

    def _wait_until_archived(self, server: EmbeddedPostgres, archive: WalArchive, base: Base) -> None:
        """See that the WAL gets into the target: the copy ended with its last segment."""
        folder = self.target.wal(archive.id)
        deadline = time.monotonic() + _ARCHIVED_WITHIN_S
        while base.last_segment not in stored_names(folder):
            if time.monotonic() > deadline:
                failure = server.wal_archive.failure
                why = failure.why if failure else f"its log {server.log} may say why"
                raise BackupFailedError(f"the server does not get its WAL into {folder}: {why}")
            time.sleep(_POLL_S)

    @contextmanager
    def _errors_of_target(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BackupFailedError(
                f"{error.filename or self.target.path} cannot be written ({error.strerror}); make room, or name "
                f"another folder; what is unfinished goes with the next backup"
            ) from error


def stop_archiving(server: EmbeddedPostgres) -> bool:
    """Archive no WAL any more; the backups stay as they are. False: none was archived."""
    state = server.wal_archive
    if state.read() is None:
        return False
    if server.is_alive():
        with connect(server.upkeep_url()) as connection:
            connection.execute("ALTER SYSTEM RESET archive_timeout")
            connection.execute("SELECT pg_reload_conf()")
    with as_owner_of(state.folder):
        state.stop()
    return True


def summary(backup: Backup, copied: LakeCopied) -> str:
    """What was made, in a sentence."""
    said = [f"backup {backup.name}:"]
    if backup.base:
        said.append(f"{backup.base.size_bytes / 1e6:,.1f} MB of PostgreSQL,")
    said.append(f"{counted(backup.lake_files, 'file')} of the lake ({backup.lake_bytes / 1e6:,.1f} MB),")
    said.append(f"of which {copied.new_files:,} are new ({copied.new_bytes / 1e6:,.1f} MB);")
    return " ".join([*said, f"verified, in {backup.took_s:,.1f} s"])
