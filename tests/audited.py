"""The audit log as tests look at it: what was written since."""

from collections.abc import Callable
from typing import Any

import psycopg

from warehouse.postgres.audit.reads import Asked, list_entries

MOST = 10_000
Entry = dict[str, Any]


def audited(connection: psycopg.Connection, **asked: Any) -> list[Entry]:
    """The entries, the oldest first."""
    page = list_entries(connection, Asked(limit=MOST, **asked))
    return [dict(row) for row in reversed(page.entries)]


def audited_by(connection: psycopg.Connection, act: Callable[[], object]) -> list[Entry]:
    """What an act writes."""
    before = len(audited(connection))
    act()
    return audited(connection)[before:]


def told(entry: Entry) -> tuple[str, str, Any, Any]:
    """What was done to what, and how it was before and after."""
    return entry["action"], f"{entry['subject_kind']} {entry['subject']}", entry["before"], entry["after"]
