"""Signing in: a name and a password, looked at slowly and seldom enough that nobody can try them all.

An attempt is counted before it is made, for the account and for the address, in the database that all processes share.
After ten, each further one has to wait twice as long as the one before. Who there is cannot be told from the answer
or from how long it takes: a name that nobody has is counted, hashed and refused like any other.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.rows import DictRow

from ingest_api.database import Connection, Database, Row
from ingest_api.http.rate_limit import RateLimit
from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.errors import RateLimitedError, SignInFailedError
from warehouse.contract.sign_ins import (
    IDLE,
    LASTS,
    account_digest,
    address_digest,
    new_session_id,
    session_digest,
)
from warehouse.contract.users import require_good_password
from warehouse.postgres.access.passwords import hash_password, is_password
from warehouse.postgres.audit.acting import current_origin
from warehouse.postgres.audit.entries import entries

_PACKAGE = "warehouse.postgres.access"
FREE_FAILURES = 10
LONGEST_PAUSE = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=24)
MOST_COUNTED = 20_000
"""Accounts and addresses."""
MOST_A_MINUTE = 60
"""Of one address, right or wrong: what is behind costs a connection and a hash."""
MOST_WAITING = 8
"""Each takes a tenth of a second of one core, one after the other."""
MOST_SESSIONS = 20
"""Of one user: so many browsers."""
_RETRY_S = 2


class _HasToWaitError(Exception):
    """An account or an address has failed too often"""


class SignIn:
    """Looks at passwords, and changes them, one at a time in each process, beside the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0
        self._attempts = RateLimit(MOST_A_MINUTE, "sign-in")
        self._hashing = ThreadPoolExecutor(1, "password")

    async def begin(self, name: str, password: str, client: str, before: str | None) -> str:
        """Begin a session and return its id, which is new. ``before``: the browser's session until now, which ends.

        Raises:
            SignInFailedError: name and password do not go together, or the user is disabled.
            RateLimitedError: too many failed for this account or from this address, or too many try now.
            DatabaseUnavailableError: nobody can say.
        """
        async with self._in_turn(client):
            return await self._begin(name, password, client, before)

    async def change_password(self, name: str, password: str, becomes: str, client: str) -> str:
        """Give a user another password. All the user's sessions end; returns the id of a new one.

        Raises:
            InvalidRequestError: the new password cannot be.
            SignInFailedError: the old one is not right, or the user is disabled. That counts like a failed sign-in.
            RateLimitedError, DatabaseUnavailableError: as ``begin``.
        """
        require_good_password(becomes, name)
        async with self._in_turn(client):
            counted, user = await self._known_user(name, password, client)
            hashing = asyncio.get_running_loop().run_in_executor(self._hashing, hash_password, becomes)
            change = {**user, "becomes": await hashing}
            async with self._database.connection() as connection, connection.transaction():
                if await _one(connection, "change_own_password", **change) is None:
                    raise SignInFailedError
                await connection.execute(*entries(Action.USER_PASSWORD, [Change(SubjectKind.USER, user["name"])]))
                return await _session(connection, {**user, "password_hash": change["becomes"]}, counted, None)

    @asynccontextmanager
    async def _in_turn(self, client: str) -> AsyncIterator[None]:
        """One password at a time is looked at; raises RateLimitedError: this client, or all together, try too often."""
        self._attempts.check(client)
        self._attempts.charge(client, 1)
        if self._waiting >= MOST_WAITING:
            raise RateLimitedError(f"many people sign in just now; wait {_RETRY_S} s", _RETRY_S)
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                yield
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Hash no more."""
        self._hashing.shutdown(wait=False, cancel_futures=True)

    async def _begin(self, name: str, password: str, client: str, before: str | None) -> str:
        counted, user = await self._known_user(name, password, client)
        async with self._database.connection() as connection, connection.transaction():
            session_id = await _session(connection, user, counted, before)
            origin = current_origin().by_user(user["name"])
            change = Change(SubjectKind.USER, user["name"])
            await connection.execute(*entries(Action.SESSION_BEGIN, [change], origin))
            return session_id

    async def _known_user(self, name: str, password: str, client: str) -> tuple[dict[str, bytes], Row]:
        """Count the attempt, and look; what was counted, and the user with the hash that was looked at."""
        counted = {"account": account_digest(name), "address": address_digest(client)}
        async with self._database.connection() as connection:
            await _count(connection, counted)
            user = await _one(connection, "find_password_hash", name=name.strip())
        known = user["password_hash"] if user else None
        looking = asyncio.get_running_loop().run_in_executor(self._hashing, is_password, password, known)
        if not await looking or user is None:
            await self._note_refused(user["name"] if user else None)
            raise SignInFailedError
        return counted, user

    async def _note_refused(self, name: str | None) -> None:
        """Write down that somebody tried a password, in the same time whoever was tried.

        Of a user as often as the pauses allow. Of a name that nobody has nothing: such names do not end, and people
        type passwords as names.
        """
        changes = [Change(SubjectKind.USER, name)] if name else []
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(sqlfiles.load(_PACKAGE, "set_unsynced"))
            await connection.execute(*entries(Action.SESSION_REFUSE, changes))


async def _session(transaction: Connection, user: Row, counted: dict[str, bytes], before: str | None) -> str:
    """Begin one, and forget what was counted against who begins it. Raises SignInFailedError."""
    session_id = await add_session(transaction, user, before)
    await _run(transaction, "forget_failures", **counted)
    await _run(transaction, "withdraw_attempt", **counted)
    return session_id


async def add_session(transaction: Connection, user: Row, before: str | None) -> str:
    """Begin a session of this user, as it was looked at, and return its id, which is new. ``before`` ends.

    Raises:
        SignInFailedError: the user is another one by now, or disabled.
    """
    session_id = new_session_id()
    known = {"user_id": user["user_id"], "password_hash": user["password_hash"]}
    added = await _one(transaction, "add_session", digest=session_digest(session_id), lasts=LASTS, **known)
    if added is None:
        raise SignInFailedError
    if before:
        await _run(transaction, "delete_session", digest=session_digest(before))
    await _run(transaction, "forget_sessions", idle=IDLE, user_id=user["user_id"], most=MOST_SESSIONS)
    return session_id


async def _count(connection: Connection, counted: dict[str, bytes]) -> None:
    """Count an attempt for both, or for neither.

    Raises:
        RateLimitedError: one of them has to wait.
    """
    limits = {"free": FREE_FAILURES, "longest": LONGEST_PAUSE, "forgotten": FORGOTTEN_AFTER}
    try:
        async with connection.transaction():
            cursor = await _run(connection, "add_attempt", **counted, **limits)
            if len(await cursor.fetchall()) < len(counted):
                raise _HasToWaitError  # noqa: TRY301 - so that neither is counted
    except _HasToWaitError:
        pause = await _one(connection, "find_pause", **counted)
        wait_s = max(pause["wait_s"] if pause else 0, 1)
        raise RateLimitedError(f"too many wrong passwords; wait {wait_s} s", wait_s) from None
    await _run(connection, "forget_attempts", forgotten=FORGOTTEN_AFTER, most=MOST_COUNTED)


async def _one(connection: Connection, statement: str, **values: Any) -> Row | None:
    return await (await _run(connection, statement, **values)).fetchone()


async def _run(connection: Connection, statement: str, **values: Any) -> psycopg.AsyncCursor[DictRow]:
    return await connection.execute(sqlfiles.load(_PACKAGE, statement), values)
