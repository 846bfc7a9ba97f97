"""The layer that answers what is below ``/dagster/`` with what Dagster's web server answers.

Behind the gate, so that whoever is asked about is known and may operate. Ahead of the framework, whose routes have to
answer within the deadline of a database: Dagster's answers may take longer, and come in pieces.
"""

import logging

import httpcore
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ingest_api.auth.acting_caller import origin_of
from ingest_api.auth.callers import SignedIn, caller_of
from ingest_api.auth.gate import Gate
from ingest_api.auth.own_pages import is_of_own_page, require_own_origin
from ingest_api.bodies.body import BodyReader
from ingest_api.bodies.limits import MemoryBudget
from ingest_api.dagster_proxy import dagster_route
from ingest_api.dagster_proxy.changes import ToldChanges
from ingest_api.dagster_proxy.dagster_server import DagsterServer
from ingest_api.dagster_proxy.forwarded import (
    headers_from_dagster,
    headers_of_web_socket,
    headers_to_dagster,
    is_of_dagster,
    target_of,
)
from ingest_api.dagster_proxy.web_socket import shuttle
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.problems import error_response
from ingest_api.http.tunnel import offered_tunnel
from warehouse.behind_sign_in import ORIGIN
from warehouse.contract.errors import FleetwattError

logger = logging.getLogger(__name__)

_ROUTE = next(route for route in dagster_route.router.routes if isinstance(route, Route) and "{" in route.path)
_SWITCHED = 101


class DagsterPages:
    """The layer."""

    def __init__(
        self,
        app: ASGIApp,
        dagster: DagsterServer,
        gate: Gate,
        budget: MemoryBudget,
        clients: ClientAddresses,
        most_bytes: int,
        changes: ToldChanges,
    ) -> None:
        """``most_bytes``: of a question's body. ``changes``: where it is told what is changed, by whom."""
        self._app = app
        self._dagster = dagster
        self._gate = gate
        self._budget = budget
        self._clients = clients
        self._most_bytes = most_bytes
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask Dagster; what is no page of its own is passed on."""
        is_asked = scope["type"] == "http" and is_of_dagster(scope["path"]) and scope["method"] in dagster_route.METHODS
        if not is_asked:
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE  # what it is counted as
        answer = _Answer(send)
        try:
            await self._ask(scope, receive, answer)
        except FleetwattError as error:
            if answer.has_begun:  # the connection closes in the middle: there is no other way to say so
                logger.warning("an answer of Dagster's ended before its end: %s", error.detail)
                return
            await error_response(scope, error)(scope, receive, send)
        except ClientDisconnect:
            pass

    async def _ask(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        target, headers = target_of(scope), self._headers(scope)
        with BodyReader(scope, receive, self._budget, self._clients.client_of(scope)) as reader:
            body = await reader.read_whole(self._most_bytes)
            await self._gate.require_still(scope)
            if scope["method"] == "POST":
                await self._changes.tell(body, origin_of(scope, self._clients))
            begin = None if body or scope["method"] != "GET" else offered_tunnel(scope)
            if begin is not None:
                self._require_own_page(scope)
                headers = [*headers_of_web_socket(scope["headers"]), *headers]
            async with self._dagster.asked(scope["method"], target, headers, body) as response:
                if response.status == _SWITCHED and begin is not None:
                    await shuttle(begin, response, self._gate, scope)
                else:
                    await answer.give(response)

    def _require_own_page(self, scope: Scope) -> None:
        """A browser opens a WebSocket for whatever page asks it to, and sends the cookie; changes may come through it.

        Raises:
            ForeignPageError: it is no page of this address.
        """
        if isinstance(caller_of(scope), SignedIn):
            require_own_origin(scope, is_encrypted=self._clients.is_encrypted(scope))

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Dagster's gate looks at where a request comes from: a page of this address is one of Dagster's own.

        A program with a token is no page: no browser adds the token to what another page has it send.
        """
        sent = scope["headers"]
        if not isinstance(caller_of(scope), SignedIn):
            return headers_to_dagster(sent, ORIGIN.encode(), is_page=False)
        origin = next((value for name, value in sent if name == b"origin"), None)
        if origin is not None and is_of_own_page(scope, is_encrypted=self._clients.is_encrypted(scope)):
            origin = ORIGIN.encode()
        return headers_to_dagster(sent, origin, is_page=True)


class _Answer:
    """The way back to the client."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def give(self, response: httpcore.Response) -> None:
        """Pass it on, as it comes."""
        self.has_begun = True
        headers = headers_from_dagster(response.headers)
        await self._send({"type": "http.response.start", "status": response.status, "headers": headers})
        async for part in response.aiter_stream():
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})
