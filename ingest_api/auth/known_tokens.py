"""The tokens that are valid, as this process knows them: all of them in memory, never older than five seconds.

A request must not ask the database who sends it: one statement costs as much as the reading itself. So each process
holds the tokens (some 300 bytes each), is told of changes (NOTIFY), and looks every two seconds in case it was not.
What it knows is numbered, so that a look reads the changes alone. When it could not look for five seconds it knows
nothing any more: requests wait for a moment, and are then told to come back.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import psycopg

from ingest_api.bodies import limits
from warehouse import sqlfiles
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.contract.tokens import DeviceRule, Scope, allowed_by
from warehouse.postgres.connection import connect_options
from warehouse.postgres.session import AsyncSession

logger = logging.getLogger(__name__)

CHANNEL = "fleetwatt_tokens"
LOOK_EVERY_S = 2.0
KNOWN_FOR_S = 5.0
NOTE_USES_EVERY_S = 15.0
TRY_AGAIN_AFTER_S = 1.0
WATCHING_CONNECTIONS = 1
_READ_AT_ONCE = 2_000
"""Tokens: a few milliseconds of the loop."""
_HOUR_S = 3600
_PACKAGE = "warehouse.postgres.access"


class KnownToken(msgspec.Struct, gc=False):
    """A token. Without the collector's bookkeeping: it holds no cycle, and there may be 100,000."""

    token_id: bytes
    """Empty: it is in no database."""
    digest: bytes
    scopes: frozenset[Scope]
    """All that it may."""
    devices: DeviceRule | None = None
    """Whose readings it may send; ``None``: everybody's."""
    expires_s: float = math.inf
    """Since 1970."""
    used_hour: int = 0
    """The newest hour since 1970 in which it was used, as far as this process knows."""


class KnownTokens:
    """All tokens that are neither revoked nor unknown. Expired ones may be among them: who asks looks at the clock."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._by_id: dict[bytes, KnownToken] = {}
        self._scopes: dict[tuple[str, ...], frozenset[Scope]] = {}
        self._newest_change = 0
        self._known_at = -math.inf  # when the newest look that came to its end had begun
        self._looking_since = -math.inf
        self.looked = asyncio.Event()
        """Set once they were read for the first time."""
        self._waiting: set[asyncio.Future[None]] = set()
        self._hour = int(time.time()) // _HOUR_S
        self._used: list[bytes] = []
        self._noted_at = -math.inf

    @property
    def are_known(self) -> bool:
        """Whether they are as they were a few seconds ago."""
        return self._clock() - self._known_at < KNOWN_FOR_S

    def find(self, token_id: bytes) -> KnownToken | None:
        """The token of this id."""
        return self._by_id.get(token_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def note_use(self, token: KnownToken) -> None:
        """It was used now."""
        if token.used_hour != self._hour:
            token.used_hour = self._hour
            self._used.append(token.token_id)

    async def require_known(self) -> None:
        """Wait until they are known, but not for long.

        Raises:
            DatabaseUnavailableError: they are not.
        """
        if self.are_known:
            return
        if self._clock() - self._looking_since < limits.ANSWER_WITHIN_S + KNOWN_FOR_S:
            looked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(looked)
            with suppress(TimeoutError):
                await asyncio.wait_for(looked, limits.ANSWER_WITHIN_S)
            self._waiting.discard(looked)
        if not self.are_known:
            raise DatabaseUnavailableError("nobody knows now whether this token is valid; try again later")

    async def keep_up_to_date(self) -> None:
        """Look whenever something has changed, and every few seconds, until it is cancelled."""
        self._looking_since = self._clock()
        has_failed = False
        while True:
            try:
                await self._watch()
            except (psycopg.Error, OSError) as error:
                if not has_failed:
                    logger.warning("the tokens cannot be looked at: %s", error)
                has_failed = True
                await asyncio.sleep(TRY_AGAIN_AFTER_S)

    async def _watch(self) -> None:
        connection = await AsyncSession.connect(self._url, autocommit=True, **connect_options())
        try:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            await self._look(connection, anew=True)
            while True:
                with suppress(StopAsyncIteration):
                    await anext(connection.notifies(timeout=LOOK_EVERY_S, stop_after=1))
                await self._look(connection)
                await self._note_uses(connection)
        finally:
            await connection.close()

    async def _look(self, connection: AsyncSession, *, anew: bool = False) -> None:
        """Read what has changed; ``anew``: all of it, for on a new connection it may be another database."""
        began = self._looking_since = self._clock()
        known, newest = ({}, 0) if anew else (self._by_id, self._newest_change)
        while True:
            rows = await self._changes(connection, newest)
            for row in rows:
                self._take(known, *row[:-1])
            newest = rows[-1][-1] if rows else newest
            if len(rows) < _READ_AT_ONCE:
                break
        self._by_id, self._newest_change, self._known_at = known, newest, began
        self._hour = int(time.time()) // _HOUR_S
        self.looked.set()
        for looked in self._waiting:
            if not looked.done():
                looked.set_result(None)

    async def _changes(self, connection: AsyncSession, after: int) -> list[tuple[Any, ...]]:
        query = sqlfiles.load(_PACKAGE, "list_changed_tokens")
        return await (await connection.execute(query, {"after": after, "most": _READ_AT_ONCE})).fetchall()

    def _take(
        self,
        known: dict[bytes, KnownToken],
        token_id: str,
        digest: bytes,
        scopes: list[str],
        devices: list[str] | None,
        expires_s: float | None,
        is_revoked: bool,
    ) -> None:
        key = token_id.encode()
        if is_revoked:
            known.pop(key, None)
            return
        same = tuple(scopes)
        allowed = self._scopes.setdefault(same, allowed_by(Scope(each) for each in same))
        rule = DeviceRule(devices) if devices else None
        known[key] = KnownToken(key, digest, allowed, rule, math.inf if expires_s is None else expires_s)

    async def _note_uses(self, connection: AsyncSession) -> None:
        if not self._used or self._clock() - self._noted_at < NOTE_USES_EVERY_S:
            return
        self._noted_at = self._clock()
        used, self._used = self._used, []
        statement = sqlfiles.load(_PACKAGE, "change_last_used")
        for first in range(0, len(used), _READ_AT_ONCE):
            some = [token_id.decode() for token_id in used[first : first + _READ_AT_ONCE]]
            await connection.execute(statement, {"token_ids": some, "hour_s": self._hour * _HOUR_S})
