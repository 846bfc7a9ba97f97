"""Whether a request may do what it asks for: asked before any of its body is read, and again when it has come in.

Who sends it is told by its token, or by a person's session, looked up and compared anew for each request: nothing that
was remembered of other requests' headers decides.
"""

import asyncio
import logging
import multiprocessing
import secrets
import time
from collections.abc import Callable, Iterable
from enum import IntEnum

from starlette.types import Scope as Connection

from ingest_api.auth.callers import Caller, SignedIn, caller_of, note_caller
from ingest_api.auth.known_tokens import KnownToken, KnownTokens
from ingest_api.auth.next_page import is_navigation
from ingest_api.auth.route_scopes import Needed, Needs
from ingest_api.auth.sessions import Sessions
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.rate_limit import RateLimit
from ingest_api.observability.metrics import count_refused_token
from ingest_api.settings import ApiSettings
from warehouse.contract.errors import (
    RateLimitedError,
    ScopeMissingError,
    TokenInvalidError,
    TokenMissingError,
)
from warehouse.contract.tokens import ID_LENGTH, LENGTH, PREFIX, Scope, allowed_by, digest_of
from warehouse.listening import asks_for_tokens
from warehouse.postgres.access.token_store import FIRST_TOKEN
from warehouse.postgres.access.user_store import FIRST_USER

logger = logging.getLogger(__name__)

MOST_FAILURES_A_MINUTE = 20
_SCHEME = b"bearer "
_PREFIX = PREFIX.encode()
_ID_END = len(PREFIX) + ID_LENGTH
_NOBODY = KnownToken(b"", digest_of(secrets.token_bytes(32)), frozenset())
"""Whom an unknown id is compared with, so that it takes as long as a known one."""
_CHANGES = (Scope.OPERATE, Scope.ADMIN)


class Asks(IntEnum):
    """Of whom the API asks a token."""

    NOBODY = 0
    WHO_CHANGES = 1
    """Of whoever changes something: an administrator's token is set, and this is no service for others."""
    EVERYBODY = 2

    @classmethod
    def by(cls, settings: ApiSettings) -> "Asks":
        """What the settings come to.

        Raises:
            ListeningError: the host stands for no address.
        """
        if asks_for_tokens(settings.auth, settings.host):
            return cls.EVERYBODY
        return cls.WHO_CHANGES if settings.admin_token else cls.NOBODY


def credentials_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """What a request says in its ``Authorization``; ``None``: nothing.

    Raises:
        TokenInvalidError: it says two things.
    """
    found = [value for name, value in headers if name == b"authorization"]
    if len(found) > 1:
        raise TokenInvalidError("send one Authorization header")
    return found[0] if found else None


