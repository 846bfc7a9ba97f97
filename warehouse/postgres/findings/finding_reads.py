"""Findings as people and programs read them: filtered, sorted, page by page; one with its events.

A statement and its parameters, so that a pool of async connections can ask the same.
"""

import base64
import binascii
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL

from warehouse import sqlfiles
from warehouse.contract.errors import FindingNotFoundError, InvalidRequestError

_PACKAGE = "warehouse.postgres.findings"
_NOT_OURS = "the cursor is none that an answer in this order gave; begin again without one"
SHORTEST_BEGINNING = 4
"""Characters by which an id may be called."""
_IDS_BEGINNING = re.compile(rf"[0-9a-f-]{{{SHORTEST_BEGINNING},36}}").fullmatch
FindingRow = Mapping[str, Any]
"""Columns of ``findings``, with ``vehicle_external_id`` and ``meter_external_id`` as the devices are called now.

``current_state``: ``state``, but open where a snooze has run out.
"""


class Sort(StrEnum):
    """What comes first: the most of it, then the most kWh a month. What is not known comes last."""

    COST_PER_MONTH = "cost_per_month"
    COST = "cost"
    KWH_PER_MONTH = "kwh_per_month"
    POINTS = "points"
    SEVERITY = "severity"
    OPENED_ON = "opened_on"


@dataclass(frozen=True)
class Asked:
    """Which findings, and in which order; what is empty or ``None`` asks for all.

    ``subject``: the external id of a vehicle or a meter. ``since``: opened on this day or later.
    """

    states: Collection[str] = ()
    rules: Collection[str] = ()
    severities: Collection[str] = ()
    kinds: Collection[str] = ()
    subject: str | None = None
    min_cost_per_month: float | None = None
    since: date | None = None
    sort: Sort = Sort.COST_PER_MONTH
    limit: int = 100
    cursor: str | None = None


class Question(NamedTuple):
    """A statement, and its parameters."""

    statement: SQL
    parameters: Mapping[str, Any]


class Page(NamedTuple):
    """Findings, and the cursor of those behind them; ``None``: that is all."""

    findings: Sequence[FindingRow]
    next_cursor: str | None


def list_question(asked: Asked, now: datetime | None = None) -> Question:
    """Asks for a page and one row more.

    Raises:
        InvalidRequestError: the cursor is none of ours.
    """
    key, second_key, finding_id = _position(asked.cursor, asked.sort) if asked.cursor else (None, None, None)
    lists = {name: list(getattr(asked, name)) or None for name in ("states", "rules", "severities", "kinds")}
    parameters = {
        **lists,
        "subject": asked.subject,
        "min_cost_per_month": asked.min_cost_per_month,
        "since": asked.since,
        "sort": asked.sort.value,
        "after_key": key,
        "after_second_key": second_key,
        "after_id": finding_id,
        "limit": asked.limit + 1,
        "now": now or datetime.now(UTC),
    }
    return Question(sqlfiles.load(_PACKAGE, "list_findings"), parameters)


def page_of(rows: Sequence[FindingRow], asked: Asked) -> Page:
    """What ``list_question`` found, as a page."""
    if len(rows) <= asked.limit:
        return Page(rows, None)
    last = rows[asked.limit - 1]
    position = f"{asked.sort} {last['sort_key']!r} {last['second_key']!r} {last['finding_id']}"
    return Page(rows[: asked.limit], base64.urlsafe_b64encode(position.encode()).decode())


def _position(cursor: str, sort: Sort) -> tuple[float, float, UUID]:
    """A place in this order; one in another order would skip findings without a word."""
    try:
        order, key, second_key, finding_id = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii").split(" ")
        position = float(key), float(second_key), UUID(finding_id)
    except (ValueError, binascii.Error) as error:
        raise InvalidRequestError(_NOT_OURS) from error
    if order != sort or math.isnan(position[0]) or math.isnan(position[1]):
        raise InvalidRequestError(_NOT_OURS)
    return position


def finding_question(finding_id: UUID, now: datetime | None = None) -> Question:
    """Asks for one finding."""
    parameters = {"finding_id": finding_id, "now": now or datetime.now(UTC)}
    return Question(sqlfiles.load(_PACKAGE, "find_finding"), parameters)


def events_question(finding_id: UUID) -> Question:
    """Asks for what happened to a finding, in that order."""
    return Question(sqlfiles.load(_PACKAGE, "list_events"), {"finding_id": finding_id})


def list_findings(connection: psycopg.Connection, asked: Asked, now: datetime | None = None) -> Page:
    """A page of findings."""
    return page_of(_rows(connection, list_question(asked, now)), asked)


def find_finding(connection: psycopg.Connection, finding_id: UUID, now: datetime | None = None) -> FindingRow:
    """One finding.

    Raises:
        FindingNotFoundError: there is none with this id.
    """
    return the_finding(_rows(connection, finding_question(finding_id, now)), finding_id)


def find_finding_id(connection: psycopg.Connection, given: str) -> UUID:
    """The id of the finding that is called so: by its id, or by a beginning of it that no other has.

    Raises:
        InvalidRequestError: it is no id, or the beginning of several.
        FindingNotFoundError: no finding is called so.
    """
    beginning = given.lower()
    if not _IDS_BEGINNING(beginning):
        raise InvalidRequestError(f"{given!r} is no id of a finding, nor the first {SHORTEST_BEGINNING} or more of one")
    found = _rows(connection, Question(sqlfiles.load(_PACKAGE, "list_ids_beginning"), {"beginning": beginning}))
    if len(found) > 1:
        raise InvalidRequestError(f"several findings have an id that begins with {given}; write more of it")
    if not found:
        raise FindingNotFoundError(f"no finding has the id {given}")
    return UUID(str(found[0]["finding_id"]))


def the_finding(rows: Sequence[FindingRow], finding_id: UUID) -> FindingRow:
    """What ``finding_question`` found.

    Raises:
        FindingNotFoundError: nothing.
    """
    if not rows:
        raise FindingNotFoundError(f"no finding has the id {finding_id}")
    return rows[0]


def list_events(connection: psycopg.Connection, finding_id: UUID) -> Sequence[Mapping[str, Any]]:
    """What happened to a finding, in that order."""
    return _rows(connection, events_question(finding_id))


def _rows(connection: psycopg.Connection, question: Question) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(question.statement, question.parameters).fetchall()
