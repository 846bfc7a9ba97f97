"""httptools' parser as uvicorn's protocol uses it, told to ignore offers of another protocol, and stricter.

What one server reads as the end of a request and the next one as a part of it is how requests are smuggled past a
proxy. So headers that can be read in two ways are refused, and so is framing without end.
"""

import re
from collections.abc import Iterable
from typing import Any, Protocol

import httptools

FRAMING = "fleetwatt.framing"
"""Where a request's scope has it."""
OFFERED = "fleetwatt.offered"
"""Where a request's scope has the protocols that it offers to go on in, as they were sent; nothing: it offers none."""
MAX_FRAMING_BYTES = 64 * 1024
_FRAMING_PER_BYTE = 16
"""A chunk of one byte has five around it."""
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?").fullmatch


class MalformedHeadersError(httptools.HttpParserError):
    """Request headers that the parser takes, and we do not"""


class Framing:
    """How the body of a request is delimited, and what came of it. One each request that has a body."""

    __slots__ = ("body_bytes", "chunks", "is_chunked")

    def __init__(self, *, is_chunked: bool) -> None:
        self.is_chunked = is_chunked
        self.body_bytes = 0
        self.chunks = 0
        """The last one, which is empty, is counted too."""

    @property
    def is_empty(self) -> bool:
        """Whether it was sent as an empty body: the last chunk, and nothing before it."""
        return self.is_chunked and (self.chunks, self.body_bytes) == (1, 0)


_NO_FRAMING = Framing(is_chunked=False)


class Callbacks(Protocol):
    """What the parser tells uvicorn's protocol."""

    headers: list[tuple[bytes, bytes]]
    scope: Any
    url: bytes

    def on_message_begin(self) -> None: ...
    def on_url(self, url: bytes) -> None: ...
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_headers_complete(self) -> None: ...
    def on_body(self, body: bytes) -> None: ...
    def on_message_complete(self) -> None: ...


def check_headers(method: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse what the parser lets pass. The names are in lower case.

    Raises:
        MalformedHeadersError: they are not of HTTP/1.1 or 1.0, or they can be read in two ways.
    """
    if version not in ("1.1", "1.0"):
        raise MalformedHeadersError("this is neither HTTP/1.1 nor HTTP/1.0")
    if method == b"CONNECT":
        raise MalformedHeadersError("this is no proxy")
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if not _HOST(value):
                raise MalformedHeadersError("the Host is none")
        elif name == b"transfer-encoding" and (version != "1.1" or value.lower() != b"chunked"):
            raise MalformedHeadersError("chunked is the only Transfer-Encoding, and needs HTTP/1.1")
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise MalformedHeadersError("send one Host")


class RequestParser:
    """One connection's. It never says that a request is to be upgraded: who offers that is answered all the same."""

    __slots__ = (
        "_framing",
        "_framing_bytes",
        "_is_in_headers",
        "_offered",
        "_parser",
        "_protocol",
        "get_http_version",
        "get_method",
        "on_url",
        "should_keep_alive",
    )

    def __init__(self, protocol: Callbacks) -> None:
        """The protocol is told what comes in, as by httptools."""
        self._protocol = protocol
        self._framing = _NO_FRAMING
        self._framing_bytes = 0
        self._is_in_headers = True
        self._offered = b""
        self.on_url = protocol.on_url  # there is nothing to add
        self._begin()

    def feed_data(self, data: bytes) -> None:
        """Take what came in.

        Raises:
            HttpParserError: it is no HTTP, or more framing than body.
        """
        framing, body_bytes = self._framing, self._framing.body_bytes
        rest = memoryview(data)
        while True:
            try:
                self._parser.feed_data(rest)
                break
            except httptools.HttpParserUpgrade as offer:
                rest = rest[offer.args[0] :]
                self._begin_again_without_offer()
        if framing.is_chunked and framing is self._framing:  # in the middle of a body
            self._check_framing(len(data) - (framing.body_bytes - body_bytes))

    def should_upgrade(self) -> bool:
        """Never (RFC 9110, 7.8: an offer may be ignored)."""
        return False

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_headers = True
        self._protocol.on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which must not pass for one."""
        if self._is_in_headers:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        """The headers of a request are complete."""
        method = self._parser.get_method()
        if self._parser.should_upgrade() and method != b"CONNECT":
            return  # this parser would take the body for the other protocol
        protocol, headers = self._protocol, self._protocol.headers
        check_headers(method, self._parser.get_http_version(), headers)
        self._framing = Framing(is_chunked=any(name == b"transfer-encoding" for name, _ in headers))
        self._framing_bytes = 0
        protocol.scope[FRAMING] = self._framing
        protocol.scope[OFFERED], self._offered = self._offered, b""
        self._is_in_headers = False
        protocol.on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._framing.body_bytes += len(body)
        self._protocol.on_body(body)

    def on_chunk_header(self) -> None:
        """A chunk begins."""
        self._framing.chunks += 1

    def on_message_complete(self) -> None:
        """A request is whole."""
        if not self._parser.should_upgrade():
            self._framing = _NO_FRAMING
            self._protocol.on_message_complete()

    def close(self) -> None:
        """Let go of everything: the two parsers hold each other."""
        del self._parser, self.get_method, self.get_http_version, self.should_keep_alive

    def _begin(self) -> None:
        parser = self._parser = httptools.HttpRequestParser(self)
        # Else what is pipelined behind a request that closes the connection would spoil that request's answer.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.get_method, self.get_http_version = parser.get_method, parser.get_http_version
        self.should_keep_alive = parser.should_keep_alive

    def _begin_again_without_offer(self) -> None:
        """Have another parser read the headers without the offer. It reads the body too, and what follows.

        The one before can be resumed only behind the body, and does not say where that is.
        """
        start = b"%s %s HTTP/%s\r\n" % (self.get_method(), self._protocol.url, self.get_http_version().encode())
        headers = [b"%s: %s\r\n" % header for header in self._protocol.headers if header[0] != b"upgrade"]
        self._offered = b",".join(value for name, value in self._protocol.headers if name == b"upgrade")
        self._begin()
        self._parser.feed_data(b"".join([start, *headers, b"\r\n"]))

    def _check_framing(self, size_bytes: int) -> None:
        """Chunks' extensions and trailers are read and forgotten, but not without end."""
        self._framing_bytes += size_bytes
        if self._framing_bytes > MAX_FRAMING_BYTES + _FRAMING_PER_BYTE * self._framing.body_bytes:
            raise httptools.HttpParserError("more framing than body")
