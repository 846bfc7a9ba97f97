"""Removes old backups by count, and then what no backup that is kept needs any more."""

import shutil
from datetime import datetime
from pathlib import Path

from warehouse.backup.record import Backup, read_lake_list
from warehouse.backup.target import BackupTarget
from warehouse.postgres.wal.segments import SEGMENT_NAME_LENGTH
from warehouse.postgres.wal.stored import SUFFIX


def keep_newest(target: BackupTarget, keep: int, system: str | None) -> list[Backup]:
    """Keep so many of a server's backups (``system``; None: of the lake alone); returns those that were removed.

    Whoever calls holds the target. Killed, the next one goes on.
    """
    own = [each for each in target.backups() if (each.base.system if each.base else None) == system]
    for backup in own[:-keep]:
        target.remove(backup)
    _remove_unneeded(target)
    return own[:-keep]


def _remove_unneeded(target: BackupTarget) -> None:
    """A file that came in since the oldest backup stays, whatever it is: an instant behind that one may need it."""
    kept = target.backups()
    if not kept:
        return
    before = kept[0].began_at
    needed = {copy.sha256 for backup in kept for copy in read_lake_list(target.folder(backup))}
    with target.writing():
        for path in target.lake.glob("*/*"):
            if path.stem not in needed and _is_older(path, before):
                path.unlink()
        for archive in (target.path / "wal").iterdir():
            bases = [each.base for each in kept if each.base and each.base.wal_archive == archive.name]
            if bases:
                _remove_wal(archive, min(base.last_segment for base in bases))
            elif all(_is_older(path, before) for path in [archive, *archive.iterdir()]):
                shutil.rmtree(archive)


def _remove_wal(archive: Path, first: str) -> None:
    """All before a segment. Histories of timelines are small, and stay."""
    for path in archive.glob(f"*{SUFFIX}"):
        segment = path.name[:SEGMENT_NAME_LENGTH]
        if len(path.stem) >= SEGMENT_NAME_LENGTH and segment < first:
            path.unlink()


def _is_older(path: Path, instant: datetime) -> bool:
    return path.stat().st_mtime < instant.timestamp()
