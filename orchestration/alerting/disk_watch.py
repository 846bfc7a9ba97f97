"""Tells people when a disk is nearly full: once at each watermark, and when there is room again."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.filesize import decimal

from orchestration.alerting.alerts import deliver, tell
from orchestration.alerting.channels import channels_of
from orchestration.home.folder import disks
from warehouse.alerts.message import Message
from warehouse.disk import Disk, DiskLevel, Watermarks
from warehouse.settings import FleetSettings

_LOOK_EVERY_S = 10.0
_ROOM_AGAIN = 0.01
"""So far below a watermark a disk must be before it has room again: one that breathes around it is told of once."""


class DiskWatch:
    """Looks at the disks in a thread of its own, which ends with the process."""

    def __init__(self, settings: FleetSettings) -> None:
        self._settings = settings
        self._watermarks = Watermarks.of(settings)
        self._told: dict[Path, DiskLevel] = {}

    def begin(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._look_forever, name="disk-watch", daemon=True).start()

    def look(self, disks: Sequence[Disk]) -> None:
        """Tell what has changed since the last look."""
        for disk in disks:
            before = self._told.get(disk.folder, DiskLevel.OK)
            level = self._watermarks.level(disk.used_ratio)
            if level < before and self._watermarks.level(disk.used_ratio + _ROOM_AGAIN) >= before:
                continue
            if level != before:
                self._told[disk.folder] = level
                text = words(disk, level)
                tell(text)
                said = {"disk": str(disk.folder), "level": level.name.lower()}
                message = Message("disk.level", f"Fleetwatt: a disk is {level.name.lower()}", text, said)
                deliver(message, channels_of(self._settings), tell)

    def _look_forever(self) -> None:
        while True:
            self.look(disks(self._settings))
            time.sleep(_LOOK_EVERY_S)


def words(disk: Disk, level: DiskLevel) -> str:
    """What is to be said of a disk."""
    state = f"the disk of {disk.folder} is {disk.used_ratio:.0%} full, {decimal(disk.free_bytes)} are free"
    if level is DiskLevel.CRITICAL:
        return f"{state}: soon nothing can be stored or exported; nothing stops before that, so make room now"
    if level is DiskLevel.LOW:
        return f"{state}: make room"
    return f"{state}: there is room again"
