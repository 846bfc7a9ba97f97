"""A transport that sends an answer's headers together with its body: one system call and one packet instead of two."""

import asyncio
from typing import Any

_FINAL, _INTERIM = b"HTTP/1.1 ", b"HTTP/1.1 1"


class OneWriteTransport:
    """Lies between the HTTP protocol, which writes headers and bodies, and the connection.

    Headers are kept until what belongs to them is written, the answer is complete or the connection is closed.
    """

    __slots__ = ("_headers", "_transport", "abort", "get_extra_info", "is_closing", "pause_reading", "resume_reading")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._headers = b""
        self.abort = transport.abort
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Write this, and headers that were kept before it; or keep it where it is headers."""
        if self._headers:
            data, self._headers = self._headers + data, b""
        elif data.startswith(_FINAL) and not data.startswith(_INTERIM):
            self._headers = data
            return
        self._transport.write(data)

    def write_whole(self, answer: bytes) -> None:
        """Write headers and their body."""
        self.flush()
        self._transport.write(answer)

    def flush(self) -> None:
        """Write headers that were kept: nothing more belongs to them."""
        if self._headers:
            self.write(b"")

    def close(self) -> None:
        """Close the connection when everything is written."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
