"""Writes ``device_hourly``: what each device's registers gained in each closed hour of the last eight days.

An hour is written once it is closed, from the day's partitions, for all devices at once. Readings come later too: a
day's readings are counted again for as long as some may have come, and the devices that have more now than were
written have the day's hours rewritten. Nothing here makes who stores readings wait.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles
from warehouse.contract.partitions import Stream, midnight
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.hours.hour_spans import DAY, HOUR, Span, known_again, without_dropped_days
from warehouse.postgres.hours.span_writing import midnight_of, names, write_spans
from warehouse.postgres.partitions.writers import wait_for_writers

_PACKAGE = "warehouse.postgres.hours"
_LOCK = 0x686F757273
"""'hours' in ASCII: one worker at a time."""

KEPT = timedelta(days=8)
"""How far before today's midnight hours are kept: the longest question is a week, and its first day is a whole one."""
SETTLING = timedelta(minutes=2)
"""How long after its end an hour waits: what a device sends once a minute is there by then."""
DEVICES_AT_A_TIME = 1000
"""Of those whose hours are rewritten, in one statement."""


class WrittenHours(NamedTuple):
    """The hours that were not there before, and of how many devices others were put right."""

    hours: Sequence[datetime]
    corrected_devices: int


@dataclass(frozen=True)
class DeviceHours:
    """What ``device_hourly`` holds: how many hours, and how many rows the newest of them has."""

    hours: int
    newest_hour: datetime | None
    size_bytes: int
    newest_rows: int


class _Written(NamedTuple):
    """The hours that are written: all of ``[first, until)`` but those of dropped days."""

    first: datetime
    until: datetime


def hours_to_write(connection: psycopg.Connection) -> list[datetime]:
    """The closed hours that are not written, oldest first; cheap to ask."""
    rows = connection.execute(sqlfiles.load(_PACKAGE, "find_hours_to_write"), {"kept": KEPT, "settling": SETTLING})
    return [hour for (hour,) in rows]


def device_hours(connection: psycopg.Connection) -> DeviceHours:
    """What is written now."""
    with connection.cursor(row_factory=class_row(DeviceHours)) as cursor:
        (found,) = cursor.execute(sqlfiles.load(_PACKAGE, "summarize_device_hours")).fetchall()
    return found


def write_closed_hours(connection: psycopg.Connection, say: Callable[[str], None]) -> WrittenHours:
    """Write what is missing, put right what has changed since it was written, and forget what is old.

    The connection must be in autocommit: each hour is a transaction, and whoever is killed leaves whole hours behind.
    """
    with _alone(connection):
        connection.execute(sqlfiles.load(_PACKAGE, "forget_old_hours"), {"kept": KEPT})
        corrected = _answer_requests(connection)
        hours = hours_to_write(connection)
        for hour in hours:
            _write_hour(connection, hour)
            say(f"{hour:%Y-%m-%d %H:%M} is written")
        corrected += _correct_changed_days(connection)
        if hours or corrected:
            connection.execute("VACUUM (ANALYZE) device_hourly")  # the fleet's question is index-only
    return WrittenHours(hours, corrected)


def _write_hour(connection: psycopg.Connection, hour: datetime) -> None:
    with connection.transaction():
        for kind in DeviceKind:
            query = sqlfiles.load(_PACKAGE, "list_reporting_devices").format(**names(kind))
            reporting = connection.execute(query, {"since": hour}).fetchall()
            write_spans(connection, kind, [Span(device_id, hour, hour + HOUR) for (device_id,) in reporting])
        connection.execute(sqlfiles.load(_PACKAGE, "confirm_hour"), {"hour": hour})


