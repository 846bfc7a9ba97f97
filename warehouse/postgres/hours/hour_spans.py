"""Whole hours of devices, and what of them can be rewritten: no more than the readings that are still here tell."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg

from warehouse import sqlfiles
from warehouse.contract.partitions import midnight, utc_day
from warehouse.contract.tables import DeviceKind
from warehouse.decoding.reading_columns import microseconds
from warehouse.postgres.binary_arrays import Int4Array, TimestamptzArray

_PACKAGE = "warehouse.postgres.hours"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Span(NamedTuple):
    """Whole hours of a device."""

    device_id: int
    starts_at: datetime
    ends_at: datetime


def parameters(kind: DeviceKind, spans: Sequence[Span]) -> dict[str, object]:
    """The spans as the statements take them, by column."""
    device_ids, starts_at, ends_at = zip(*spans, strict=True)
    return {
        "kind": kind,
        "device_ids": Int4Array(device_ids),
        "starts_at": TimestamptzArray([microseconds(ts) for ts in starts_at]),
        "ends_at": TimestamptzArray([microseconds(ts) for ts in ends_at]),
        "first": min(starts_at),  # known when the statement is planned: partitions outside are left out
        "last": max(ends_at),
    }


def without_dropped_days(connection: psycopg.Connection, kind: DeviceKind, spans: Sequence[Span]) -> list[Span]:
    """The same spans less the days whose readings were dropped: their hours stay as they are."""
    dropped = _dropped_days(connection, kind, spans)
    return [part for span in spans for part in _parts(span, dropped)] if dropped else list(spans)


def known_again(connection: psycopg.Connection, kind: DeviceKind, spans: Sequence[Span]) -> list[Span]:
    """Of hours that are written, those that can be computed again.

    Neither the hours of dropped days, nor a device's first hour after one: the reading that its first step began from
    was dropped, and rewritten, the hour would have lost that step.
    """
    dropped = _dropped_days(connection, kind, spans)
    if not dropped:
        return list(spans)
    found: list[Span] = []
    behind: list[Span] = []
    for part in (part for span in spans for part in _parts(span, dropped)):
        (behind if midnight(utc_day(part.starts_at)) - DAY in dropped else found).append(part)
    return found + [
        span._replace(starts_at=hour + HOUR)
        for span, hour in _first_hours(connection, kind, behind)
        if hour + HOUR < span.ends_at
    ]


def _first_hours(
    connection: psycopg.Connection, kind: DeviceKind, spans: Sequence[Span]
) -> Iterator[tuple[Span, datetime]]:
    """Each span and the first hour of it that is written; a span without any has nothing to compute again."""
    if not spans:
        return
    query = sqlfiles.load(_PACKAGE, "find_first_device_hours")
    for place, hour in connection.execute(query, parameters(kind, spans)):
        yield spans[place - 1], hour


def _dropped_days(connection: psycopg.Connection, kind: DeviceKind, spans: Sequence[Span]) -> set[datetime]:
    """Their midnights, from the day before the spans on."""
    if not spans:
        return set()
    days = {
        "stream": kind.readings,
        "first_day": utc_day(min(span.starts_at for span in spans) - DAY),
        "last_day": utc_day(max(span.ends_at for span in spans)),
    }
    return {midnight(day) for (day,) in connection.execute(sqlfiles.load(_PACKAGE, "list_dropped_days"), days)}


def _parts(span: Span, dropped: set[datetime]) -> Iterator[Span]:
    """What is left of the span between the dropped days."""
    start = span.starts_at
    for day in sorted(dropped):
        if start < day + DAY and day < span.ends_at:
            if start < day:
                yield span._replace(starts_at=start, ends_at=day)
            start = day + DAY
    if start < span.ends_at:
        yield span._replace(starts_at=start)
