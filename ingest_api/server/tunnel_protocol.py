"""HTTP whose connection may go on without HTTP: where a client offers WebSocket, and what answers it takes the offer.

The request passes the application's layers like any other, and the gate with them; offers of other protocols, and
those that nobody takes, are ignored.
"""

import asyncio
from functools import partial
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from ingest_api.http.tunnel import KEY, Tunnel
from ingest_api.server.request_parser import OFFERED
from ingest_api.server.timeout_protocol import TimeoutHttpProtocol

_PIECE_BYTES = 64 * 1024


class TunnelHttpProtocol(TimeoutHttpProtocol):
    """Hands the bytes of its connection on, once it is asked to."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """A client has connected."""
        super().connection_made(transport)
        self._came_in: asyncio.StreamReader | None = None
        """Of the tunnel, where there is one."""

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._end_tunnel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something has come in."""
        if self._came_in is None:
            super().data_received(data)
        else:
            self._came_in.feed_data(data)

    def eof_received(self) -> bool:  # type: ignore[override] # as asyncio has it
        """The client sends no more; false: the connection closes."""
        return False if self._end_tunnel() else super().eof_received()

    def shutdown(self) -> None:
        """The server stops: what comes through a tunnel has no end that could be waited for."""
        if self._end_tunnel():
            self.transport.close()
        else:
            super().shutdown()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope = cast(Scope, cycle.scope)
        offered: bytes = scope.get(OFFERED, b"")
        if b"websocket" in [each.strip().lower() for each in offered.split(b",")]:
            scope[KEY] = partial(self._begin_tunnel, cycle)
        super()._start_asgi_task(cycle, app)

    def _begin_tunnel(self, cycle: RequestResponseCycle, head: bytes) -> Tunnel | None:
        has_more = bool(self.pipeline or self._unparsed) or self._is_malformed or self._has_ended
        if cycle is not self.cycle or cycle.scope is not self.scope or cycle.more_body or has_more:
            return None
        if cycle.response_started or cycle.disconnected or self.transport.is_closing():
            return None
        cycle.disconnected = True  # the application's answer would be a second one
        self._came_in = asyncio.StreamReader(_PIECE_BYTES, self.loop)
        self._came_in.set_transport(self.transport)
        self._one_write.write_whole(head)
        self.flow.resume_reading()
        return _OfConnection(self, self._came_in)

    def _end_tunnel(self) -> bool:
        """Have the tunnel read to its end; false: there is none."""
        if self._came_in is None:
            return False
        self._came_in.feed_eof()
        return True

    async def send_through(self, data: bytes) -> None:
        """Send bytes that are no answer of ours."""
        if self.flow.write_paused:
            await self.flow.drain()
        self._one_write.write_whole(data)


class _OfConnection:
    """The tunnel of a protocol's connection."""

    def __init__(self, protocol: TunnelHttpProtocol, came_in: asyncio.StreamReader) -> None:
        self._protocol = protocol
        self._came_in = came_in

    async def read(self) -> bytes:
        return await self._came_in.read(_PIECE_BYTES)

    async def write(self, data: bytes) -> None:
        await self._protocol.send_through(data)

    def close(self) -> None:
        self._protocol.transport.close()
