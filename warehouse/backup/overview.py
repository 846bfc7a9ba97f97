"""The backups of a target, and to which instants each can be brought back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse.backup.errors import DamagedBackupError
from warehouse.backup.reach import reach_of
from warehouse.backup.record import Backup
from warehouse.backup.target import BackupTarget
from warehouse.postgres.embedded.account import ServerAccount


@dataclass(frozen=True)
class BackupOverview:
    """One of them. Without a database in it there are no instants."""

    backup: Backup
    oldest: datetime | None = None
    newest: datetime | None = None
    fault: str | None = None
    """What is wrong with its WAL."""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.backup.name,
            "began_at": self.backup.began_at,
            "database_bytes": self.backup.base.size_bytes if self.backup.base else None,
            "lake_files": self.backup.lake_files,
            "lake_bytes": self.backup.lake_bytes,
            "restorable_from": self.oldest,
            "restorable_to": self.newest,
            "fault": self.fault,
        }


def overviews(target: BackupTarget, account: ServerAccount) -> list[BackupOverview]:
    """All whole backups, oldest first."""
    return [_overview(target, each, account) for each in target.backups()]


def _overview(target: BackupTarget, backup: Backup, account: ServerAccount) -> BackupOverview:
    if backup.base is None:
        return BackupOverview(backup)
    try:
        reach = reach_of(target, backup.base, account)
    except DamagedBackupError as error:
        return BackupOverview(backup, fault=error.detail)
    return BackupOverview(backup, reach.oldest, reach.newest)