class Gate:
    """Knows of whom a token is asked, and which tokens are valid."""

    def __init__(
        self,
        asks: Asks,
        tokens: KnownTokens,
        clients: ClientAddresses,
        sessions: Callable[[], Sessions],
        admin_token: str | None = None,
    ) -> None:
        """``sessions`` are asked for at each request: they exist only between start-up and shutdown.

        ``admin_token``: one that may all, and is in no database.
        """
        self.asks = asks
        self.asks_for_ingest = asks is Asks.EVERYBODY
        self.tokens = tokens
        self._clients = clients
        self._sessions = sessions
        self._failures = RateLimit(MOST_FAILURES_A_MINUTE, "refused token")
        digest = digest_of(admin_token.encode()) if admin_token else _NOBODY.digest
        self._admin = KnownToken(b"", digest, allowed_by([Scope.ADMIN]) if admin_token else frozenset())

    def verified(self, credentials: bytes | None) -> KnownToken | None:
        """The valid token of these credentials, at once; ``None``: there is none, or nobody can say at the moment."""
        if credentials is None or credentials[: len(_SCHEME)].lower() != _SCHEME:
            return None
        token = credentials[len(_SCHEME) :].strip(b" ")
        if len(token) == LENGTH and token.startswith(_PREFIX) and self.tokens.are_known:
            found = self.tokens.find(token[len(_PREFIX) : _ID_END]) or _NOBODY
            if secrets.compare_digest(digest_of(token[_ID_END + 1 :]), found.digest) and found.expires_s > time.time():
                self.tokens.note_use(found)
                return found
        is_admin = secrets.compare_digest(digest_of(token), self._admin.digest)
        return self._admin if is_admin else None

    async def admit(self, connection: Connection, needed: Needed) -> None:
        """Let the request of this ASGI scope pass, and note there who sends it.

        Raises:
            TokenMissingError, TokenInvalidError: nobody knows who sends it.
            ScopeMissingError: whoever it is may not do that.
            ForeignPageError: it comes with a person's cookie, and from a page of others.
            RateLimitedError: from there too many came of which nobody knows who sent them.
            DatabaseUnavailableError: nobody can say who sends it.
        """
        if not self._is_asked(needed):
            return
        try:
            caller = await self._require_caller(connection)
        except (TokenMissingError, TokenInvalidError) as error:
            count_refused_token(error.code)
            if isinstance(error, TokenInvalidError) or not is_navigation(connection):
                self._charge(self._clients.client_of(connection))
            raise
        if isinstance(needed, Scope):
            _require_scope(caller, needed, "this")
        note_caller(connection, caller)

    async def require_still(self, connection: Connection) -> None:
        """See that who sends a request may do so still: its body may have taken longer than its token lasts.

        Raises:
            TokenInvalidError: the token, or the session, has ended.
            DatabaseUnavailableError: nobody can say.
        """
        token = caller_of(connection)
        if token is None or token is self._admin:
            return
        if isinstance(token, SignedIn):
            still = await self._sessions().still(token)
            if still is None or still.role != token.role:
                raise TokenInvalidError("the session ended while this was sent; sign in again")
            return
        await self.tokens.require_known()
        now = self.tokens.find(token.token_id)
        if now is None or now.digest != token.digest or now.expires_s <= time.time():
            raise TokenInvalidError("the token was revoked, or expired, while this was sent")
        note_caller(connection, now)

    async def who_asks(self, connection: Connection) -> Caller | None:
        """Who sends this, also where that need not be known; ``None``: nobody knows, or nobody is asked at all.

        Raises:
            DatabaseUnavailableError: nobody can say.
        """
        if self.asks is Asks.NOBODY:
            return None
        return caller_of(connection) or await self._sessions().caller(connection)

    def require_scope(self, connection: Connection, scope: Scope, what: str) -> None:
        """See that who sends the request has this scope, where it is asked for; ``what`` needs it.

        Raises:
            ScopeMissingError: it has not.
        """
        if self._is_asked(scope):
            _require_scope(caller_of(connection) or _NOBODY, scope, what)

    def begin(self) -> list[asyncio.Task[None]]:
        """Begin to watch the tokens, where they are asked for; whoever begins it cancels the tasks at the end."""
        if self.asks is Asks.NOBODY:
            return []
        watching = asyncio.create_task(self.tokens.keep_up_to_date(), name="tokens")
        return [watching, asyncio.create_task(self._say_whether_there_is_a_token(), name="first-token")]

    async def _say_whether_there_is_a_token(self) -> None:
        await self.tokens.looked.wait()
        nobody_gets_in = not len(self.tokens) and not self._admin.scopes
        if self.asks is Asks.EVERYBODY and nobody_gets_in and _speaks_for_all():
            said = "every request is answered 401, for there is no token yet; make the first, or a user: %s; %s"
            logger.warning(said, FIRST_TOKEN, FIRST_USER)

    def _is_asked(self, needed: Needed) -> bool:
        if needed is Needs.NOTHING or self.asks is Asks.NOBODY:
            return False
        return self.asks is Asks.EVERYBODY or needed in _CHANGES

    async def _require_caller(self, connection: Connection) -> Caller:
        credentials = credentials_of(connection["headers"])
        if credentials:
            return await self._require_valid(credentials)
        signed_in = await self._sessions().caller(connection) if credentials is None else None
        if signed_in is None:
            raise TokenMissingError("send a token as Authorization: Bearer <token>; fleetwatt tokens create makes one")
        return signed_in

    async def _require_valid(self, credentials: bytes) -> KnownToken:
        token = self.verified(credentials)
        if token is None and not self.tokens.are_known:
            await self.tokens.require_known()
            token = self.verified(credentials)
        if token is None:
            raise TokenInvalidError("the token is unknown, revoked or expired")
        return token

    def _charge(self, client: str) -> None:
        """Raises RateLimitedError: in place of the answer, where this client has failed too often."""
        try:
            self._failures.check(client)
        except RateLimitedError:
            count_refused_token("rate_limited")
            raise
        self._failures.charge(client, 1)


def _speaks_for_all() -> bool:
    """Whether this process is the only one, or the first of several: what holds for all of them is said once."""
    name = multiprocessing.current_process().name  # the children of a process are numbered from 1
    return multiprocessing.parent_process() is None or name.endswith("-1")


def _require_scope(caller: Caller, scope: Scope, what: str) -> None:
    if scope in caller.scopes:
        return
    if isinstance(caller, SignedIn):
        raise ScopeMissingError(f"{what} needs the scope {scope}, which the role {caller.role} has not")
    raise ScopeMissingError(f"{what} needs a token with the scope {scope}")
