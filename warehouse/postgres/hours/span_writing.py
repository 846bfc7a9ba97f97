"""Writes the energy of spans of hours: the fast path for registers that only grew, the energy rule for the others.

Of devices that have corrections the readings are read as they count; of all others as they are, by the same statements.
"""

from collections.abc import Sequence
from datetime import datetime

import psycopg
from psycopg.sql import Identifier

from warehouse import sqlfiles
from warehouse.contract.partitions import midnight, utc_day
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.hours.energy_rule import with_the_rule
from warehouse.postgres.hours.hour_spans import Span, parameters

_PACKAGE = "warehouse.postgres.hours"


def write_spans(connection: psycopg.Connection, kind: DeviceKind, spans: Sequence[Span]) -> None:
    """Write these hours in place of what is there, in the caller's transaction."""
    if not spans:
        return
    connection.execute(sqlfiles.load(_PACKAGE, "delete_device_hours"), parameters(kind, spans))
    find = sqlfiles.load(_PACKAGE, "find_corrected_devices").format(**names(kind))
    corrected = {device_id for (device_id,) in connection.execute(find)}
    received = [span for span in spans if span.device_id not in corrected]
    counting = [span for span in spans if span.device_id in corrected]
    if received:
        _write_from(connection, kind, kind.readings, received)
    if counting:
        _write_from(connection, kind, kind.counting_readings, counting)
        connection.execute(
            sqlfiles.load(_PACKAGE, "mark_corrected_hours").format(**names(kind)), parameters(kind, counting)
        )


def names(kind: DeviceKind) -> dict[str, Identifier]:
    """What the statements call the tables of one kind of device."""
    return {
        "devices": Identifier(kind.devices),
        "device_id": Identifier(kind.device_id),
        "latest": Identifier(kind.latest),
        "readings": Identifier(kind.readings),
        "counting_readings": Identifier(kind.counting_readings),
    }


def midnight_of(ts: datetime) -> datetime:
    """The begin of its UTC day."""
    return midnight(utc_day(ts))


def _write_from(connection: psycopg.Connection, kind: DeviceKind, read_from: str, spans: Sequence[Span]) -> None:
    named = {**names(kind), "readings": Identifier(read_from)}
    fast_path = with_the_rule(_PACKAGE, "write_plain_hours", **named)
    doubtful: dict[int, bool] = dict(connection.execute(fast_path, parameters(kind, spans)).fetchall())
    # Where the reading before may be a glitch, now that one came after it, the hours before are at stake too.
    by_rule = [
        span._replace(starts_at=midnight_of(span.starts_at)) if doubtful[span.device_id] else span
        for span in spans
        if span.device_id in doubtful
    ]
    if by_rule:
        connection.execute(sqlfiles.load(_PACKAGE, "delete_device_hours"), parameters(kind, by_rule))
        write = with_the_rule(_PACKAGE, "write_hours_by_rule", **named)
        connection.execute(write, parameters(kind, by_rule))
