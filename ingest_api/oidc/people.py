"""Who a provider says somebody is, as a user of ours: who comes for the first time becomes one.

A user of the provider is known by issuer and subject alone, never by a name: a name that somebody else has here leads
to nobody's account.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg.rows import DictRow

from ingest_api.auth.sign_in import add_session
from ingest_api.database import Connection, Database, Row
from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.errors import NoRoleError, SignInFailedError
from warehouse.contract.users import Role, highest_role, is_user_name
from warehouse.postgres.audit.acting import current_origin
from warehouse.postgres.audit.entries import entries

_PACKAGE = "warehouse.postgres.access"
_SPELLED = ("preferred_username", "email")
_LONGEST_BASE = 40


class People:
    """Knows which role a claim stands for."""

    def __init__(self, database: Database, issuer: str, claim: str, roles: Mapping[str, Role]) -> None:
        """``claim``: its name, or a path with dots (``realm_access.roles``); ``roles``: what its values stand for."""
        self._database = database
        self._issuer = issuer
        self._claim = claim
        self._roles = roles

    async def begin(self, claims: Mapping[str, Any], before: str | None) -> str:
        """Begin a session for who these claims are about, and return its id. ``before``: the browser's until now.

        Raises:
            NoRoleError: the claims give no role here.
            SignInFailedError: the user is disabled.
            DatabaseUnavailableError: nobody can say.
        """
        try:
            return await self._begin(claims, before)
        except (NoRoleError, SignInFailedError):
            await self._note_refused(claims)
            raise

    async def _begin(self, claims: Mapping[str, Any], before: str | None) -> str:
        role = highest_role(_values(claims, self._claim), self._roles)
        if role is None:
            raise NoRoleError(
                f"you are known to {self._issuer}, and have no role here: the claim {self._claim} has none of "
                f"{', '.join(self._roles)}; ask an administrator"
            )
        async with self._database.connection() as connection, connection.transaction():
            user = await self._user(connection, claims, role)
            if user["disabled_at"]:
                raise SignInFailedError("this user is disabled; ask an administrator")
            session_id = await add_session(connection, user, before)
            await _record(connection, Action.SESSION_BEGIN, user["name"])
            return session_id

    async def _note_refused(self, claims: Mapping[str, Any]) -> None:
        """Write down that a user who there is was not let in, as where a password is wrong; of strangers nothing."""
        async with self._database.connection() as connection, connection.transaction():
            if user := await _one(connection, "find_user_of_provider", **self._known_by(claims)):
                await _record(connection, Action.SESSION_REFUSE, user["name"])

    def _known_by(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        return {"issuer": self._issuer, "subject": claims["sub"]}

    async def _user(self, connection: Connection, claims: Mapping[str, Any], role: Role) -> Row:
        known = self._known_by(claims)
        user = await _one(connection, "find_user_of_provider", **known)
        if user is None:
            user = await self._added(connection, claims, role, known)
        elif user["role"] != role and not user["disabled_at"]:
            await _run(connection, "change_role", name=user["name"], role=role)
            await _record(connection, Action.USER_ROLE, user["name"], {"role": user["role"]}, {"role": role})
        return user

    async def _added(self, connection: Connection, claims: Mapping[str, Any], role: Role, known: dict[str, Any]) -> Row:
        for name in _names(claims, self._issuer):
            if user := await _one(connection, "add_user_of_provider", name=name, role=role, **known):
                await _record(connection, Action.USER_ADD, name, None, {"role": role, "issuer": self._issuer})
                return user
            if user := await _one(connection, "find_user_of_provider", **known):  # by another request just now
                return user
        raise SignInFailedError("no name is left for you here; ask an administrator")


def _names(claims: Mapping[str, Any], issuer: str) -> Iterator[str]:
    """What the user may be called here; the first that nobody has is taken."""
    spelled = [name for name in (claims.get(each) for each in _SPELLED) if isinstance(name, str) and is_user_name(name)]
    yield from spelled
    digest = hashlib.sha256(f"{issuer}\n{claims['sub']}".encode()).hexdigest()
    yield f"{spelled[0][:_LONGEST_BASE] if spelled else 'user'}-{digest[:12]}"


def _values(claims: Mapping[str, Any], claim: str) -> list[str]:
    """The values of a claim: a text is one, a list several; of a path with dots those at its end."""
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, str)]


async def _record(
    connection: Connection,
    action: Action,
    name: str,
    was: dict[str, Any] | None = None,
    is_now: dict[str, Any] | None = None,
) -> None:
    origin = current_origin().by_user(name)
    await connection.execute(*entries(action, [Change(SubjectKind.USER, name, was, is_now)], origin))


async def _one(connection: Connection, statement: str, **values: Any) -> Row | None:
    return await (await _run(connection, statement, **values)).fetchone()


async def _run(connection: Connection, statement: str, **values: Any) -> psycopg.AsyncCursor[DictRow]:
    return await connection.execute(sqlfiles.load(_PACKAGE, statement), values)
