"""The sessions of people: looked up anew for each request, so that whoever is disabled is out with the next one.

People send few requests; unlike readings they may ask the database who sends them.
"""

import asyncio
import time

from starlette.types import Scope as Connection

from ingest_api.auth.callers import SignedIn
from ingest_api.auth.own_pages import csrf_header_of, has_csrf_token, require_csrf_token, require_own_origin
from ingest_api.auth.session_cookie import session_id_of
from ingest_api.database import Database
from ingest_api.http.client_address import ClientAddresses
from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.sign_ins import IDLE, session_digest
from warehouse.contract.users import Role
from warehouse.postgres.audit.acting import current_origin
from warehouse.postgres.audit.entries import entries

_PACKAGE = "warehouse.postgres.access"
_READS = {"GET", "HEAD"}
AT_ONCE = 2
"""Look-ups: whoever makes up ids must not take the connections of those who ask questions."""
LOOKED_AT_FOR_S = 2.0


class Sessions:
    """Knows who is signed in."""

    def __init__(self, database: Database, clients: ClientAddresses) -> None:
        self._database = database
        self._clients = clients
        self._looking = asyncio.Semaphore(AT_ONCE)

    def is_encrypted(self, connection: Connection) -> bool:
        """Whether TLS is known to be spoken on the way from the browser."""
        return self._clients.is_encrypted(connection)

    def session_id(self, connection: Connection) -> str | None:
        """What the request's cookie says."""
        return session_id_of(connection["headers"], is_encrypted=self.is_encrypted(connection))

    async def caller(self, connection: Connection) -> SignedIn | None:
        """Who sends this request, by its cookie; ``None``: nobody knows.

        Raises:
            ForeignPageError: it changes something, and does not come from a page of ours.
            DatabaseUnavailableError: nobody can say.
        """
        session_id = self.session_id(connection)
        found = await self.find(session_id) if session_id else None
        if found and connection["method"] not in _READS:
            require_own_origin(connection, is_encrypted=self.is_encrypted(connection))
            if has_csrf_token(connection):
                require_csrf_token(csrf_header_of(connection), found.csrf_token)
        return found

    async def find(self, session_id: str) -> SignedIn | None:
        """Who is signed in by this session, if it is not over. Raises DatabaseUnavailableError."""
        at_s = time.monotonic()
        asked = {"digest": session_digest(session_id), "idle": IDLE}
        async with self._looking, self._database.connection() as connection:
            cursor = await connection.execute(sqlfiles.load(_PACKAGE, "find_session"), asked)
            row = await cursor.fetchone()
            if row and row["is_to_be_noted"]:
                await connection.execute(sqlfiles.load(_PACKAGE, "change_last_seen"), asked)
        return SignedIn(row["name"], Role(row["role"]), session_id, at_s) if row else None

    async def still(self, signed_in: SignedIn) -> SignedIn | None:
        """The same a while later: ``None`` where the session is over by now."""
        if time.monotonic() - signed_in.looked_at_s < LOOKED_AT_FOR_S:
            return signed_in
        return await self.find(signed_in.session_id)

    async def end(self, signed_in: SignedIn) -> None:
        """End this session. Raises DatabaseUnavailableError."""
        ended = {"digest": session_digest(signed_in.session_id)}
        async with self._database.connection() as connection, connection.transaction():
            cursor = await connection.execute(sqlfiles.load(_PACKAGE, "delete_session"), ended)
            if cursor.rowcount:
                origin = current_origin().by_user(signed_in.name)
                change = Change(SubjectKind.USER, signed_in.name)
                await connection.execute(*entries(Action.SESSION_END, [change], origin))
