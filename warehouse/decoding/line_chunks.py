"""Cuts a stream of bytes into chunks of lines, however the bytes came in pieces."""

from collections.abc import Iterator

from warehouse.contract.errors import TooLargeError


class LineChunks:
    """Keeps at most one chunk; looks at each byte once, however long its line."""

    def __init__(self, *, max_lines: int, max_bytes: int, max_line_bytes: int, cut_to_bytes: int | None = None) -> None:
        """A chunk is handed on at ``max_lines``, or by the piece with which it reaches ``max_bytes``.

        ``cut_to_bytes``: of a line that is too long so many bytes are kept, and it is named in ``cut_lines``; without
        it, such a line ends everything.
        """
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._max_line_bytes = max_line_bytes
        self._cut_to_bytes = cut_to_bytes
        self._lines: list[bytes] = []
        self._lines_bytes = 0
        self._cut: list[int] = []
        self._unended = bytearray()
        self.cut_lines: frozenset[int] = frozenset()
        """Which of the lines that were handed on last were too long."""

    @property
    def kept_bytes(self) -> int:
        """The size of what has come in and not yet gone out."""
        return self._lines_bytes + len(self._unended)

    def feed(self, piece: bytes) -> Iterator[list[bytes]]:
        """Take the next piece of the stream; the chunks that it makes complete.

        Raises:
            TooLargeError: a line is too long, and none is cut. ``take`` still gives the lines before it.
        """
        *ended, unended = piece.split(b"\n")
        if ended:
            ended[0] = bytes(self._unended) + ended[0]
            self._unended.clear()
            is_short = len(ended[0]) <= self._max_line_bytes and len(piece) <= self._max_line_bytes
            while ended:  # nearly always no line can be too long, and many are added at once
                room = self._max_lines - len(self._lines)
                some, ended = ended[:room], ended[room:]
                self._add(some) if is_short else self._add_and_cut(some)
                if len(self._lines) == self._max_lines:
                    yield self.take()
        self._unended += unended
        if len(self._unended) > self._max_line_bytes:
            self._require_cutting()
            del self._unended[self._max_line_bytes + 1 :]  # one more than it may have tells that it was too long
        if self._lines_bytes >= self._max_bytes:
            yield self.take()

    def take(self) -> list[bytes]:
        """The lines that have ended."""
        self.cut_lines = frozenset(self._cut)
        lines, self._lines, self._lines_bytes, self._cut = self._lines, [], 0, []
        return lines

    def finish(self) -> list[bytes]:
        """The lines that are left; what follows the last newline is one too, blank or not."""
        self._add_and_cut([bytes(self._unended)])
        self._unended.clear()
        return self.take()

    def _add(self, lines: list[bytes]) -> None:
        self._lines += lines
        self._lines_bytes += sum(map(len, lines))

    def _add_and_cut(self, lines: list[bytes]) -> None:
        for line in lines:
            if len(line) > self._max_line_bytes:
                self._require_cutting()
                self._cut.append(len(self._lines))
                self._add([line[: self._cut_to_bytes]])
            else:
                self._add([line])

    def _require_cutting(self) -> None:
        if self._cut_to_bytes is None:
            raise TooLargeError(f"a line holds at most {self._max_line_bytes} bytes")
