"""A transport that sends an answer's head together with its body: one system call and one packet instead of two."""

import asyncio
from typing import Any

_HEAD, _INTERIM = b"HTTP/1.1 ", b"HTTP/1.1 1"


class OneWriteTransport:
    """Stands between the HTTP protocol, which writes heads and bodies, and the connection.

    A head is kept until what belongs to it is written, the answer is complete or the connection is closed.
    """

    __slots__ = ("_head", "_transport", "abort", "get_extra_info", "is_closing", "pause_reading", "resume_reading")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.abort = transport.abort
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Write this, and a head that was kept before it; or keep it where it is a head."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_HEAD) and not data.startswith(_INTERIM):
            self._head = data
            return
        self._transport.write(data)

    def write_whole(self, answer: bytes) -> None:
        """Write a head and its body."""
        self.flush()
        self._transport.write(answer)

    def flush(self) -> None:
        """Write a head that was kept: nothing more belongs to it."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Close the connection when everything is written."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
