"""HTTP for clients that may be slow or hostile: what uvicorn leaves open, and its application never sees.

A client that sends its request slower than anything real is cut off, a head that does not end is refused, and a stop
does not wait for a body that does not come. What is no HTTP is refused once all that came before it is answered.
Where there is no room for all connections, those go that wait for their clients. Of requests that are sent without
waiting for answers some are read ahead, and the others when those are answered.
"""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ingest_api.health.health_routes import PROBES
from ingest_api.http.client_address import peer_of
from ingest_api.http.parts import Parts
from ingest_api.http.problems import MEDIA_TYPE, error_response, problem_body, retry_later
from ingest_api.http.request_id import HEADER, identity_of
from ingest_api.server.coalescing_transport import OneWriteTransport
from ingest_api.server.connections import Admission, Connections
from ingest_api.server.request_parser import RequestParser
from warehouse.contract.errors import OverloadedError

PATIENCE_S = 12.0
SLOWEST_BYTES_PER_S = 2048
"""A body that comes, or an answer that is taken, has to do so at this pace over the last ``PATIENCE_S``, and not on the
whole: a burst is worth no patience later. A modem of 20 kbit/s just about gets through."""
MAX_HEADER_BYTES = 64 * 1024
MOST_PIPELINED = 64
_PIECE_BYTES = 8 * 1024
"""Read at a time, for how many requests there are in it is known only then: a head may have thirty bytes."""
DRAIN_S = 3.0
LOOK_EVERY_S = 5.0
"""So a client is cut off 15 to 20 s after it stopped. One timer a connection, none a request."""


_MALFORMED = "this is no HTTP/1.1 request"
_NO_ROOM = "there are too many connections; send this again later"


class _Awaited(NamedTuple):
    """What we wait for a client to send or take."""

    what: str  # "head", "body", "anything else", "answer"
    scope: object  # of the request; kept, for another one may come to lie where a forgotten one lay

    def is_still(self, earlier: "_Awaited | None") -> bool:
        """Whether it is what we waited for then."""
        return earlier is not None and self.what == earlier.what and self.scope is earlier.scope


class _Mark(NamedTuple):
    """How far it had come when we looked."""

    at: float
    moved_bytes: int


