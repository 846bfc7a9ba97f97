"""Sessions, standby and days out of PostgreSQL, newest first, a page at a time."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from psycopg.sql import SQL

from ingest_api.database import Connection, Row, fetch_all
from ingest_api.http.wire import read_day, read_rfc3339
from warehouse import sqlfiles
from warehouse.contract.errors import InvalidRequestError

_PACKAGE = "ingest_api.charging"
_NOT_OURS = "the cursor is none that an answer gave; begin again without one"


class SessionSpan(NamedTuple):
    """A vehicle's sessions that ended in ``[since, until)``, behind a cursor."""

    vehicle_id: int
    since: datetime | None
    until: datetime | None
    limit: int
    cursor: str


class StandbySpan(NamedTuple):
    """A meter's days in ``[since, until)``, behind a cursor."""

    meter_id: int
    since: date | None
    until: date | None
    limit: int
    cursor: str


class DaySpan(NamedTuple):
    """A vehicle's days since one, behind a cursor."""

    vehicle_id: int
    since: date
    limit: int
    cursor: str


class Chosen(NamedTuple):
    """The newest so many sessions of these ids, or, without ids, of a pair that ended in ``[since, until)``."""

    session_ids: Sequence[str] | None
    vehicle_id: int | None
    meter_id: int | None
    since: datetime | None
    until: datetime
    limit: int


async def list_sessions(connection: Connection, span: SessionSpan) -> tuple[list[Row], str | None]:
    """Rows of ``charging_sessions`` with the devices' ids, and the next cursor.

    Raises:
        InvalidRequestError: the cursor is none of ours.
    """
    before_at, before_id = _session_place(span.cursor) if span.cursor else (None, None)
    bounds = {
        "vehicle_id": span.vehicle_id,
        "since": span.since or "-infinity",
        "until": span.until or "infinity",
        "before_at": before_at or "infinity",
        "before_id": before_id or "",
        "limit": span.limit + 1,
    }
    of_vehicle = SQL("session.vehicle_id = %(vehicle_id)s")
    rows = await fetch_all(connection, sqlfiles.load(_PACKAGE, "list_sessions").format(chosen=of_vehicle), bounds)
    if len(rows) <= span.limit:
        return rows, None
    last = rows[span.limit - 1]
    return rows[: span.limit], _place(last)


async def list_chosen_sessions(connection: Connection, chosen: Chosen) -> list[Row]:
    """The same rows, newest first."""
    parameters = {**chosen._asdict(), "before_at": "infinity", "before_id": ""}
    if chosen.session_ids:
        parameters |= {"since": "-infinity", "until": "infinity"}
        condition = SQL("session.session_id = any(%(session_ids)s::text[])")
    else:
        parameters["since"] = chosen.since or "-infinity"
        condition = SQL("session.vehicle_id = %(vehicle_id)s AND session.meter_id = %(meter_id)s")
    return await fetch_all(connection, sqlfiles.load(_PACKAGE, "list_sessions").format(chosen=condition), parameters)


async def list_standby(connection: Connection, span: StandbySpan) -> tuple[list[Row], str | None]:
    """Rows of ``meter_standby``, and the next cursor.

    Raises:
        InvalidRequestError: the cursor is none of ours.
    """
    bounds = {
        "meter_id": span.meter_id,
        "since": span.since or "-infinity",
        "until": span.until or "infinity",
        **_behind(span),
    }
    return _page_of_days(await fetch_all(connection, sqlfiles.load(_PACKAGE, "list_standby"), bounds), span.limit)


async def list_days(connection: Connection, span: DaySpan) -> tuple[list[Row], str | None]:
    """Rows of ``daily_vehicle_efficiency``, and the next cursor.

    Raises:
        InvalidRequestError: the cursor is none of ours.
    """
    bounds = {"vehicle_id": span.vehicle_id, "since": span.since, **_behind(span)}
    return _page_of_days(await fetch_all(connection, sqlfiles.load(_PACKAGE, "list_vehicle_days"), bounds), span.limit)


def _behind(span: StandbySpan | DaySpan) -> dict[str, object]:
    return {"before": _day_place(span.cursor) if span.cursor else "infinity", "limit": span.limit + 1}


def _page_of_days(rows: list[Row], limit: int) -> tuple[list[Row], str | None]:
    return rows[:limit], rows[limit - 1]["day"].isoformat() if len(rows) > limit else None


def _place(row: Row) -> str:
    ended_at: datetime = row["ended_at"]
    return f"{ended_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}~{row['session_id']}"


def _session_place(cursor: str) -> tuple[datetime, str]:
    ended_at, _, session_id = cursor.partition("~")
    try:
        return read_rfc3339(ended_at), session_id.replace("\0", "")
    except ValueError as error:
        raise InvalidRequestError(_NOT_OURS) from error


def _day_place(cursor: str) -> date:
    try:
        return read_day(cursor)
    except ValueError as error:
        raise InvalidRequestError(_NOT_OURS) from error
