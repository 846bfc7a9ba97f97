"""The headers of requests that may carry a single reading; each distinct block of headers is read once.

A device sends the same headers again and again, and so do its neighbours: what they say is remembered by their bytes.
But for the ``Authorization``: each device may have its own, and what it opens is asked anew each time.
"""

from functools import lru_cache
from typing import NamedTuple, cast

import httptools
from starlette.types import Scope

from ingest_api.bodies.body import BodyHeaders
from ingest_api.http.request_id import callers_own
from ingest_api.server.request_parser import check_headers
from ingest_api.telemetry.ingest import JSON, PATH

MAX_HEADER_BYTES = 1024
MAX_BODY_BYTES = 1024
"""A reading has some 150."""

_REMEMBERED = 4096
"""Blocks of headers. They take at most 8 MB, even where each client's are different and as long as they may be: what is
kept of a block is no larger than the block itself, however many headers it has."""
_URL, _JSON = PATH.encode(), JSON.encode()
_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_AUTHORIZATION = (b"\r\nAuthorization:", b"\r\nauthorization:")
"""As clients write it. Who writes it otherwise is answered by the application."""


class ReadingHeaders(NamedTuple):
    """The headers of a plain ``POST /v1/telemetry``: one small JSON body follows, and the connection stays open."""

    size_bytes: int
    """Of the request line and the headers."""
    body_bytes: int
    request_id: bytes | None
    """What the caller calls its request."""
    credentials: bytes | None
    """What it says in its ``Authorization``."""


class _Remembered(NamedTuple):
    body_bytes: int
    request_id: bytes | None


def read_headers(data: bytes) -> ReadingHeaders | None:
    """The headers that this begins with; ``None``: it is another kind of request, or they are not complete yet."""
    end = data.find(_END, 0, MAX_HEADER_BYTES)
    if end < 0:
        return None
    size_bytes = end + len(_END)
    block, credentials = _without_authorization(data[:size_bytes])
    found = _read(block)
    return None if found is None else ReadingHeaders(size_bytes, *found, credentials)


def _without_authorization(block: bytes) -> tuple[bytes, bytes | None]:
    """The block without the line, and what the line says; one that is not plain stays, for the server to refuse."""
    for name in _AUTHORIZATION:
        at = block.find(name)
        if at >= 0:
            end = block.index(_LINE_END, at + len(name))
            credentials = block[at + len(name) : end]
            is_folded = block[end + len(_LINE_END)] in b" \t"
            if is_folded or not (credentials.isascii() and credentials.decode().isprintable()):
                return block, None
            return block[:at] + block[end:], credentials.strip(b" ")
    return block, None


def headers_of(block: bytes) -> list[tuple[bytes, bytes]]:
    """All headers of such a block, read again: they are not remembered, and seldom needed."""
    parts = _Parts()
    httptools.HttpRequestParser(parts).feed_data(block)
    return parts.headers


@lru_cache(_REMEMBERED)
def _read(block: bytes) -> _Remembered | None:
    parts = _Parts()
    parser = httptools.HttpRequestParser(parts)
    try:
        parser.feed_data(block)
        check_headers(parser.get_method(), parser.get_http_version(), parts.headers)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):  # for the server to answer
        return None
    names = {name for name, _ in parts.headers}
    says = BodyHeaders.of(cast(Scope, {"headers": parts.headers}))
    is_plain = (
        (parser.get_method(), parts.url, parser.get_http_version()) == (b"POST", _URL, "1.1")
        and (says.media_type, says.encoding) == (_JSON, b"")
        and names.isdisjoint((b"authorization", b"expect", b"transfer-encoding", b"upgrade"))
        and parser.should_keep_alive()
    )
    if not is_plain or says.length is None or not 0 < says.length <= MAX_BODY_BYTES:
        return None
    return _Remembered(says.length, callers_own(parts.headers))


class _Parts:
    """What the parser found."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))
