"""uvicorn's protocol, able to answer by itself: what it refuses, the application never sees."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ingest_api.http.problems import MEDIA_TYPE, error_response, problem_body, retry_later
from ingest_api.http.request_id import HEADER, identity_of
from ingest_api.server.coalescing_transport import OneWriteTransport
from warehouse.contract.errors import OverloadedError


class Refusal(NamedTuple):
    """Why a request is not answered by the application."""

    status: HTTPStatus
    code: str
    detail: str


MALFORMED = Refusal(HTTPStatus.BAD_REQUEST, "malformed_request", "this is no HTTP/1.1 request")
HEADERS_TOO_LARGE = Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "", "")
"""Its request is not known yet, so it is answered by the status alone."""
TOO_SLOW = Refusal(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", "the request did not come in time")
STOPPING = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "shutting_down", "the service stops; send this again later")
NO_ROOM = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", "there are too many connections; send this again later")


class RefusingHttpProtocol(HttpToolsProtocol):
    """Writes whole answers beside those of the application, each in one piece."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """A client has connected."""
        self._one_write = OneWriteTransport(transport)
        super().connection_made(cast(asyncio.Transport, self._one_write))

    def on_response_complete(self) -> None:
        """The answer is out."""
        self._one_write.flush()
        super().on_response_complete()

    def refuse(self, refusal: Refusal) -> None:
        """Answer in the application's place, if there is anything to answer, and close."""
        cycle = self.cycle
        if cycle is None or cycle.scope is not self.scope:
            if self.scope is not None:  # headers have begun
                self.refuse_unknown(refusal.status)
        elif not cycle.response_started:
            cycle.disconnected = True  # the application's answer would be a second one
            self._write_problem(cast(Scope, cycle.scope), refusal)
        self.transport.close()

    def refuse_malformed(self) -> None:
        """Answer what is no request, and close: a problem that speaks of no request in particular."""
        if not self.transport.is_closing():
            self._write_problem({"path": "", "headers": []}, MALFORMED)
            self.transport.close()

    def refuse_unknown(self, status: HTTPStatus) -> None:
        """Answer a request that is not known yet by its status alone."""
        self.write(status, [(b"content-length", b"0")], b"", close=True)

    def write(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, close: bool) -> None:
        """Write a whole answer; ``close`` tells the client that it is the last one of this connection."""
        lines = [*self.server_state.default_headers, *headers]
        if close:
            lines.append((b"connection", b"close"))
        self._one_write.write_whole(
            b"".join([STATUS_LINE[status], *[b"%s: %s\r\n" % line for line in lines], b"\r\n", body])
        )

    def _write_problem(self, scope: Scope, refusal: Refusal) -> None:
        identity = identity_of(scope)  # its task may not have begun
        body = problem_body(scope, refusal.status, refusal.code, refusal.detail)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (HEADER, identity),
        ]
        if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers += [(name.lower().encode(), value.encode()) for name, value in retry_later().items()]
        self.write(refusal.status, headers, body, close=True)


async def turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in the application's place: there is no room for this connection."""
    identity = identity_of(scope)
    response = error_response(scope, OverloadedError(NO_ROOM.detail))
    response.headers[HEADER.decode()] = identity.decode()
    await response(scope, receive, send)
