"""Writes what a released day tells of findings, in the transaction that releases it."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from warehouse import sqlfiles
from warehouse.contract.findings import PIPELINE, SAME_FINDING_DAYS
from warehouse.postgres.findings.retelling import Retold, Row, retold

_PACKAGE = "warehouse.postgres.findings"
DATASET = "findings"
_LOCK = 0x66696E64
"""'find' in ASCII: the first key of an advisory lock."""
_WRITING = 1


def lock_findings(transaction: psycopg.Connection) -> None:
    """One transaction at a time changes findings, until it ends: events are seen in the order of their ids."""
    transaction.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, _WRITING))


def newest_told_day(connection: psycopg.Connection) -> date | None:
    """The newest day whose findings are released."""
    row = connection.execute(sqlfiles.load(_PACKAGE, "find_newest_told_day"), {"dataset": DATASET}).fetchone()
    return row[0] if row else None


def retell_findings(transaction: psycopg.Connection, told: Iterable[Row], day: date) -> list[Retold]:
    """Let findings follow what a day tells (rows of the mart). Whoever calls holds ``lock_findings``.

    The same again changes nothing. Returns what was written.
    """
    rows = [row for row in told if row["state"] != "suspected"]
    parameters = {
        "since": day - timedelta(days=SAME_FINDING_DAYS),
        "finding_ids": [str(row["finding_id"]) for row in rows],
    }
    with transaction.cursor(row_factory=dict_row) as cursor:
        known = cursor.execute(sqlfiles.load(_PACKAGE, "list_known_findings"), parameters).fetchall()
        before = {row["finding_id"]: row for row in known}
        changes = [each for each in retold(known, rows, day) if each.row != before.get(each.row["finding_id"])]
        for change in changes:
            _write(cursor, change)
    return changes


def _write(cursor: psycopg.Cursor[Any], change: Retold) -> None:
    row = change.row | {"event_count": len(change.events)}
    cursor.execute(sqlfiles.load(_PACKAGE, "add_finding" if change.is_new else "update_finding"), row)
    told = {name: change.row[name] for name in ("severity", "points", "kwh_per_month", "cost_per_month", "currency")}
    revision = 0 if change.is_new else change.row["revision"]
    for place, happened in enumerate(change.events, start=1):
        event = {
            "finding_id": change.row["finding_id"],
            "actor": PIPELINE,
            "event": happened.event,
            "note": happened.note,
            "revision": revision + place,
            "details": Jsonb({"day": change.row["day"].isoformat(), **told}),
        }
        cursor.execute(sqlfiles.load(_PACKAGE, "add_event"), event)
