"""How much one request may hold, what all of them hold together, and how long an answer may take."""

from typing import NamedTuple

from warehouse.contract.errors import OverloadedError

ANSWER_WITHIN_S = 1.8
"""Then the answer is 503: a little less than the 2 s that are promised, for the look at the clock and the way back."""


class Limits(NamedTuple):
    """What one request may hold; more is refused with 413."""

    body_bytes: int
    """A JSON body as it is sent, and a line of a stream."""
    decoded_bytes: int
    """A compressed JSON body when it is decoded, and about as much of a stream as is stored in one transaction."""
    items: int
    """Of an array, and lines of a stream that are stored in one transaction."""
    stream_bytes: int
    """A stream, as it is sent and decoded."""


class HeldBytes:
    """Counts the bytes of bodies that this process holds, over all requests."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0


class Held:
    """One request's share of them."""

    __slots__ = ("_bytes", "_of_all")

    def __init__(self, of_all: HeldBytes) -> None:
        self._of_all = of_all
        self._bytes = 0

    def set(self, size_bytes: int) -> None:
        """From now on this request holds so much.

        Raises:
            OverloadedError: that is more than is left.
        """
        total = self._of_all.total + size_bytes - self._bytes
        if total > self._of_all.limit and size_bytes > self._bytes:
            raise OverloadedError("too many bodies are being read; send this again later")
        self._of_all.total = total
        self._bytes = size_bytes
