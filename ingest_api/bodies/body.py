"""Reads a request's body: as it is sent, decoded, within its limits, and never more at a time than it must."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from ingest_api.bodies.content_encoding import Decoder
from ingest_api.bodies.density import Density
from ingest_api.bodies.limits import Limits, MemoryShare
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


async def read_whole(receive: Receive, headers: BodyHeaders, max_bytes: int, held: MemoryShare) -> bytes:
    """The body as it is sent.

    Raises:
        TooLargeError: it is; where that is known beforehand, nothing of it is read.
        OverloadedError: other bodies leave no room for it.
        ClientDisconnect: there is nobody left to answer.
    """
    _check(headers.length or 0, max_bytes, _OF_A_BODY)
    body, more = await _next_piece(receive)
    _check(len(body), max_bytes, _OF_A_BODY)
    held.set(len(body))
    if not more:  # nearly always
        return body
    pieces = bytearray(body)
    while more:
        piece, more = await _next_piece(receive)
        _check(len(pieces) + len(piece), max_bytes, _OF_A_BODY)
        held.set(len(pieces) + len(piece))
        pieces += piece
    return bytes(pieces)


async def read_decoded(
    receive: Receive, headers: BodyHeaders, decoder: Decoder, limits: Limits, held: MemoryShare
) -> bytes:
    """The body, decoded.

    Raises:
        TooLargeError, OverloadedError, ClientDisconnect: as ``read_whole``.
        BrokenEncodingError: it cannot be decoded.
    """
    sent = await read_whole(receive, headers, limits.body_bytes, held)
    if not headers.encoding:
        return sent
    decoded = bytearray()
    try:
        for piece in decoder.decode(sent):
            _check(len(decoded) + len(piece), limits.decoded_bytes, _OF_A_BODY)
            held.set(len(sent) + len(decoded) + len(piece) + decoder.kept_bytes)
            decoded += piece
        decoder.finish()
    except MalformedBodyError as error:
        raise BrokenEncodingError(error, sent) from None
    return bytes(decoded)


async def read_lines(
    receive: Receive, headers: BodyHeaders, decoder: Decoder, limits: Limits, held: MemoryShare
) -> AsyncGenerator[list[bytes], None]:
    """The lines of the body, decoded, in chunks: memory stays flat however long the stream.

    Raises:
        TooLargeError, OverloadedError, ClientDisconnect, BrokenEncodingError: as ``read_decoded``. Whatever came
            before in whole lines was given, unless there is nobody left to answer.
    """
    chunks = LineChunks(max_lines=limits.items, max_bytes=limits.decoded_bytes, max_line_bytes=limits.body_bytes)
    density = Density(limits.items)
    try:
        async with aclosing(_decoded_pieces(receive, headers, decoder, limits.stream_bytes)) as pieces:
            async for piece in pieces:
                density.add(piece)
                held.set(chunks.kept_bytes + len(piece) + decoder.kept_bytes)
                for lines in chunks.feed(piece):
                    yield lines
    except (TooLargeError, OverloadedError, BrokenEncodingError):
        yield chunks.take()
        raise
    yield chunks.finish()


async def _decoded_pieces(
    receive: Receive, headers: BodyHeaders, decoder: Decoder, max_bytes: int
) -> AsyncGenerator[bytes, None]:
    _check(headers.length or 0, max_bytes, _OF_A_STREAM)
    sent_bytes = decoded_bytes = 0
    more = True
    while more:
        piece, more = await _next_piece(receive)
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


async def _next_piece(receive: Receive) -> tuple[bytes, bool]:
    """A piece of the body as sent, and whether there are more to come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _check(size_bytes: int, most: int, of_what: str) -> None:
    if size_bytes > most:
        raise TooLargeError(f"{of_what} at most {most} bytes")
