"""HTTP for clients that may be hostile: what is malformed is refused, and what comes ahead of its turn waits.

What is no HTTP is refused once all that came before it is answered, and so are headers that do not end. Of requests
that are sent without waiting for answers some are read ahead, and the others when those are answered. A client that
sends no more still gets its answers.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools
from uvicorn.protocols.http.flow_control import FlowControl

from ingest_api.server.refusing_protocol import HEADERS_TOO_LARGE, MALFORMED, RefusingHttpProtocol
from ingest_api.server.request_parser import RequestParser

MAX_HEADER_BYTES = 64 * 1024
MOST_PIPELINED = 64
_PIECE_BYTES = 8 * 1024
"""Parsed at a time, for only then is known how many requests there are in it: one may have thirty bytes."""


class _HeldFlow(FlowControl):
    """Flow control that reads on only where there is nothing left of what was read before."""

    def __init__(self, transport: asyncio.Transport, may_read: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._may_read = may_read

    def resume_reading(self) -> None:
        """Read on, or be asked again once a request is answered."""
        if self._may_read():
            super().resume_reading()


class StrictHttpProtocol(RefusingHttpProtocol):
    """Parses requests strictly, and only so many ahead."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """A client has connected."""
        super().connection_made(transport)
        self.parser = RequestParser(self)  # type: ignore[assignment] # it has what uvicorn asks of httptools' own
        self.flow = _HeldFlow(self.transport, self._may_read)
        self.received_bytes = 0
        self._unparsed = b""
        self._is_malformed = self._has_ended = False
        self._header_bytes = 0
        self._headers_of: object = None

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        cast(RequestParser, self.parser).close()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something has come in."""
        if self._is_malformed:
            return
        self.received_bytes += len(data)
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
                self._check_header_bytes(len(piece))
            elif self.expect_100_continue:
                # If it is refused before it was asked for, its body may not come, and what comes would be taken for it.
                self.cycle.keep_alive = False

    def _may_read(self) -> bool:
        return not (self._unparsed or self.pipeline)

    def on_response_complete(self) -> None:
        """The answer is out."""
        is_last = self._is_malformed and not self.pipeline
        super().on_response_complete()
        if is_last:
            self.refuse_malformed()
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
                self.refuse(MALFORMED)
                return
            self.pipeline.popleft()
            cycle.more_body = False
        if self.pipeline or (cycle is not None and not cycle.response_complete):
            self.flow.pause_reading()
        else:
            self.refuse_malformed()

    def _check_header_bytes(self, size_bytes: int) -> None:
        """Headers that came in one read are no larger than a read."""
        if self._headers_of is self.scope:
            self._header_bytes += size_bytes
        else:
            self._headers_of, self._header_bytes = self.scope, 0
        if self._header_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.refuse(HEADERS_TOO_LARGE)
