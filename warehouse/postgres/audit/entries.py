"""Writes what is done into the audit log, and is the only one that does: in the transaction of the change."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import psycopg
from psycopg.sql import SQL, Composable, Composed, Placeholder

from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, Origin
from warehouse.postgres.audit.acting import current_origin
from warehouse.postgres.audit.values import as_json, bounded_text

_PACKAGE = "warehouse.postgres.audit"


class Statement(NamedTuple):
    """A statement, and its parameters."""

    statement: Composed
    parameters: Mapping[str, Any]


def entries(action: Action, changes: Iterable[Change], origin: Origin | None = None) -> Statement:
    """What adds an entry for each change, by whoever acts now or by ``origin``: for connections of any colour."""
    by = origin or current_origin()
    changed = list(changes)
    # Of a token the database knows the name; others than the API may not look there.
    name: Composable = Placeholder("actor_name")
    if by.token_id:
        name = SQL("({})").format(sqlfiles.load(_PACKAGE, "find_token_name"))
    parameters = {
        "actor_kind": by.kind,
        "actor_name": by.name and bounded_text(by.name),
        "token_id": by.token_id,
        "action": action,
        "subject_kinds": [each.kind for each in changed],
        "subjects": [bounded_text(each.subject) for each in changed],
        "states_before": [as_json(each.before) for each in changed],
        "states_after": [as_json(each.after) for each in changed],
        "request_id": by.request_id and bounded_text(by.request_id),  # the client's own
        "address": by.address,
    }
    return Statement(sqlfiles.load(_PACKAGE, "add_entries").format(actor_name=name), parameters)


def record(connection: psycopg.Connection, action: Action, *changes: Change) -> None:
    """Add an entry for each change, within the transaction that makes it."""
    if changes:
        connection.execute(*entries(action, changes))
