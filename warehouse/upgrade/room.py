"""Whether the disks have the room that an upgrade takes."""

from collections import defaultdict
from pathlib import Path

from warehouse.backup.programs import size_of
from warehouse.backup.target import BackupTarget
from warehouse.disk import disk_of
from warehouse.settings import FleetSettings

LEAST_BYTES = 1 << 30
"""Of a home: for what a migration writes, and its WAL."""


def missing_room(settings: FleetSettings, target: BackupTarget | None, *, copies_data: bool) -> list[str]:
    """Where too little is free, in words. ``target``: of a backup that is made; ``copies_data``: for another server."""
    data = settings.home.resolve() / "postgres"
    data_bytes = 0 if settings.names_a_database or not data.is_dir() else size_of(data)
    needed: dict[Path, int] = {settings.home.resolve(): LEAST_BYTES + (data_bytes if copies_data else 0)}
    if target:
        is_first = not target.path.is_dir() or not target.backups()
        lake_bytes = size_of(settings.lake) if is_first and settings.lake.is_dir() else 0
        needed[target.path] = data_bytes + lake_bytes
    by_disk: dict[int, list[Path]] = defaultdict(list)
    for folder in needed:
        by_disk[_device(folder)].append(folder)
    faults = (_fault(folders, sum(needed[each] for each in folders)) for folders in by_disk.values())
    return [each for each in faults if each]


def _fault(folders: list[Path], needed_bytes: int) -> str | None:
    free = disk_of(folders[0]).free_bytes
    if free >= needed_bytes:
        return None
    return (
        f"the disk of {' and '.join(map(str, folders))} has {free / 1e6:,.0f} MB free, and "
        f"{needed_bytes / 1e6:,.0f} MB are needed; make room"
    )


def _device(folder: Path) -> int:
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return there.stat().st_dev
