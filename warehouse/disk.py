"""How full a disk is, and from where on somebody should know."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from warehouse.settings import FleetSettings


class DiskLevel(IntEnum):
    """Where the use of a disk is between its watermarks."""

    OK = 0
    LOW = 1
    CRITICAL = 2


@dataclass(frozen=True)
class Watermarks:
    """The shares of a disk, 0 to 1, from which on it is low and critical."""

    low: float
    critical: float

    @classmethod
    def of(cls, settings: FleetSettings) -> "Watermarks":
        """As they are set."""
        return cls(settings.disk_low_ratio, settings.disk_critical_ratio)

    def level(self, used_ratio: float) -> DiskLevel:
        """Where a disk is of which so much is used."""
        if used_ratio >= self.critical:
            return DiskLevel.CRITICAL
        return DiskLevel.LOW if used_ratio >= self.low else DiskLevel.OK


@dataclass(frozen=True)
class Disk:
    """A file system, as ``df`` sees it: what only root may use counts as used."""

    folder: Path
    size_bytes: int
    free_bytes: int

    @property
    def used_ratio(self) -> float:
        """The share that is used, 0 to 1."""
        return 1 - self.free_bytes / self.size_bytes if self.size_bytes else 0.0


def disk_of(folder: Path) -> Disk:
    """The file system that this folder is, or would be, on."""
    found = os.statvfs(_existing(folder))
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    free = found.f_bavail * found.f_frsize
    return Disk(folder, used + free, free)


def disks_of(folders: Iterable[Path]) -> list[Disk]:
    """The file systems of these folders, each once."""
    found: dict[int, Disk] = {}
    for folder in folders:
        found.setdefault(_existing(folder).stat().st_dev, disk_of(folder))
    return list(found.values())


def _existing(folder: Path) -> Path:
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
