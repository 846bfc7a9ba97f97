"""To which instants a backup can be brought back: from its own end to the end of the WAL that follows it."""

import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse.backup.errors import DamagedBackupError
from warehouse.backup.programs import ProgramError, run_program
from warehouse.backup.record import Base
from warehouse.backup.target import BackupTarget
from warehouse.postgres.embedded.account import ServerAccount
from warehouse.postgres.wal.segments import unbroken_after
from warehouse.postgres.wal.stored import SUFFIX, DamagedWalError, load, stored_names

_END_OF_TRANSACTION = re.compile(r"desc: (?:COMMIT|ABORT)\w* (?:\d+: )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC")


@dataclass(frozen=True)
class Reach:
    """From the first instant to the end of the last transaction that is known, both restorable."""

    oldest: datetime
    newest: datetime
    segments: tuple[str, ...]
    """Of the archive, without a gap behind the base backup."""


def reach_of(target: BackupTarget, base: Base, account: ServerAccount) -> Reach:
    """How far it goes now.

    Raises:
        DamagedBackupError: the end of the WAL cannot be read.
    """
    folder = target.wal(base.wal_archive)
    segments = unbroken_after(base.last_segment, stored_names(folder))
    for name in reversed(segments):  # mostly the last one has some
        if ended_at := _last_end(folder / f"{name}{SUFFIX}", account):
            return Reach(base.restorable_from, max(ended_at, base.restorable_from), tuple(segments))
    return Reach(base.restorable_from, base.restorable_from, tuple(segments))


def require_whole(target: BackupTarget, base: Base, segments: tuple[str, ...]) -> None:
    """Read the WAL that a restore needs.

    Raises:
        DamagedBackupError: a segment is not what was stored.
    """
    try:
        for name in segments:
            load(target.wal(base.wal_archive) / f"{name}{SUFFIX}")
    except (DamagedWalError, OSError) as error:
        raise DamagedBackupError(str(error)) from error


def _last_end(stored: Path, account: ServerAccount) -> datetime | None:
    """When the last transaction in a segment ended; None: none did in it."""
    with tempfile.TemporaryDirectory(prefix="fleetwatt-wal-") as folder:
        segment = Path(folder) / stored.stem
        try:
            segment.write_bytes(load(stored))
        except DamagedWalError as error:
            raise DamagedBackupError(str(error)) from error
        account.own(Path(folder), segment)
        try:
            said = run_program(account, "pg_waldump", ["--rmgr=Transaction", segment])
        except ProgramError as error:  # it ends with an error at the segment's end, having said all
            said = error.said
    ends = [datetime.fromisoformat(found[1]).replace(tzinfo=UTC) for found in _END_OF_TRANSACTION.finditer(said)]
    return max(ends, default=None)
