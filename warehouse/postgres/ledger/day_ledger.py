"""The ledger: the truth about every day, and the only place that changes it.

    open -> sealed -> exported -> dropped

A day is *dirty* when rows came in after its exported version's snapshot; it is *to be built* when something its models
read has changed. Dagster shows days and moves them on, but asks here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
from psycopg.rows import class_row
from psycopg.sql import SQL, Identifier

from warehouse import sqlfiles
from warehouse.contract.errors import FleetwattError
from warehouse.contract.partitions import PartitionState, Stream, midnight, partition_name
from warehouse.postgres.ledger.partition_figures import Figures

_PACKAGE = "warehouse.postgres.ledger"


class DayNotKnownError(FleetwattError):
    """The day has no partition"""

    code = "day_not_known"


class DayNotClosedError(FleetwattError):
    """The day is not closed yet"""

    code = "day_not_closed"


@dataclass(frozen=True)
class StreamDay:
    """One day of one stream as the ledger knows it. ``energy_mwh`` is the sum of the registers, for comparison only."""

    stream: str
    day: date
    state: PartitionState
    seal_after: datetime
    version: int
    row_count: int | None
    energy_mwh: Decimal | None
    first_ts: datetime | None
    last_ts: datetime | None
    device_count: int | None
    exported_late_row_count: int
    late_row_count: int

    @property
    def figures(self) -> Figures | None:
        """What the exported version holds; ``None`` where there is none."""
        if self.row_count is None or self.energy_mwh is None or self.device_count is None:
            return None
        return Figures(self.row_count, self.energy_mwh, self.first_ts, self.last_ts, self.device_count)

    @property
    def is_dirty(self) -> bool:
        """Whether rows came in after the exported version's snapshot."""
        return self.state == PartitionState.EXPORTED and self.late_row_count != self.exported_late_row_count

    @property
    def needs_export(self) -> bool:
        """Whether the lake does not have this day as it is."""
        return self.state == PartitionState.SEALED or self.is_dirty


@dataclass(frozen=True)
class DayToRun:
    """A closed day that the lake does not have as it is."""

    day: date
    meter_version: int
    vehicle_version: int
    requested: int
    built: int
    is_unexported: bool
    is_dirty: bool
    was_sealed: bool


def stream_day(connection: psycopg.Connection, stream: Stream, day: date) -> StreamDay:
    """What the ledger says of one day of one stream.

    Raises:
        DayNotKnownError: it says nothing: there is no partition.
    """
    with connection.cursor(row_factory=class_row(StreamDay)) as cursor:
        found = cursor.execute(sqlfiles.load(_PACKAGE, "find_stream_day"), {"stream": stream, "day": day}).fetchone()
    if found is None:
        raise DayNotKnownError(f"{stream} has no partition of {day}; readings or an import of that day make one")
    return found


def late_row_count(connection: psycopg.Connection, stream: Stream, day: date) -> int:
    """How many readings of a day came in after its grace."""
    parameters = {"stream": stream, "day": day}
    ((count,),) = connection.execute(sqlfiles.load(_PACKAGE, "sum_late_rows"), parameters).fetchall()
    return int(count)


def days_past_retention(connection: psycopg.Connection, kept_for: timedelta) -> list[tuple[Stream, date]]:
    """Whose time is over, oldest first."""
    found = connection.execute(sqlfiles.load(_PACKAGE, "find_days_past_retention"), {"retention": kept_for})
    return [(Stream(stream), day) for stream, day in found]


def dropped_streams(connection: psycopg.Connection, day: date) -> list[Stream]:
    """The streams whose readings of a day PostgreSQL no longer has: the lake's file is all there is."""
    found = connection.execute(sqlfiles.load(_PACKAGE, "find_dropped_streams"), {"day": day})
    return [Stream(stream) for (stream,) in found.fetchall()]