def _answer_requests(connection: psycopg.Connection) -> int:
    """Rewrite the hours of devices whose settings or mappings changed; returns how many devices they were."""
    written = _written(connection)
    take = sqlfiles.load(_PACKAGE, "take_hourly_requests")
    answered = 0
    while True:
        with connection.transaction():
            taken = connection.execute(take, {"at_a_time": DEVICES_AT_A_TIME}).fetchall()
            if not taken:
                return answered
            connection.execute(sqlfiles.load(_PACKAGE, "advance_written_at"))
            _hold_partitions(connection)
            for kind in DeviceKind:
                asked = [(device_id, since) for name, device_id, since in taken if name == kind]
                spans = _spans_since(asked, *written) if written else []
                write_spans(connection, kind, known_again(connection, kind, spans))
                answered += len(spans)


def _spans_since(asked: Iterable[tuple[int, datetime | None]], first: datetime, written_until: datetime) -> list[Span]:
    """From the midnight before the change on, or all there is; a device that was queued twice comes once."""
    starts: dict[int, datetime] = {}
    for device_id, since in asked:
        start = max(first, midnight_of(since)) if since else first
        if since is None or since < written_until:
            starts[device_id] = min(start, starts.get(device_id, start))
    return [Span(device_id, start, written_until) for device_id, start in starts.items()]


def _correct_changed_days(connection: psycopg.Connection) -> int:
    """Rewrite the hours of devices of which readings came in since; returns how many devices they were."""
    days = connection.execute(sqlfiles.load(_PACKAGE, "find_days_to_check")).fetchall()
    if any(is_settled for _, is_settled in days):
        for stream in Stream:  # a statement that was on time may not have committed yet
            wait_for_writers(connection, stream)
    corrected = 0
    with connection.transaction():
        # One snapshot: a reading that came between counting a day and writing its neighbour's hours would be in both
        # sums, and the step from it into a later day would stay as it was.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        _hold_partitions(connection)
        for kind in DeviceKind:
            changed = _changed_spans(connection, kind, [day for day, _ in days])
            spans = without_dropped_days(connection, kind, changed)
            for start in range(0, len(spans), DEVICES_AT_A_TIME):
                write_spans(connection, kind, spans[start : start + DEVICES_AT_A_TIME])
            corrected += len(changed)
        if corrected:
            connection.execute(sqlfiles.load(_PACKAGE, "advance_written_at"))
        for day in (day for day, is_settled in days if is_settled):
            connection.execute(sqlfiles.load(_PACKAGE, "confirm_day_check"), {"day": day})
    return corrected


def _changed_spans(connection: psycopg.Connection, kind: DeviceKind, days: Iterable[date]) -> list[Span]:
    """Of each device that has more readings than were written: from the first such day to the last at stake."""
    written = _written(connection)
    if written is None:
        return []
    query = sqlfiles.load(_PACKAGE, "find_changed_devices").format(**names(kind))
    spans: dict[int, Span] = {}
    for day in days:
        starts_at, ends_at = max(midnight(day), written.first), min(midnight(day) + DAY, written.until)
        bounds = {"kind": kind, "starts_at": starts_at, "ends_at": ends_at}
        for device_id, until in connection.execute(query, bounds):
            found = Span(device_id, starts_at, min(until, written.until))
            other = spans.get(device_id, found)
            spans[device_id] = Span(device_id, min(found.starts_at, other.starts_at), max(found.ends_at, other.ends_at))
    return list(spans.values())


def _written(connection: psycopg.Connection) -> _Written | None:
    ((first, until),) = connection.execute(sqlfiles.load(_PACKAGE, "find_written_hours")).fetchall()
    return _Written(first, until) if first else None


@contextmanager
def _alone(connection: psycopg.Connection) -> Iterator[None]:
    """One worker at a time; the other one waits, and then finds little to do."""
    connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _hold_partitions(connection: psycopg.Connection) -> None:
    """No day is dropped from here on until the transaction ends; before its snapshot, so that both tell the same."""
    for kind in DeviceKind:
        connection.execute(sqlfiles.load(_PACKAGE, "lock_partitions").format(**names(kind)))
