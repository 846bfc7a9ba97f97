"""What is read of the audit log: the newest first, a page at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL

from warehouse import sqlfiles
from warehouse.contract.audit import Action

_PACKAGE = "warehouse.postgres.audit"
EntryRow = Mapping[str, Any]
"""A row of ``list_entries.sql``."""


@dataclass(frozen=True)
class Asked:
    """Which entries; what is empty or ``None`` asks for all.

    ``since``, ``until``: from the first instant on, and before the second. ``actor``: the name of a user, an account or
    a token, the id of a token, or a kind of actor. ``subject``: the id of what it was done to. ``before``: the id of
    the last entry of the page before.
    """

    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    actions: Collection[Action] = ()
    subject: str | None = None
    limit: int = 100
    before: int | None = None


class Question(NamedTuple):
    """A statement, and its parameters."""

    statement: SQL
    parameters: Mapping[str, Any]


class Page(NamedTuple):
    """Entries, the newest first, and the id behind which there are older ones; ``None``: that is all."""

    entries: Sequence[EntryRow]
    next_before: int | None


def list_question(asked: Asked) -> Question:
    """Asks for a page and one row more."""
    parameters = {
        "since": asked.since,
        "until": asked.until,
        "actor": asked.actor,
        "actions": list(asked.actions) or None,
        "subject": asked.subject,
        "before": asked.before,
        "limit": asked.limit + 1,
    }
    return Question(sqlfiles.load(_PACKAGE, "list_entries"), parameters)


def page_of(rows: Sequence[EntryRow], asked: Asked) -> Page:
    """What ``list_question`` found, as a page."""
    if len(rows) <= asked.limit:
        return Page(rows, None)
    return Page(rows[: asked.limit], rows[asked.limit - 1]["entry_id"])


def list_entries(connection: psycopg.Connection, asked: Asked) -> Page:
    """A page of entries."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return page_of(cursor.execute(*list_question(asked)).fetchall(), asked)
