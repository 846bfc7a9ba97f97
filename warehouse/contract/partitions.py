"""The life of a day: one partition is one UTC day of one stream, and the ledger says what became of it.

    open -> sealed -> exported -> dropped

A row stored after ``late_after`` is late; a day may be sealed once ``seal_after`` has passed.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

EARLIEST_DAY, LATEST_DAY = date(1970, 1, 1), date(2200, 1, 1)
"""What people may ask for lies between them: no reading lies beyond, and far beyond arithmetic on days overflows."""
AHEAD_DAYS = 14
"""Partitions are made this many days ahead, so a week's outage of the daily job loses nothing."""


class Stream(StrEnum):
    """The two histories; the value is the name of the partitioned table."""

    METER_READINGS = "meter_readings"
    VEHICLE_READINGS = "vehicle_readings"


class PartitionState(StrEnum):
    """How far a partition is in the life of its day."""

    OPEN = "open"
    SEALED = "sealed"
    EXPORTED = "exported"
    DROPPED = "dropped"


class DayBounds(NamedTuple):
    """One UTC day: ``[start, end)``, and the instants at which its rows become late and it may be sealed."""

    day: date
    start: datetime
    end: datetime
    late_after: datetime
    seal_after: datetime


def bounds(day: date, grace: timedelta) -> DayBounds:
    """The bounds of a UTC day whose readings may arrive until ``grace`` after its end."""
    start, end = midnight(day), midnight(day + timedelta(days=1))
    return DayBounds(day, start, end, late_after=end + grace / 2, seal_after=end + grace)


def midnight(day: date) -> datetime:
    """The instant at which a UTC day begins."""
    return datetime.combine(day, time(), UTC)


def partition_name(stream: Stream, day: date) -> str:
    """The table's name, e.g. ``meter_readings_2026_02_08``."""
    return f"{stream}_{day:%Y_%m_%d}"


def utc_day(ts: datetime) -> date:
    """The UTC day an aware instant lies in."""
    return ts.astimezone(UTC).date()


def days_between(first: date, last: date) -> Iterator[date]:
    """Each day from ``first`` to ``last``, both included; none where ``last`` is earlier."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def days_to_make_ahead(now: datetime, accepted_age: timedelta) -> Iterator[date]:
    """The days whose partitions must exist at ``now``: the whole accepted window and two weeks ahead."""
    return days_between(utc_day(now - accepted_age), utc_day(now) + timedelta(days=AHEAD_DAYS))
