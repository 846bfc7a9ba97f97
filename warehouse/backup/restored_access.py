"""Who may do what in a restored home: as it was last known, also where the rest is as it was before.

A token that was revoked, or a user who was disabled, after the instant that somebody wants back must not be let in
again: the archive goes on behind that instant, so it knows.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from warehouse import sqlfiles
from warehouse.backup.recover import Choice, recover
from warehouse.backup.target import BackupTarget
from warehouse.counted import counted
from warehouse.owners_rights import as_owner_of
from warehouse.postgres.audit.later_entries import bring_back, later_entries
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import find_revision, head_revision

_PACKAGE = "warehouse.backup"
_MOST_NAMED = 10
_SINCE = "0022"
"""The revision from which on there are both tokens and users."""

Access = dict[str, list[dict[str, Any]]]
"""The rows of ``tokens`` and of ``users``, and of ``audit_log`` those that are later than the instant."""


@dataclass(frozen=True)
class Doors:
    """Who gets in: how many, and by name those who came after an instant."""

    tokens: int
    users: int
    newer_tokens: list[str]
    newer_users: list[str]


def newest_access(
    target: BackupTarget, choice: Choice, server: EmbeddedPostgres, say: Callable[[str], None]
) -> Access | None:
    """What the end of the archive says, by recovering to it; nothing of that stays. None: there was no such thing yet.

    Raises: as ``recover``.
    """
    say("who may do what is taken from the end of the archive, so all of it is gone through first")
    url = recover(target, choice.to_the_end(), server, say)
    with connect(url) as connection:
        revision = find_revision(connection) or ""
    if revision <= head_revision():  # a newer one has other columns, which are left out
        migrate(url)
    with connect(url) as connection:
        access = _read(connection, choice.until) if revision >= _SINCE else None
    server.stop()
    with as_owner_of(server.home):
        shutil.rmtree(server.data)
    return access


def settle_access(connection: psycopg.Connection, newest: Access | None) -> None:
    """Have nobody signed in, and tokens and users be as they were last known."""
    with connection.transaction():
        connection.execute(sqlfiles.load(_PACKAGE, "forget_sign_ins"))
        if newest is None:
            return
        connection.execute(sqlfiles.load(_PACKAGE, "merge_tokens"), {"tokens": Jsonb(newest["tokens"])})
        connection.execute(sqlfiles.load(_PACKAGE, "delete_users"))
        connection.execute(sqlfiles.load(_PACKAGE, "insert_users"), {"users": Jsonb(newest["users"])})
        connection.execute(sqlfiles.load(_PACKAGE, "set_next_user"))
        bring_back(connection, newest["audit_log"])


def words_of_access(connection: psycopg.Connection, restored: datetime, known: datetime) -> list[str]:
    """Who gets in now, in sentences. ``restored``: the instant of all else; ``known``: until when this is known."""
    with connection.cursor(row_factory=class_row(Doors)) as cursor:
        doors = cursor.execute(sqlfiles.load(_PACKAGE, "list_doors"), {"after": restored}).fetchone()
    assert doors is not None  # noqa: S101 - it has one row
    said = [
        f"{counted(doors.tokens, 'token')} and {counted(doors.users, 'user')} get in, as far as the archive knows, "
        f"until {known:%Y-%m-%d %H:%M:%S}Z: what was revoked or disabled after that is NOT, so do it again "
        f"(fleetwatt tokens list, tokens revoke ID, users disable NAME)"
    ]
    newer = [*doors.newer_tokens, *doors.newer_users]
    if newer:
        more = f" and {len(newer) - _MOST_NAMED} more" if len(newer) > _MOST_NAMED else ""
        said.append(
            f"made after the instant that was restored, and let in: {', '.join(newer[:_MOST_NAMED])}{more}; if they "
            f"are why it is restored, revoke them"
        )
    return said


def _read(connection: psycopg.Connection, instant: datetime) -> Access:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(sqlfiles.load(_PACKAGE, "list_access")).fetchone()
    assert row is not None  # noqa: S101 - it has one row
    return {**row, "audit_log": later_entries(connection, instant)}
