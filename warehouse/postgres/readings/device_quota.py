"""How many more devices may be registered: in all, and of new ones an hour. PostgreSQL's own tables are the count."""

import time
from collections.abc import Callable
from typing import NamedTuple

import psycopg

from warehouse import sqlfiles
from warehouse.counted import counted
from warehouse.settings import FleetSettings

LOOK_EVERY_S = 1.0
"""Counting a million devices takes a tenth of a second."""


class DeviceQuota(NamedTuple):
    """The most devices of both kinds together."""

    max_devices: int
    max_new_per_hour: int | None
    """``None``: as many as there is room for."""

    @classmethod
    def of(cls, settings: FleetSettings) -> "DeviceQuota":
        """As it is set."""
        return cls(settings.max_devices, settings.max_new_devices_per_hour)

    def left(self, devices: int, new_devices: int) -> int:
        """How many more may be registered where there are so many, and so many of them new."""
        in_all = self.max_devices - devices
        return max(0, in_all if self.max_new_per_hour is None else min(in_all, self.max_new_per_hour - new_devices))

    def why_full(self, devices: int, new_devices: int) -> str:
        """Which limit leaves least, its value, and what to do."""
        in_all = self.max_devices - devices
        if self.max_new_per_hour is None or in_all <= self.max_new_per_hour - new_devices:
            return (
                f"at most {counted(self.max_devices, 'device is', 'devices are')} registered in all, "
                f"and {counted(devices, 'is', 'are')}: remove what is no "
                "longer in use (fleetwatt devices prune), or raise FLEET_MAX_DEVICES"
            )
        return (
            f"at most {counted(self.max_new_per_hour, 'new device is', 'new devices are')} registered an hour, "
            f"and {counted(new_devices, 'was', 'were')} in the "
            "last one: send this again in an hour, or raise FLEET_MAX_NEW_DEVICES_PER_HOUR"
        )


class DeviceRoom:
    """What is left of the quota, for all connections of a process.

    It looks once a second. So the quota may be exceeded by what is being registered at that moment, a transaction a
    connection, and by each further process by what the others register within a second.
    """

    def __init__(self, quota: DeviceQuota, clock: Callable[[], float] = time.monotonic) -> None:
        self.quota = quota
        self._clock = clock
        self._left = 0
        self._registered = (0, 0)
        self._looked_at = -LOOK_EVERY_S

    def take(self, connection: psycopg.Connection, wanted: int) -> int:
        """Take room for so many devices; returns for how many there was some. What is not used is found by a look."""
        now = self._clock()
        if now - self._looked_at >= LOOK_EVERY_S:
            ((devices, new_devices),) = connection.execute(
                sqlfiles.load("warehouse.postgres.readings", "count_registered")
            ).fetchall()
            self._registered = devices, new_devices
            self._left, self._looked_at = self.quota.left(devices, new_devices), now
        taken = min(wanted, self._left)
        self._left -= taken
        self._registered = self._registered[0] + taken, self._registered[1] + taken
        return taken

    def why_full(self) -> str:
        """Which limit was met, as far as is known since the last look."""
        return self.quota.why_full(*self._registered)
