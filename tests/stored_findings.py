"""Findings and events written into the tables as the pipeline and people do: for tests of what is told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from tests.alerted_findings import finding

NO_DETAILS: Mapping[str, Any] = {}


def add_finding(connection: psycopg.Connection, number: int = 1, **given: Any) -> UUID:
    """Add the finding with this number, with its devices; returns its id."""
    connection.execute("INSERT INTO meters (external_id) VALUES (%s) ON CONFLICT DO NOTHING", [f"meter-{number}"])
    connection.execute("INSERT INTO vehicles (external_id) VALUES (%s) ON CONFLICT DO NOTHING", [f"veh-{number}"])
    ids = connection.execute(
        "SELECT meter_id, vehicle_id FROM meters, vehicles WHERE meters.external_id = %s AND vehicles.external_id = %s",
        [f"meter-{number}", f"veh-{number}"],
    ).fetchone()
    assert ids is not None
    row = {**finding(number), "meter_id": ids[0], "vehicle_id": ids[1], **given}
    del row["current_state"]
    statement = SQL("INSERT INTO findings ({}) VALUES ({})").format(
        SQL(", ").join(map(Identifier, row)), SQL(", ").join(SQL("%s") for _ in row)
    )
    connection.execute(statement, list(row.values()))
    return UUID(row["finding_id"])


def add_event(
    connection: psycopg.Connection,
    finding_id: UUID,
    event: str,
    happened_at: datetime | None = None,
    *,
    actor: str = "pipeline",
    note: str | None = None,
    details: Mapping[str, Any] = NO_DETAILS,
    **changed: Any,
) -> int:
    """Add an event and what it ``changed`` of the finding; returns the event's number."""
    if "state" in changed:
        changed = {"snoozed_until": None, "resolved_at": None, **changed}
    if changed:
        assignments = SQL(", ").join(SQL("{} = %s").format(Identifier(column)) for column in changed)
        statement = SQL("UPDATE findings SET {} WHERE finding_id = %s").format(assignments)
        connection.execute(statement, [*changed.values(), finding_id])
    row = connection.execute(
        "INSERT INTO finding_events (finding_id, happened_at, actor, event, note, details, revision) "
        "VALUES (%s, coalesce(%s, clock_timestamp()), %s, %s, %s, %s, 1) RETURNING event_id",
        [finding_id, happened_at, actor, event, note, Jsonb(dict(details))],
    ).fetchone()
    assert row is not None
    return int(row[0])
