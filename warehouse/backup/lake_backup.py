"""Between two backups: the lake's files get into the target before PostgreSQL or the lake forgets what they hold."""

from dataclasses import dataclass

import psycopg

from warehouse.backup.errors import BackupTargetError
from warehouse.backup.lake_copies import copy_lake, has_copy
from warehouse.backup.target import BackupTarget
from warehouse.counted import counted
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.ledger.lake_files import LakeFile, list_versions
from warehouse.settings import FleetSettings


@dataclass(frozen=True)
class LakeBackup:
    """Where a home's backups go."""

    target: BackupTarget

    def take_new(self, connection: psycopg.Connection, lake: Lake) -> str:
        """Copy what the ledger knows and the target lacks, by name and size: ``fleetwatt backup`` reads all.

        Returns what was done, or why not, in words: the target may be away, and nothing else waits for it.
        """
        try:
            self.target.require()
            missing = [file for file in list_versions(connection) if not has_copy(self.target, file)]
            copied = copy_lake(self.target, lake, missing)
        except BackupTargetError as error:
            return f"the backup takes no files of the lake: {error.detail}"
        except OSError as error:
            return f"the backup takes no files of the lake: {self.target.path} cannot be written ({error.strerror})"
        return f"{counted(copied.new_files, 'file')} of the lake copied into the backup"

    def why_not_taken(self, file: LakeFile) -> str | None:
        """Why a file is not in the target; None: it is."""
        if has_copy(self.target, file):
            return None
        return f"its file is not in the backup yet; fleetwatt backup {self.target.path} takes it"


def lake_backup_of(settings: FleetSettings) -> LakeBackup | None:
    """Of a home that is backed up; None: it is not."""
    archive = EmbeddedPostgres(settings.home).wal_archive.read()
    return LakeBackup(BackupTarget(archive.targets[0])) if archive else None
