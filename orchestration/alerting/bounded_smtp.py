"""SMTP with servers that never come to an end: in all their replies may take so long, and have so many bytes.

``smtplib`` limits each read alone: a reply that trickles in, or one of endless lines, would hold a sender for good.
"""

import smtplib
import socket
import time
from typing import Any

WHOLE_WITHIN_S = 120.0
"""From the first byte on. Well within the lease of ``sending``."""
MOST_BYTES = 2**18
"""Of all replies together; some hundred would do."""
_PIECE_BYTES = 4096


class BoundedSmtp(smtplib.SMTP):
    """A conversation."""

    def __init__(self, host: str, port: int, *, timeout: float, **how: Any) -> None:
        """``timeout``: of each read, in seconds. Raises the errors of ``smtplib``, as all of it does."""
        self._replies = _Replies(timeout)
        super().__init__(host, port, timeout=timeout, **how)

    def getreply(self) -> tuple[int, bytes]:
        """The next reply."""
        if self.file is None and self.sock is not None:  # it is another one since TLS began
            self._replies.begin(self.sock)
            self.file = self._replies
        return super().getreply()


class BoundedSmtpTls(BoundedSmtp, smtplib.SMTP_SSL):
    """The same within TLS from the first byte on."""


class _Replies:
    """In place of the file from which ``smtplib`` reads lines."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._ends_at = time.monotonic() + WHOLE_WITHIN_S
        self._bytes_left = MOST_BYTES
        self._read = b""
        self._socket: socket.socket | None = None

    def begin(self, connection: socket.socket) -> None:
        """Read from here on from this connection; what was read before it and not looked at is nobody's word."""
        self._socket, self._read = connection, b""

    def readline(self, most: int) -> bytes:
        """A line, or less at the end or where it is longer. Raises OSError, which ``smtplib`` expects."""
        while b"\n" not in self._read and len(self._read) < most and (piece := self._piece()):
            self._read += piece
        length = min(self._read.find(b"\n") + 1 or len(self._read), most)
        line, self._read = self._read[:length], self._read[length:]
        return line

    def close(self) -> None:
        """Whoever has the connection closes it."""
        self._socket = None

    def _piece(self) -> bytes:
        if self._socket is None:
            return b""
        if self._bytes_left <= 0:
            raise ConnectionAbortedError(f"they say more than {MOST_BYTES:,} bytes")
        left_s = max(0.001, self._ends_at - time.monotonic())
        self._socket.settimeout(min(self._timeout, left_s))
        try:
            piece = self._socket.recv(min(_PIECE_BYTES, self._bytes_left))
        except TimeoutError as error:
            if left_s > self._timeout:
                raise
            raise ConnectionAbortedError(f"they talk for more than {WHOLE_WITHIN_S:g} s") from error
        self._bytes_left -= len(piece)
        return piece
