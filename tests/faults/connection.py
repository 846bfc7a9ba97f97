"""A device's connection: keep-alive HTTP/1.1 over a raw socket, opened again where the server has broken it."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

PATIENCE_S = 10.0
"""Who has no answer by then has been left hanging."""


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    retry_after: bytes
    """Empty where there is none."""
    body: bytes


class NoAnswerError(Exception):
    """No whole answer came"""


class NotConnectedError(NoAnswerError):
    """Nobody listens: nothing was sent"""


class ConnectionLostError(NoAnswerError):
    """The server broke the connection before it had answered"""


class SilenceError(NoAnswerError):
    """Nothing came for as long as anybody would wait"""


class Connection:
    """At most one request is under way on it. ``token``: what it proves itself by, where it is asked to."""

    def __init__(self, port: int, patience_s: float = PATIENCE_S, token: str = "") -> None:
        self._port = port
        self._patience_s = patience_s
        self._proof = f"\r\nAuthorization: Bearer {token}\r\n".encode() if token else b"\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, request: bytes) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            NoAnswerError: which of its kinds says why. The next exchange begins on a new connection.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                reader, writer = self._streams = self._streams or await self._connected()
                writer.write(request.replace(b"\r\n", self._proof, 1))
                return await self._answer(reader)
        except TimeoutError:  # before OSError, of which it is a kind
            self.close()
            raise SilenceError from None
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise ConnectionLostError from error

    def close(self) -> None:
        """Break it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionError as error:
            raise NotConnectedError from error

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(_header(head, b"content-length")))
        if _header(head, b"connection").lower() == b"close":
            self.close()
        return Answer(int(head[9:12]), _header(head, b"retry-after"), body)


def get(path: str) -> bytes:
    """A question."""
    return b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode()


def post(body: bytes, media_type: str, encoding: str = "identity") -> bytes:
    """A request with telemetry, in this ``Content-Encoding``."""
    head = (
        "POST /v1/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: {media_type}\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _header(head: bytes, name: bytes) -> bytes:
    """A header's value; empty where there is none."""
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.index(b"\r\n", start)].strip()


async def exchange_all(port: int, requests: Sequence[bytes], at_once: int) -> list[Answer]:
    """Send all of these over so many connections; the answers, in the order of the requests.

    Raises:
        ExceptionGroup: of NoAnswerError, where one of them got none.
    """
    answers: list[Answer | None] = [None] * len(requests)
    unsent = iter(enumerate(requests))

    async def send() -> None:
        connection = Connection(port)
        for position, request in unsent:
            answers[position] = await connection.exchange(request)
        connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(send())
    return [answer for answer in answers if answer is not None]
