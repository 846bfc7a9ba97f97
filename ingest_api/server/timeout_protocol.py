"""HTTP for clients that may be slow: none keeps a connection for long without sending or taking something.

A client that sends its request slower than anything real is cut off, and a stop does not wait for a body that does not
come. Where there is no room for all connections, those go that wait for their clients.
"""

import asyncio
from typing import Any, NamedTuple, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from ingest_api.health.health_routes import PROBES
from ingest_api.http.client_address import peer_of
from ingest_api.http.ending import Ending
from ingest_api.http.parts import Parts
from ingest_api.server.connections import Admission, Connections
from ingest_api.server.refusing_protocol import NO_ROOM, STOPPING, TOO_SLOW, turn_away
from ingest_api.server.strict_protocol import StrictHttpProtocol

CLIENT_TIMEOUT_S = 12.0
SLOWEST_BYTES_PER_S = 2048
"""A body that comes, or an answer that is taken, has to do so at this pace over the last ``CLIENT_TIMEOUT_S``, and not
on the whole: a burst buys no time later. A modem of 20 kbit/s just about gets through."""
DRAIN_S = 3.0
LOOK_EVERY_S = 5.0
"""So a client is cut off 15 to 20 s after it stopped. One timer a connection, none a request."""


class _Awaited(NamedTuple):
    """What we wait for a client to send or take."""

    what: str  # "headers", "body", "anything else", "answer"
    scope: object  # of the request; kept, for another one may come to lie where a forgotten one lay

    def is_still(self, earlier: "_Awaited | None") -> bool:
        """Whether it is what we waited for then."""
        return earlier is not None and self.what == earlier.what and self.scope is earlier.scope


class _Mark(NamedTuple):
    """How far it had come when we looked."""

    at: float
    moved_bytes: int


class TimeoutHttpProtocol(StrictHttpProtocol):
    """Looks at its connection now and then, and ends it where the client does not do its part."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """A client has connected."""
        super().connection_made(transport)
        self._awaited: _Awaited | None = None
        self._marks: list[_Mark] = []  # the oldest first; the second one is younger than the timeout
        self._timer = self.loop.call_later(LOOK_EVERY_S, self._look)
        self._is_for_probes = False
        if (connections := self._connections()) is not None:
            self._ask_for_room(connections)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._timer.cancel()
        if (connections := self._connections()) is not None:
            connections.leave(self, peer_of(self.client))
        super().connection_lost(exc)

    def has_brought_a_request(self) -> bool:
        """Whether the headers of one have come in whole."""
        return self.cycle is not None

    def can_be_given_up(self) -> bool:
        """Whether it waits for its client: to begin, to go on with a body that has stalled, to take an answer."""
        awaited = self._what_we_await()
        if awaited is None or awaited.what != "body":
            return awaited is not None
        if not self._marks or not awaited.is_still(self._awaited):
            return False
        waited_s = self.loop.time() - self._marks[-1].at
        return self.received_bytes - self._marks[-1].moved_bytes < waited_s * SLOWEST_BYTES_PER_S

    def give_up(self) -> None:
        """Make room for another connection."""
        self.refuse(NO_ROOM)

    def _connections(self) -> Connections | None:
        """Those of the application; ``None``: it has not begun, or is none of ours."""
        parts = self._parts()
        return None if parts is None else parts.get(Connections)

    def _parts(self) -> Parts | None:
        return cast(Parts | None, self.app_state.get("parts"))

    def _ask_for_room(self, connections: Connections) -> None:
        admission = connections.admit(self, peer_of(self.client))
        if admission is Admission.FOR_PROBES:
            self._is_for_probes = True
            self.scope = {}  # type: ignore[typeddict-item] # as if headers had begun: it is for the server, all of it
        elif admission is Admission.REFUSED:
            self.refuse_unknown(NO_ROOM.status)
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._is_for_probes:
            cycle.keep_alive = False
            app = app if cycle.scope["path"] in PROBES else turn_away
        super()._start_asgi_task(cycle, app)

    def shutdown(self) -> None:
        """The server stops: what was accepted is answered, what has not come in whole is waited for a little."""
        if (parts := self._parts()) is not None:
            parts.get(Ending).begin()
        super().shutdown()
        if not self.transport.is_closing():
            self._timer.cancel()
            self._timer = self.loop.call_later(DRAIN_S, self._end_drain)

    def _end_drain(self) -> None:
        if self._what_we_await() is None:
            self._timer = self.loop.call_later(DRAIN_S / 10, self._end_drain)
        else:
            self.refuse(STOPPING)

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
                self.refuse(TOO_SLOW)

    def _is_stalled(self, awaited: _Awaited) -> bool:
        marks = self._marks
        now = marks[-1]
        while len(marks) > 1 and now.at - marks[1].at >= CLIENT_TIMEOUT_S:
            del marks[0]
        waited_s = now.at - marks[0].at
        if waited_s < CLIENT_TIMEOUT_S:
            return False
        moves = awaited.what in ("body", "answer")
        return not moves or now.moved_bytes - marks[0].moved_bytes < waited_s * SLOWEST_BYTES_PER_S

    def _moved_bytes(self, awaited: _Awaited) -> int:
        """What only grows while the client does its part."""
        if awaited.what == "answer":
            return -self.transport.get_write_buffer_size()
        return self.received_bytes

    def _what_we_await(self) -> _Awaited | None:
        """``None``: nothing, it is for us to answer, or to read on."""
        cycle, scope = self.cycle, self.scope
        if self.transport.is_closing() or self.flow.write_paused:
            return _Awaited("answer", scope)
        if self.pipeline or (cycle is not None and not cycle.response_complete and not cycle.more_body):
            return None
        if cycle is None or cycle.scope is not scope:
            return _Awaited("headers", scope)
        if cycle.response_complete:
            return _Awaited("anything else", scope)
        return None if self.flow.read_paused else _Awaited("body", scope)
