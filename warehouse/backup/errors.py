"""What keeps a backup from being made or restored."""

from warehouse.contract.errors import FleetwattError


class BackupTargetError(FleetwattError):
    """The backup cannot be made there"""

    code = "backup_target"


class BackupFailedError(FleetwattError):
    """The backup is not made"""

    code = "backup_failed"


class DamagedBackupError(FleetwattError):
    """The backup is damaged"""

    code = "damaged_backup"


class RestoreError(FleetwattError):
    """Nothing is restored"""

    code = "restore_refused"
