"""What became of each event of a finding, as far as people are told of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row

from warehouse import sqlfiles
from warehouse.postgres.alerts.deliveries import WAITS_AT_MOST

_PACKAGE = "warehouse.postgres.alerts"
_LOCK = 0x616C6572
"""'aler' in ASCII: who decides what is told does so alone."""
MOST_AT_ONCE = 5_000
"""Events that are decided on in one transaction: all but what alerts find that are switched on after a year."""


class Outcome(StrEnum):
    """What became of an event."""

    TOLD = "told"
    STORM = "storm"
    TO_DIGEST = "to_digest"
    DIGESTED = "digested"
    QUIET = "quiet"


@dataclass(frozen=True)
class FindingEvent:
    """An event, and its ``finding`` as it is now: the columns of the table, instants and days in ISO 8601, and
    ``current_state``, which is open where a snooze has run out.

    ``meter``, ``vehicle``: as people know them. ``event_before``: what last decided the finding's state before, with
    the end of the snooze where it was one; ``told_event``: what people were last told of it.
    """

    event_id: int
    event: str
    actor: str
    note: str | None
    happened_at: datetime
    meter: str | None
    vehicle: str | None
    finding: Mapping[str, Any]
    event_before: str | None = None
    snoozed_until_before: datetime | None = None
    told_event: str | None = None
    is_told_worse_today: bool = False

    @property
    def finding_id(self) -> UUID:
        """Whose event it is."""
        return UUID(self.finding["finding_id"])


@dataclass(frozen=True)
class Mark:
    """What is decided of an event, and why where nobody is told."""

    event: FindingEvent
    outcome: Outcome
    why: str | None = None


@dataclass(frozen=True)
class AlertWork:
    """What there is to do now. ``untold``: the newest event that nobody has looked at; ``due_since``: of what is due
    the latest instant at which it was to be sent.
    """

    untold: int | None
    due_since: datetime | None
    is_digest_missing: bool


def lock_alerts(transaction: psycopg.Connection) -> None:
    """One transaction at a time decides what is told, until it ends."""
    transaction.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def untold_events(connection: psycopg.Connection, midnight: datetime, now: datetime) -> list[FindingEvent]:
    """The oldest that nobody has looked at; ``midnight``: since when a day is today."""
    with connection.cursor(row_factory=class_row(FindingEvent)) as cursor:
        parameters = {"midnight": midnight, "now": now, "most": MOST_AT_ONCE}
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_untold_events"), parameters).fetchall()


def digest_events(connection: psycopg.Connection, now: datetime) -> list[FindingEvent]:
    """What waits for the digest, oldest first."""
    with connection.cursor(row_factory=class_row(FindingEvent)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_digest_events"), {"now": now}).fetchall()


def mark_events(transaction: psycopg.Connection, marks: Iterable[Mark], now: datetime) -> None:
    """Note what was decided. An event is marked once."""
    rows = [
        {
            "event_id": mark.event.event_id,
            "finding_id": mark.event.finding_id,
            "outcome": mark.outcome,
            "why": mark.why,
            "now": now,
        }
        for mark in marks
    ]
    with transaction.cursor() as cursor:
        cursor.executemany(sqlfiles.load(_PACKAGE, "mark_events"), rows)


def mark_digested(transaction: psycopg.Connection, event_ids: Sequence[int]) -> None:
    """Note that these were in a digest."""
    transaction.execute(sqlfiles.load(_PACKAGE, "mark_digested"), {"event_ids": list(event_ids)})


def count_told(connection: psycopg.Connection, midnight: datetime) -> int:
    """Messages of single findings since then."""
    row = connection.execute(sqlfiles.load(_PACKAGE, "count_told"), {"midnight": midnight}).fetchone()
    return row[0] if row else 0


def open_findings(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """How many are unresolved, and what they cost a month: a row a currency."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "sum_open_findings")).fetchall()


def alert_work(connection: psycopg.Connection, digest_key: str, now: datetime) -> AlertWork:
    """What there is to do; ``digest_key``: of today's digest."""
    with connection.cursor(row_factory=class_row(AlertWork)) as cursor:
        parameters = {"digest_key": digest_key, "now": now, "latest": now + WAITS_AT_MOST}
        (found,) = cursor.execute(sqlfiles.load(_PACKAGE, "find_alert_work"), parameters).fetchall()
    return found
