"""Brings a backup back into an empty home, aside until all of it is there."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from warehouse.backup.errors import DamagedBackupError, RestoreError
from warehouse.backup.manifest import verify_base
from warehouse.backup.reach import Reach, reach_of, require_whole
from warehouse.backup.record import BASE, Backup, Base
from warehouse.backup.target import BackupTarget
from warehouse.contract.errors import ServerStartError
from warehouse.counted import counted
from warehouse.disk import disk_of
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.account import account_for_home
from warehouse.postgres.embedded.cluster import MAJOR_VERSION, version_of
from warehouse.postgres.embedded.files import make_folder
from warehouse.postgres.schema_version import head_revision
from warehouse.postgres.wal.commands import restore_command
from warehouse.postgres.wal.segments import SEGMENT_BYTES

_ASIDE = "restoring"
_LONGEST_RECOVERY_S = 7 * 86_400.0
_ALLOWED = {"lost+found"}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Choice:
    """What is to be restored: a backup, and how far beyond it. ``at`` is None for all there is."""

    backup: Backup
    base: Base
    reach: Reach
    at: datetime | None

    @property
    def until(self) -> datetime:
        """To which instant."""
        return self.at or self.reach.newest

    def to_the_end(self) -> "Choice":
        """The same backup, with all that the archive has behind it."""
        return replace(self, at=None)


def choose(target: BackupTarget, home: Path, at: datetime | None) -> Choice:
    """The newest backup that can be brought to the instant.

    Raises:
        BackupTargetError: there are no backups.
        RestoreError: none reaches the instant, it is of a newer version, or the home's disk has no room for it.
        DamagedBackupError: the WAL that follows cannot be read.
    """
    target.require()
    account = account_for_home(home.resolve())
    whole = [(each, each.base) for each in target.backups() if each.base]
    if not whole:
        raise RestoreError(f"{target.path} has no whole backup of a database")
    early_enough = [(each, base) for each, base in whole if at is None or base.restorable_from <= at]
    if not early_enough:
        raise RestoreError(
            f"{_instant(at)} is before the oldest backup, which can be brought back from "
            f"{_instant(whole[0][1].restorable_from)} on"
        )
    backup, base = early_enough[-1]
    if base.schema > head_revision():
        raise RestoreError(
            f"backup {backup.name} was made by a newer Fleetwatt ({backup.release}, schema {base.schema}); install that"
        )
    made_by = version_of(target.folder(backup) / BASE)
    if made_by not in (None, MAJOR_VERSION):  # what is damaged is told later
        raise RestoreError(
            f"backup {backup.name} is of PostgreSQL {made_by}, and this Fleetwatt brings PostgreSQL {MAJOR_VERSION}; "
            f"restore it by Fleetwatt {backup.release}, then fleetwatt upgrade"
        )
    reach = reach_of(target, base, account)
    if at is not None and at > reach.newest:
        later = [each for _, each in whole if each.restorable_from > at]
        hint = f"; the next backup begins at {_instant(later[0].restorable_from)}" if later else ""
        raise RestoreError(
            f"{_instant(at)} is after the newest instant that backup {backup.name} can be brought to, "
            f"{_instant(reach.newest)}{hint}; without --at everything that there is, is restored"
        )
    _require_room(home, backup, base)
    return Choice(backup, base, reach, None if at == reach.newest else at)


def _require_room(home: Path, backup: Backup, base: Base) -> None:
    needed, free = base.size_bytes + backup.lake_bytes, disk_of(home).free_bytes
    if free < needed:
        raise RestoreError(
            f"backup {backup.name} takes {needed / 1e6:,.0f} MB, and the disk of {home} has {free / 1e6:,.0f} MB free; "
            f"make room, or name a folder of another disk with --home"
        )


@contextmanager
def made_aside(home: Path) -> Iterator[Path]:
    """An empty folder in an empty home, for the block to make all in; published at its end.

    What a killed restore left is removed before. After an error it is removed, too.

    Raises:
        RestoreError: the home is not empty.
    """
    home = home.resolve()
    aside = home / _ASIDE
    account = account_for_home(home)
    make_folder(home)
    names = {path.name for path in home.iterdir()} - _ALLOWED
    if not names and home.stat().st_uid == 0:
        home.chmod(0o700)
        account.own(home)
    if names and (_ASIDE not in names or "postgres" in names):
        raise RestoreError(f"{home} is not empty; name a folder that is empty or does not exist with --home")
    if _ASIDE in names:
        _remove(home, names)
    with as_owner_of(home):
        aside.mkdir(mode=0o700)
    try:
        yield aside
    except BaseException:
        _remove(home, {_ASIDE})
        raise
    with as_owner_of(home):
        for path in sorted(aside.iterdir(), key=lambda each: each.name == "postgres"):  # the server's files come last
            path.rename(home / path.name)
        aside.rmdir()


def _remove(home: Path, names: set[str]) -> None:
    EmbeddedPostgres(home / _ASIDE).stop()
    with as_owner_of(home):
        for name in sorted(names - {_ASIDE}):
            path = home / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(home / _ASIDE)


def recover(target: BackupTarget, choice: Choice, server: EmbeddedPostgres, say: Say) -> str:
    """Have the server of an empty home hold what was there at the instant; it runs then. Returns its URL.

    Raises:
        DamagedBackupError: the base backup or the WAL is not what was stored.
        RestoreError: the recovery failed.
    """
    require_whole(target, choice.base, choice.reach.segments)
    account = account_for_home(server.home)
    say(f"copying backup {choice.backup.name} ({choice.base.size_bytes / 1e6:,.1f} MB)")
    _copy_tree(target.folder(choice.backup) / BASE, server.data)
    verify_base(account, server.data)
    _prepare_recovery(server, target, choice)
    many = counted(len(choice.reach.segments), "segment")
    say(f"recovering to {_instant(choice.until)} from up to {many} of WAL, {SEGMENT_BYTES >> 20} MiB each")
    try:
        url = EmbeddedPostgres(server.home, start_seconds=_LONGEST_RECOVERY_S).ensure_running()
    except ServerStartError as error:
        raise RestoreError(f"PostgreSQL does not come to {_instant(choice.until)}: {error.detail}") from error
    with connect(server.upkeep_url()) as connection:
        for name in _RECOVERY:
            connection.execute(f"ALTER SYSTEM RESET {name}")
        connection.execute("ALTER SYSTEM RESET archive_timeout")  # nothing is archived here, until the first backup
        connection.execute("SELECT pg_reload_conf()")
    return url


_RECOVERY = (
    "restore_command",
    "recovery_target_time",
    "recovery_target_action",
    "recovery_target_timeline",
    "hot_standby",
)


def _prepare_recovery(server: EmbeddedPostgres, target: BackupTarget, choice: Choice) -> None:
    data = server.data
    values = (
        restore_command(server.interpreter(account_for_home(server.home)), target.wal(choice.base.wal_archive)),
        f"{choice.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00" if choice.at else "",
        "promote",
        "current",
        "off",  # it lets nobody in before it has come to the instant
    )
    with as_owner_of(data), (data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
        for name, value in zip(_RECOVERY, values, strict=True):
            quoted = value.replace("'", "''")
            file.write(f"{name} = '{quoted}'\n")
    signal_file = data / "recovery.signal"
    with as_owner_of(data):
        signal_file.touch(mode=0o600)


def _copy_tree(source: Path, copy: Path) -> None:
    """Copy files for the owner of the copy alone, who need not be able to read the source."""
    with as_owner_of(copy.parent):
        copy.mkdir(mode=0o700)
    try:
        for path in sorted(source.iterdir()):
            if path.is_dir():
                _copy_tree(path, copy / path.name)
                continue
            with path.open("rb") as read:
                with as_owner_of(copy):
                    written = (copy / path.name).open("xb")
                with written:
                    (copy / path.name).chmod(0o600)
                    shutil.copyfileobj(read, written, 1 << 20)
    except FileNotFoundError as error:
        raise DamagedBackupError(f"{error.filename} is not there") from error


def _instant(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z" if at else "the end of the WAL"
