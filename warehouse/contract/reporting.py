"""What a device does now, told from its two newest readings: whether it reports, and whether it charges.

PostgreSQL has ``reporting`` as a function too, and one for the power between the two readings.
"""

from datetime import timedelta
from enum import StrEnum

STALE_INTERVALS = 3
"""A device is stale after so many expected intervals without a reading,"""
OFFLINE_S = 900
"""and offline after this time; one that reports seldom, when it is stale."""
CHARGING_KW = 0.5
"""A step of a register is part of a charge from this mean power on,"""
CHARGING_TICKS = 1.5
"""and where it is more than so many of the register's smallest steps: one alone may be of standby."""


class Reporting(StrEnum):
    """How long ago a device reported, by what is expected of it."""

    ONLINE = "online"
    STALE = "stale"
    OFFLINE = "offline"
    UNSEEN = "unseen"
    """It never did."""


def reporting(silent: timedelta | None, expected_interval_s: int) -> Reporting:
    """R9, first half: stale after 3 expected intervals, offline after 15 minutes. ``None``: never a reading.

    A device that reports less than every 5 minutes is offline as soon as it is stale.
    """
    if silent is None:
        return Reporting.UNSEEN
    if silent <= timedelta(seconds=STALE_INTERVALS * expected_interval_s):
        return Reporting.ONLINE
    return Reporting.STALE if silent <= timedelta(seconds=OFFLINE_S) else Reporting.OFFLINE
