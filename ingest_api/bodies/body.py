"""Reads a request's body: as it is sent, decoded, within its limits, and never more at a time than it must."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import NamedTuple, Self

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from ingest_api.bodies.content_encoding import Decoder
from ingest_api.bodies.density import Density
from ingest_api.bodies.limits import Limits, MemoryBudget, MemoryShare
from warehouse.contract.errors import OverloadedError, TooLargeError
from warehouse.decoding.json_bodies import MalformedBodyError
from warehouse.decoding.line_chunks import LineChunks

_OF_A_BODY = "send several, or application/x-ndjson: a body holds"
_OF_A_STREAM = "send several: a stream holds"


class BodyHeaders(NamedTuple):
    """What the headers say of the body."""

    media_type: bytes
    """Lower case, without parameters."""
    encoding: bytes
    """Of several ``Content-Encoding`` headers one list, as HTTP says."""
    length: int | None
    """``None``: not known beforehand."""

    @classmethod
    def of(cls, scope: Scope) -> "BodyHeaders":
        """Read them; their names come in lower case from every server."""
        headers = dict(scope["headers"])
        media_type = headers.get(b"content-type", b"")
        if media_type != b"application/json":
            media_type = media_type.partition(b";")[0].strip().lower()
        encoding = headers.get(b"content-encoding", b"")
        if encoding:
            encoding = b",".join(value for name, value in scope["headers"] if name == b"content-encoding")
        length = headers.get(b"content-length")
        return cls(media_type, encoding, None if length is None else int(length))


class BrokenEncodingError(MalformedBodyError):
    """The body is not in its ``Content-Encoding``; ``raw`` is the piece of it, as sent, that cannot be decoded."""

    def __init__(self, error: MalformedBodyError, raw: bytes) -> None:
        super().__init__(error.code, error.detail)
        self.raw = raw


class BodyReader:
    """Reads the body of one request. What it takes of the memory budget is given back at the end of its ``with`` block.

    All ways to read raise ``TooLargeError`` where the body is too large (nothing of it is read where the headers say
    so), ``OverloadedError`` where other bodies leave no room for it, and ``ClientDisconnect`` where there is nobody
    left to answer.
    """

    def __init__(self, scope: Scope, receive: Receive, budget: MemoryBudget, client: str) -> None:
        """``client`` is whom the budget counts the body for."""
        self.headers = BodyHeaders.of(scope)
        self._receive = receive
        self._memory = MemoryShare(budget, client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._memory.hold(0)

    @property
    def most_bytes(self) -> int:
        """How much memory it took at most."""
        return self._memory.most_bytes

    async def read_whole(self, max_bytes: int) -> bytes:
        """The body as it is sent."""
        _check(self.headers.length or 0, max_bytes, _OF_A_BODY)
        body, more = await self._next_piece()
        _check(len(body), max_bytes, _OF_A_BODY)
        self._memory.hold(len(body))
        if not more:  # nearly always
            return body
        pieces = bytearray(body)
        while more:
            piece, more = await self._next_piece()
            _check(len(pieces) + len(piece), max_bytes, _OF_A_BODY)
            self._memory.hold(len(pieces) + len(piece))
            pieces += piece
        return bytes(pieces)

    async def read_decoded(self, decoder: Decoder, limits: Limits) -> bytes:
        """The body, decoded.

        Raises:
            BrokenEncodingError: it cannot be decoded.
        """
        sent = await self.read_whole(limits.body_bytes)
        if not self.headers.encoding:
            return sent
        decoded = bytearray()
        try:
            for piece in decoder.decode(sent):
                _check(len(decoded) + len(piece), limits.decoded_bytes, _OF_A_BODY)
                self._memory.hold(len(sent) + len(decoded) + len(piece) + decoder.kept_bytes)
                decoded += piece
            decoder.finish()
        except MalformedBodyError as error:
            raise BrokenEncodingError(error, sent) from None
        return bytes(decoded)

    async def read_lines(self, decoder: Decoder, limits: Limits) -> AsyncGenerator[list[bytes], None]:
        """The lines of the body, decoded, in chunks: memory stays flat however long the stream.

        Whatever came in whole lines before an error is given first, unless there is nobody left to answer.

        Raises:
            BrokenEncodingError: it cannot be decoded.
        """
        chunks = LineChunks(max_lines=limits.items, max_bytes=limits.decoded_bytes, max_line_bytes=limits.body_bytes)
        density = Density(limits.items)
        try:
            async with aclosing(self._decoded_pieces(decoder, limits.stream_bytes)) as pieces:
                async for piece in pieces:
                    density.add(piece)
                    self._memory.hold(chunks.kept_bytes + len(piece) + decoder.kept_bytes)
                    for lines in chunks.feed(piece):
                        yield lines
        except (TooLargeError, OverloadedError, BrokenEncodingError):
            yield chunks.take()
            raise
        yield chunks.finish()

    async def _decoded_pieces(self, decoder: Decoder, max_bytes: int) -> AsyncGenerator[bytes, None]:
        _check(self.headers.length or 0, max_bytes, _OF_A_STREAM)
        sent_bytes = decoded_bytes = 0
        more = True
        while more:
            piece, more = await self._next_piece()
            sent_bytes += len(piece)
            _check(sent_bytes, max_bytes, _OF_A_STREAM)
            try:
                for decoded in decoder.decode(piece):
                    decoded_bytes += len(decoded)
                    _check(decoded_bytes, max_bytes, _OF_A_STREAM)
                    yield decoded
                if not more:
                    decoder.finish()
            except MalformedBodyError as error:
                raise BrokenEncodingError(error, piece) from None

    async def _next_piece(self) -> tuple[bytes, bool]:
        """A piece of the body as sent, and whether there are more to come."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)


def _check(size_bytes: int, most: int, of_what: str) -> None:
    if size_bytes > most:
        raise TooLargeError(f"{of_what} at most {most} bytes")
