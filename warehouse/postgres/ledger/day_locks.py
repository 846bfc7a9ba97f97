"""Who works on which day: advisory locks, by the number of the day, which end with their connection at the latest."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import psycopg

_DAY_LOCK = 0x64617973
"""'days' in ASCII: the first key of the advisory locks; the second is the day."""
_MANY_DAYS = 0
"""No day has this number: it stands for all that wait."""


@contextmanager
def day_held(connection: psycopg.Connection, day: date) -> Iterator[None]:
    """Hold a day: one worker at a time, and no import meanwhile. Waits; ends with the connection at the latest."""
    key = (_DAY_LOCK, day.toordinal())
    connection.execute("SELECT pg_advisory_lock(%s, %s)", key)
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s, %s)", key)


@contextmanager
def holding_days(connection: psycopg.Connection) -> Iterator[Callable[[date], None]]:
    """Hold days for an import, beside other imports: call what this yields with each day that is touched.

    Workers wait for the end of the block, and the sensor passes these days by. A killed import holds nothing.
    """
    held: list[tuple[int, int]] = []

    def hold(day: date) -> None:
        connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (_DAY_LOCK, day.toordinal()))
        held.append((_DAY_LOCK, day.toordinal()))

    try:
        yield hold
    finally:
        if not connection.broken:
            for key in held:
                connection.execute("SELECT pg_advisory_unlock_shared(%s, %s)", key)


def is_held(connection: psycopg.Connection, day: date) -> bool:
    """Whether somebody works on the day or imports into it right now."""
    return _is_locked(connection, day.toordinal())


def _is_locked(connection: psycopg.Connection, number: int) -> bool:
    key = (_DAY_LOCK, number)
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
    if row is None or not row[0]:
        return True
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", key)
    return False


@contextmanager
def making_many_days(connection: psycopg.Connection) -> Iterator[None]:
    """One process makes all days that wait, one after the other; the sensor asks for none of them meanwhile.

    Waits for another one; ends with the connection at the latest.
    """
    key = (_DAY_LOCK, _MANY_DAYS)
    connection.execute("SELECT pg_advisory_lock(%s, %s)", key)
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def are_many_being_made(connection: psycopg.Connection) -> bool:
    """Whether some process makes all days that wait."""
    return _is_locked(connection, _MANY_DAYS)
