"""People in the database: added, listed, given another password or role, disabled, removed.

Whatever changes who a user is or what a user may ends the user's sessions, by a trigger of the table.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.errors import (
    InvalidRequestError,
    LastAdministratorError,
    UserExistsError,
    UserNotFoundError,
)
from warehouse.contract.findings import PIPELINE
from warehouse.contract.sign_ins import account_digest
from warehouse.contract.users import Role, is_user_name, require_good_password
from warehouse.postgres.access.passwords import hash_password
from warehouse.postgres.audit.entries import record

_PACKAGE = "warehouse.postgres.access"
FIRST_USER = "fleetwatt users add NAME --role admin"
"""The command that makes it."""


@dataclass(frozen=True)
class User:
    """What is known of one; never the password's hash."""

    name: str
    role: str
    """Of a ``Role``."""
    created_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None
    issuer: str | None
    """The identity provider that vouches for the user; ``None``: a password does."""

    def record(self) -> dict[str, Any]:
        """All of it, as programs are shown it."""
        return {**asdict(self), "state": self.state}

    @property
    def state(self) -> str:
        """``enabled`` or ``disabled``."""
        return "disabled" if self.disabled_at else "enabled"


def add_user(connection: psycopg.Connection, name: str, role: Role, password: str) -> User:
    """Add one.

    Raises:
        InvalidRequestError: the name or the password cannot be.
        UserExistsError: there is one of this name, in capitals or not.
    """
    if not is_user_name(name):
        raise InvalidRequestError(
            "a user's name has up to 64 letters, digits and ._@+-, begins with a letter or digit, and is not "
            f"{PIPELINE}"
        )
    require_good_password(password, name)
    row = {"name": name, "role": role, "password_hash": hash_password(password)}
    with connection.transaction():
        if connection.execute(sqlfiles.load(_PACKAGE, "add_user"), row).fetchone() is None:
            raise UserExistsError(f"there is a user {name}; give another password with: fleetwatt users passwd {name}")
        _forget_failures(connection, name)
        added = _find(connection, name)
        _record(connection, Action.USER_ADD, added.name, None, added)
        return added


def list_users(connection: psycopg.Connection) -> list[User]:
    """All of them, by name."""
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "list_users")).fetchall()


def change_password(connection: psycopg.Connection, name: str, password: str) -> User:
    """Give a user another password; who is signed in has to sign in again, and failures are forgotten.

    Raises:
        UserNotFoundError: there is none of this name.
        InvalidRequestError: the password cannot be.
    """
    require_good_password(password, name)
    change = {"password_hash": hash_password(password)}
    with connection.transaction():
        user = _find(connection, name)
        if user.issuer:
            raise InvalidRequestError(f"{user.name} signs in by {user.issuer}, and has no password here")
        connection.execute(sqlfiles.load(_PACKAGE, "change_password"), {"name": user.name, **change})
        _forget_failures(connection, name)
        _record(connection, Action.USER_PASSWORD, user.name, user, user)
        return user


def change_role(connection: psycopg.Connection, name: str, role: Role, *, even_last: bool = False) -> User:
    """Have a user be something else from the next request on. ``even_last``: though nobody is an administrator then.

    Raises:
        UserNotFoundError: there is none of this name.
        LastAdministratorError: nobody would be one any more.
    """
    with connection.transaction():
        user = _find_beside_administrators(connection, name, even_last=even_last or role == Role.ADMIN)
        if user.role == role:
            return user
        connection.execute(sqlfiles.load(_PACKAGE, "change_role"), {"name": user.name, "role": role})
        changed = _find(connection, name)
        _record(connection, Action.USER_ROLE, user.name, user, changed)
        return changed


def disable_user(connection: psycopg.Connection, name: str, *, even_last: bool = False) -> User:
    """Let a user in no more, and end what is open. Raises as ``change_role``."""
    with connection.transaction():
        user = _find_beside_administrators(connection, name, even_last=even_last)
        if user.disabled_at:
            return user
        connection.execute(sqlfiles.load(_PACKAGE, "change_to_disabled"), {"name": user.name})
        disabled = _find(connection, name)
        _record(connection, Action.USER_DISABLE, user.name, user, disabled)
        return disabled


def enable_user(connection: psycopg.Connection, name: str) -> User:
    """Let a user in again, and forget the failures.

    Raises:
        UserNotFoundError: there is none of this name.
    """
    with connection.transaction():
        user = _find(connection, name)
        connection.execute(sqlfiles.load(_PACKAGE, "change_to_enabled"), {"name": user.name})
        _forget_failures(connection, name)
        enabled = _find(connection, name)
        _record(connection, Action.USER_ENABLE, user.name, user, enabled)
        return enabled


def remove_user(connection: psycopg.Connection, name: str, *, even_last: bool = False) -> User:
    """Remove one, and the sessions with it. Raises as ``change_role``."""
    with connection.transaction():
        user = _find_beside_administrators(connection, name, even_last=even_last)
        connection.execute(sqlfiles.load(_PACKAGE, "delete_user"), {"name": user.name})
        _record(connection, Action.USER_REMOVE, user.name, user, None)
        return user


def _record(
    transaction: psycopg.Connection, action: Action, name: str, before: User | None, after: User | None
) -> None:
    """Of a password nothing is written down but that there is another one."""
    was, is_now = ({"role": each.role, "state": each.state} if each else None for each in (before, after))
    record(transaction, action, Change(SubjectKind.USER, name, was, is_now))


def _find(transaction: psycopg.Connection, name: str) -> User:
    with transaction.cursor(row_factory=class_row(User)) as cursor:
        found = cursor.execute(sqlfiles.load(_PACKAGE, "find_user"), {"name": name}).fetchone()
    if found is None:
        raise UserNotFoundError(f"there is no user {name}; fleetwatt users list shows them")
    return found


def _find_beside_administrators(transaction: psycopg.Connection, name: str, *, even_last: bool) -> User:
    """The user; raises LastAdministratorError: of whom nobody else would be an administrator."""
    rows = transaction.execute(sqlfiles.load(_PACKAGE, "lock_administrators")).fetchall()
    user = _find(transaction, name)
    if {each for (each,) in rows} == {user.name} and not even_last:
        raise LastAdministratorError(
            f"{user.name} is the last administrator who can sign in; make another one, or say --even-last"
        )
    return user


def _forget_failures(transaction: psycopg.Connection, name: str) -> None:
    transaction.execute(sqlfiles.load(_PACKAGE, "forget_failures"), {"account": account_digest(name)})
