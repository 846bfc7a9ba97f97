"""How many more devices may be registered: in all, and of new ones an hour by each token.

PostgreSQL's own tables are the count. Whoever has no token there (nobody is asked, or it is the administrator's of the
settings) counts as one with all others that have none.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import psycopg

from warehouse import sqlfiles
from warehouse.counted import counted
from warehouse.settings import FleetSettings

_PACKAGE = "warehouse.postgres.readings"
LOOK_EVERY_S = 1.0
"""Counting a million devices takes a tenth of a second."""


class DeviceQuota(NamedTuple):
    """The most devices of both kinds together."""

    max_devices: int
    max_new_per_hour: int | None
    """By one token. ``None``: as many as there is room for."""

    @classmethod
    def of(cls, settings: FleetSettings) -> "DeviceQuota":
        """As it is set."""
        return cls(settings.max_devices, settings.max_new_devices_per_hour)

    def left(self, devices: int, new_devices: int) -> int:
        """How many more may be registered where there are so many, and so many of them new and by the same token."""
        in_all = self.max_devices - devices
        return max(0, in_all if self.max_new_per_hour is None else min(in_all, self.max_new_per_hour - new_devices))

    def why_full(self, devices: int, new_devices: int, token_id: str | None) -> str:
        """Which limit leaves least, its value, and what to do."""
        in_all = self.max_devices - devices
        if self.max_new_per_hour is None or in_all <= self.max_new_per_hour - new_devices:
            return (
                f"at most {counted(self.max_devices, 'device is', 'devices are')} registered in all, "
                f"and {counted(devices, 'is', 'are')}: remove what is no "
                "longer in use (fleetwatt devices prune), or raise FLEET_MAX_DEVICES"
            )
        by, so_far = ("", "") if token_id is None else (" by one token", " by this one")
        return (
            f"at most {counted(self.max_new_per_hour, 'new device is', 'new devices are')} registered an hour{by}, "
            f"and {counted(new_devices, 'was', 'were')}{so_far} in the "
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
        self._devices = 0
        self._new: Counter[str | None] = Counter()
        self._looked_at = -LOOK_EVERY_S

    def take(self, connection: psycopg.Connection, wanted: int, token_id: str | None) -> int:
        """Take room for so many devices; returns for how many there was some. What is not used is found by a look."""
        now = self._clock()
        if now - self._looked_at >= LOOK_EVERY_S:
            ((devices,),) = connection.execute(sqlfiles.load(_PACKAGE, "count_registered")).fetchall()
            new = connection.execute(sqlfiles.load(_PACKAGE, "count_new_devices")).fetchall()
            self._devices, self._new, self._looked_at = devices, Counter(dict(new)), now
        taken = min(wanted, self.quota.left(self._devices, self._new[token_id]))
        self._devices += taken
        self._new[token_id] += taken
        return taken

    def why_full(self, token_id: str | None) -> str:
        """Which limit was met by this token, as far as is known since the last look."""
        return self.quota.why_full(self._devices, self._new[token_id], token_id)
