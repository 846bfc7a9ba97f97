"""The heads of requests that may carry a single reading, each kind of head read once.

A device sends the same head again and again, and so do its neighbours: what it says is remembered by its bytes.
"""

from functools import lru_cache
from typing import NamedTuple, cast

import httptools
from starlette.types import Scope

from ingest_api.bodies.body import BodyHeaders
from ingest_api.http.request_id import callers_own
from ingest_api.server.request_parser import check_head
from ingest_api.telemetry.ingest import JSON, PATH

MAX_HEAD_BYTES = 1024
MAX_BODY_BYTES = 1024
"""A reading has some 150."""

_REMEMBERED = 4096
"""At most 8 MB, where each client's head is another one and as long as may be: what is kept of a head is no larger than
the head itself, however many headers it has."""
_URL, _JSON = PATH.encode(), JSON.encode()
_END = b"\r\n\r\n"


class ReadingHead(NamedTuple):
    """The head of a plain ``POST /v1/telemetry``: one small JSON body, and the connection stays."""

    size_bytes: int
    """Of the head itself."""
    body_bytes: int
    request_id: bytes | None
    """What the caller calls its request."""


def reading_head(data: bytes) -> ReadingHead | None:
    """The head that this begins with; ``None``: it is another kind of request, or not whole yet."""
    end = data.find(_END, 0, MAX_HEAD_BYTES)
    return None if end < 0 else _read(data[: end + len(_END)])


def headers_of(head: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of a plain head, read again: they are not remembered, and seldom asked for."""
    parts = _Parts()
    httptools.HttpRequestParser(parts).feed_data(head)
    return parts.headers


@lru_cache(_REMEMBERED)
def _read(head: bytes) -> ReadingHead | None:
    parts = _Parts()
    parser = httptools.HttpRequestParser(parts)
    try:
        parser.feed_data(head)
        check_head(parser.get_method(), parser.get_http_version(), parts.headers)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):  # for the server to answer
        return None
    names = {name for name, _ in parts.headers}
    says = BodyHeaders.of(cast(Scope, {"headers": parts.headers}))
    is_plain = (
        (parser.get_method(), parts.url, parser.get_http_version()) == (b"POST", _URL, "1.1")
        and (says.media_type, says.encoding) == (_JSON, b"")
        and names.isdisjoint((b"expect", b"transfer-encoding", b"upgrade"))
        and parser.should_keep_alive()
    )
    if not is_plain or says.length is None or not 0 < says.length <= MAX_BODY_BYTES:
        return None
    return ReadingHead(len(head), says.length, callers_own(parts.headers))


class _Parts:
    """What the parser found."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))
