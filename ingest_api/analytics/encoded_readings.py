"""A device's readings as ``sql/read_window.sql`` encodes them: one binary value, decoded as a numpy array."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from warehouse.postgres.binary_arrays import POSTGRES_EPOCH_US, Float4Array, Float8Array, TimestamptzArray

READING = np.dtype(
    [
        ("us", TimestamptzArray.element["value"]),
        ("kwh", Float8Array.element["value"]),
        ("temperature", Float4Array.element["value"]),
    ]
)
"""Instants are microseconds since PostgreSQL's epoch, a missing temperature is NaN."""
_EPOCH = datetime.fromtimestamp(POSTGRES_EPOCH_US // 1_000_000, UTC)


def decoded(readings: bytes) -> npt.NDArray[Any]:
    """The readings in order of time, columns ``us``, ``kwh`` (kWh) and ``temperature`` (Celsius)."""
    return np.frombuffer(readings, READING)


def within(readings: bytes, first: datetime, last: datetime) -> bytes | None:
    """Those from ``first`` to ``last``, both included, still encoded; ``None`` where there are none."""
    us = decoded(readings)["us"].astype(np.int64)
    begin, end = us.searchsorted([microseconds(first), microseconds(last) + 1])
    return readings[begin * READING.itemsize : end * READING.itemsize] or None


def microseconds(instant: datetime) -> int:
    """Since PostgreSQL's epoch."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instant(us: int) -> datetime:
    """The instant of so many microseconds."""
    return _EPOCH + timedelta(microseconds=int(us))
