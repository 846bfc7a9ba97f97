"""Requests written byte by byte as a test likes, and the answers to them, over one connection."""

import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

_HEADERS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n")


class RawAnswer(NamedTuple):
    """An answer as it came; an interim one (100) has no body."""

    status: int
    headers: dict[str, str]
    body: bytes


class RawConnection:
    """A connection to the API."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._received = b""

    def send(self, *pieces: bytes) -> None:
        """Send each piece in a packet of its own."""
        for piece in pieces:
            self.socket.sendall(piece)

    def answer(self, *, is_head: bool = False) -> RawAnswer:
        """The next answer.

        Raises:
            EOFError: the connection ended before it.
        """
        while (match := _HEADERS.match(self._received)) is None:
            self._receive()
        lines = match[2].decode("latin-1").splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = 0 if is_head else int(headers.get("content-length", "0"))
        while len(self._received) < match.end() + size:
            self._receive()
        body = self._received[match.end() : match.end() + size]
        self._received = self._received[match.end() + size :]
        return RawAnswer(int(match[1]), headers, body)

    def answers(self) -> list[RawAnswer]:
        """All answers until the connection ends."""
        found = []
        while True:
            try:
                found.append(self.answer())
            except EOFError:
                assert self._received == b""
                return found

    def rest(self) -> bytes:
        """What has come in behind the answers that were taken."""
        rest, self._received = self._received, b""
        return rest

    def _receive(self) -> None:
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            raise EOFError
        self._received += piece


@contextmanager
def raw_connection(port: int, source: str = "127.0.0.1") -> Iterator[RawConnection]:
    """Connect, from this address of this machine."""
    with socket.create_connection(("127.0.0.1", port), 30, source_address=(source, 0)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield RawConnection(connection)


def request_headers(method: str, path: str, *headers: str, version: str = "1.1") -> bytes:
    """The request line and the headers of a request, with a Host."""
    lines = [f"{method} {path} HTTP/{version}", "Host: fleetwatt", *headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def chunked(pieces: Iterable[bytes]) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