class _HeldFlow(FlowControl):
    """Flow control that reads on only where there is nothing left of what was read before."""

    def __init__(self, transport: asyncio.Transport, may_read: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._may_read = may_read

    def resume_reading(self) -> None:
        """Read on, or be asked again once a request is answered."""
        if self._may_read():
            super().resume_reading()


class TimeoutHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with timeouts for what a client has to send or take."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """A client has connected."""
        self._one_write = OneWriteTransport(transport)
        super().connection_made(cast(asyncio.Transport, self._one_write))
        self.parser = RequestParser(self)  # type: ignore[assignment] # it has what uvicorn asks of httptools' own
        self.flow = _HeldFlow(self.transport, self._may_read)
        self._unparsed = b""
        self._is_malformed = self._has_ended = False
        self._received_bytes = 0
        self._head_bytes = 0
        self._head: object = None
        self._awaited: _Awaited | None = None
        self._marks: list[_Mark] = []  # the oldest first; the second one is younger than our patience
        self._timer = self.loop.call_later(LOOK_EVERY_S, self._look)
        self._is_for_probes = False
        if (connections := self._connections()) is not None:
            self._ask_for_room(connections)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._timer.cancel()
        cast(RequestParser, self.parser).close()
        if (connections := self._connections()) is not None:
            connections.leave(self, peer_of(self.client))
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something has come in."""
        if self._is_malformed:
            return
        self._received_bytes += len(data)
        self._unset_keepalive_if_required()
        if self._unparsed:
            self._unparsed += data
        else:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Have it read, but not more requests ahead than may be: they take a hundred times the room of their bytes."""
        for start in range(0, len(data), _PIECE_BYTES):
            if start and self.transport.is_closing():
                return
            if len(self.pipeline) >= MOST_PIPELINED:
                self._unparsed = data[start:]
                self.flow.pause_reading()
                return
            piece = data[start : start + _PIECE_BYTES]
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserError:
                self._end_malformed()
                return
            if self.cycle is None or self.cycle.scope is not self.scope:
                self._check_head(len(piece))
            elif self.expect_100_continue:
                # If it is refused before it was asked for, its body may not come, and what comes would be taken for it.
                self.cycle.keep_alive = False

    def _may_read(self) -> bool:
        return not (self._unparsed or self.pipeline)

    def on_response_complete(self) -> None:
        """The answer is out."""
        self._one_write.flush()
        is_last = self._is_malformed and not self.pipeline
        super().on_response_complete()
        if is_last:
            self._refuse_malformed()
        elif self._unparsed and not self.pipeline and not self.transport.is_closing():
            unparsed, self._unparsed = self._unparsed, b""
            self._parse(unparsed)
            self.flow.resume_reading()
        if self._has_ended and not self._has_to_answer():
            self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override] # as asyncio has it
        """The client sends no more; true: the connection stays until what has come in whole is answered."""
        self._has_ended = True
        return self._has_to_answer()

    def _has_to_answer(self) -> bool:
        cycle = self.cycle
        return bool(self.pipeline or self._unparsed) or (
            cycle is not None and not cycle.response_complete and not cycle.more_body
        )

    def _end_malformed(self) -> None:
        """What comes now is no HTTP: whole requests before it are answered first."""
        self._is_malformed = True
        cycle = self.cycle
        if cycle is not None and cycle.more_body and not cycle.response_complete:  # it is within that one's body
            if not self.pipeline:
                self._refuse(HTTPStatus.BAD_REQUEST, "malformed_request", _MALFORMED)
                return
            self.pipeline.popleft()
            cycle.more_body = False
        if self.pipeline or (cycle is not None and not cycle.response_complete):
            self.flow.pause_reading()
        else:
            self._refuse_malformed()

    def _refuse_malformed(self) -> None:
        """There may be no request to speak of, so there is a problem of its own."""
        if self.transport.is_closing():
            return
        scope: Scope = {"path": "", "headers": []}
        identity = identity_of(scope)
        body = problem_body(scope, HTTPStatus.BAD_REQUEST, "malformed_request", _MALFORMED)
        self.write(HTTPStatus.BAD_REQUEST, _headers_of(body, identity), body, close=True)
        self.transport.close()

    def has_brought_a_request(self) -> bool:
        """Whether the head of one has come in whole."""
        return self.cycle is not None

    def can_be_given_up(self) -> bool:
        """Whether it waits for its client: to begin, to go on with a body that has stalled, to take an answer."""
        awaited = self._what_we_await()
        if awaited is None or awaited.what != "body":
            return awaited is not None
        if not self._marks or not awaited.is_still(self._awaited):
            return False
        waited_s = self.loop.time() - self._marks[-1].at
        return self._received_bytes - self._marks[-1].moved_bytes < waited_s * SLOWEST_BYTES_PER_S

    def give_up(self) -> None:
        """Make room for another connection."""
        self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", _NO_ROOM)

    def _connections(self) -> Connections | None:
        """Those of the application; ``None``: it has not begun, or is none of ours."""
        parts = cast(Parts | None, self.app_state.get("parts"))
        return None if parts is None else parts.get(Connections)

    def _ask_for_room(self, connections: Connections) -> None:
        admission = connections.admit(self, peer_of(self.client))
        if admission is Admission.FOR_PROBES:
            self._is_for_probes = True
            self.scope = {}  # type: ignore[typeddict-item] # as if a head had begun: it is for the server, all of it
        elif admission is Admission.REFUSED:
            self.write(HTTPStatus.SERVICE_UNAVAILABLE, [(b"content-length", b"0")], b"", close=True)
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._is_for_probes:
            cycle.keep_alive = False
            app = app if cycle.scope["path"] in PROBES else _turn_away
        super()._start_asgi_task(cycle, app)

    def shutdown(self) -> None:
        """The server stops: what was accepted is answered, what has not come in whole is waited for a little."""
        super().shutdown()
        if not self.transport.is_closing():
            self._timer.cancel()
            self._timer = self.loop.call_later(DRAIN_S, self._end_drain)

    def _end_drain(self) -> None:
        if self._what_we_await() is None:
            self._timer = self.loop.call_later(DRAIN_S / 10, self._end_drain)
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "shutting_down", "the service stops; send this again later")

    def _check_head(self, size_bytes: int) -> None:
        """A head that came in one read is no larger than a read."""
        if self._head is self.scope:
            self._head_bytes += size_bytes
        else:
            self._head, self._head_bytes = self.scope, 0
        if self._head_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "", "")

    def _look(self) -> None:
        self._timer = self.loop.call_later(LOOK_EVERY_S, self._look)
        awaited = self._what_we_await()
        if awaited is None or not awaited.is_still(self._awaited):
            self._awaited = awaited
            self._marks.clear()
        if awaited is None:
            return
        self._marks.append(_Mark(self.loop.time(), self._moved_bytes(awaited)))
        if self._is_stalled(awaited):
            if awaited.what == "answer":
                self.transport.abort()
            else:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", "the request did not come in time")

    def _is_stalled(self, awaited: _Awaited) -> bool:
        marks = self._marks
        now = marks[-1]
        while len(marks) > 1 and now.at - marks[1].at >= PATIENCE_S:
            del marks[0]
        waited_s = now.at - marks[0].at
        if waited_s < PATIENCE_S:
            return False
        moves = awaited.what in ("body", "answer")
        return not moves or now.moved_bytes - marks[0].moved_bytes < waited_s * SLOWEST_BYTES_PER_S

    def _moved_bytes(self, awaited: _Awaited) -> int:
        """What only grows while the client does its part."""
        if awaited.what == "answer":
            return -self.transport.get_write_buffer_size()
        return self._received_bytes

    def _what_we_await(self) -> _Awaited | None:
        """``None``: nothing, it is for us to answer, or to read on."""
        cycle, scope = self.cycle, self.scope
        if self.transport.is_closing() or self.flow.write_paused:
            return _Awaited("answer", scope)
        if self.pipeline or (cycle is not None and not cycle.response_complete and not cycle.more_body):
            return None
        if cycle is None or cycle.scope is not scope:
            return _Awaited("head", scope)
        if cycle.response_complete:
            return _Awaited("anything else", scope)
        return None if self.flow.read_paused else _Awaited("body", scope)

    def _refuse(self, status: HTTPStatus, code: str, detail: str) -> None:
        """Answer in the application's place, if there is anything to answer, and close."""
        cycle = self.cycle
        if cycle is None or cycle.scope is not self.scope:
            if self.scope is not None:  # a head has begun
                self.write(status, [(b"content-length", b"0")], b"", close=True)
        elif not cycle.response_started:
            scope = cast(Scope, cycle.scope)
            identity = identity_of(scope)  # its task may not have begun
            body = problem_body(scope, status, code, detail)
            headers = _headers_of(body, identity)
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                headers += [(name.lower().encode(), value.encode()) for name, value in retry_later().items()]
            cycle.disconnected = True  # the application's answer would be a second one
            self.write(status, headers, body, close=True)
        self.transport.close()

    def write(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, close: bool) -> None:
        """Write a whole answer; ``close`` tells the client that it is the last one of this connection."""
        lines = [*self.server_state.default_headers, *headers]
        if close:
            lines.append((b"connection", b"close"))
        self._one_write.write_whole(
            b"".join([STATUS_LINE[status], *[b"%s: %s\r\n" % line for line in lines], b"\r\n", body])
        )


def _headers_of(body: bytes, identity: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (HEADER, identity),
    ]


async def _turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in the application's place: there is no room for this connection."""
    identity = identity_of(scope)
    response = error_response(scope, OverloadedError(_NO_ROOM))
    response.headers[HEADER.decode()] = identity.decode()
    await response(scope, receive, send)