def days_to_run(connection: psycopg.Connection) -> list[DayToRun]:
    """The closed days with readings that are not in the lake as they are, oldest first."""
    with connection.cursor(row_factory=class_row(DayToRun)) as cursor:
        found = cursor.execute(sqlfiles.load(_PACKAGE, "find_days_to_run")).fetchall()
    return [each for each in found if each.was_sealed or _has_readings(connection, each.day)]


def first_day_with_readings(connection: psycopg.Connection) -> date | None:
    """The earliest day that has readings, or had: what was dropped from PostgreSQL is in the lake."""
    days = connection.execute(sqlfiles.load(_PACKAGE, "list_days")).fetchall()
    return next((day for day, was_sealed in days if was_sealed or _has_readings(connection, day)), None)


def is_without_readings(connection: psycopg.Connection, day: date) -> bool:
    """Whether there is nothing to run for this day: never sealed, and no reading came."""
    try:
        known_days = [stream_day(connection, stream, day) for stream in Stream]
    except DayNotKnownError:
        return True
    return all(known.state == PartitionState.OPEN for known in known_days) and not _has_readings(connection, day)


def is_open_until(connection: psycopg.Connection, day: date) -> datetime | None:
    """When this day, of which there are readings, can be sealed; ``None`` where it is or can be now."""
    known_days = [stream_day(connection, stream, day) for stream in Stream]
    if any(known.state != PartitionState.OPEN for known in known_days):
        return None
    seal_after = max(known.seal_after for known in known_days)
    return seal_after if seal_after > datetime.now(UTC) else None


def seal(connection: psycopg.Connection, day: date) -> list[Stream]:
    """Seal both streams of a closed day, and vacuum what was sealed, so that window queries over it stay index-only.

    The connection must be in autocommit. Nothing is locked: late rows still come in, and make the day dirty later.

    Raises:
        DayNotClosedError: the database's clock has not passed ``seal_after``.
        DayNotKnownError: there is no partition.
    """
    sealed = [Stream(row[0]) for row in connection.execute(sqlfiles.load(_PACKAGE, "seal_day"), {"day": day})]
    for stream in Stream:
        known = stream_day(connection, stream, day)
        if known.state == PartitionState.OPEN:
            raise DayNotClosedError(f"{day} can be sealed from {known.seal_after:%Y-%m-%d %H:%M} UTC on")
    for stream in sealed:
        connection.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(partition_name(stream, day))))
    return sealed


def request_build(connection: psycopg.Connection, day: date, reason: str) -> None:
    """Queue a rebuild of a day's models."""
    connection.execute(sqlfiles.load(_PACKAGE, "request_build"), {"day": day, "reason": reason})


def begin_build(connection: psycopg.Connection, day: date) -> None:
    """Note which requests the build that now begins will satisfy; one that comes later stays open."""
    connection.execute(sqlfiles.load(_PACKAGE, "begin_build"), {"day": day})


def confirm_build(connection: psycopg.Connection, day: date) -> None:
    """Note that the day's models satisfy the requests from before the build began."""
    connection.execute(sqlfiles.load(_PACKAGE, "confirm_build"), {"day": day})


def confirm_export(
    connection: psycopg.Connection, stream: Stream, day: date, figures: Mapping[str, object], late_row_count: int
) -> None:
    """Note what the exported version holds, in the transaction that confirms its file.

    ``figures``: row_count, energy_mwh, first_ts, last_ts, device_count.
    """
    parameters = {**figures, "stream": stream, "day": day, "late_row_count": late_row_count}
    connection.execute(sqlfiles.load(_PACKAGE, "confirm_export"), parameters)


def _has_readings(connection: psycopg.Connection, day: date) -> bool:
    parameters = {"starts_at": midnight(day), "ends_at": midnight(day + timedelta(days=1))}
    row = connection.execute(sqlfiles.load(_PACKAGE, "find_any_reading"), parameters).fetchone()
    return row is not None and bool(row[0])
