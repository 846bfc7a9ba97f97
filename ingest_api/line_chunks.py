"""Cuts a stream of bytes into chunks of lines, however the bytes came in pieces."""

from collections.abc import Iterator

from warehouse.contract.errors import TooLargeError


class LineChunks:
    """Keeps at most one chunk; looks at each byte once, however long its line."""

    def __init__(self, *, max_lines: int, max_bytes: int, max_line_bytes: int) -> None:
        """A chunk is handed on at ``max_lines``, or by the piece with which it reaches ``max_bytes``."""
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._max_line_bytes = max_line_bytes
        self._lines: list[bytes] = []
        self._lines_bytes = 0
        self._unended = bytearray()

    @property
    def kept_bytes(self) -> int:
        """The size of what has come in and not yet gone out."""
        return self._lines_bytes + len(self._unended)

    def feed(self, piece: bytes) -> Iterator[list[bytes]]:
        """Take the next piece of the stream; the chunks that it makes complete.

        Raises:
            TooLargeError: a line is too long. ``take`` still gives the lines before it.
        """
        *ended, unended = piece.split(b"\n")
        if ended:
            ended[0] = bytes(self._unended) + ended[0]
            self._unended.clear()
            for line in ended:
                self._check(len(line))
                self._lines.append(line)
                self._lines_bytes += len(line)
                if len(self._lines) == self._max_lines:
                    yield self.take()
        self._check(len(self._unended) + len(unended))
        self._unended += unended
        if self._lines_bytes >= self._max_bytes:
            yield self.take()

    def take(self) -> list[bytes]:
        """The lines that have ended."""
        lines, self._lines, self._lines_bytes = self._lines, [], 0
        return lines

    def finish(self) -> list[bytes]:
        """The lines that are left; what follows the last newline is one too, blank or not."""
        return [*self.take(), bytes(self._unended)]

    def _check(self, length: int) -> None:
        if length > self._max_line_bytes:
            raise TooLargeError(f"a line holds at most {self._max_line_bytes} bytes")
