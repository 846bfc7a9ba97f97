"""How much structure a body may have: lines, objects and arrays cost more than the bytes that write them.

A few bytes of zstd hold millions of blank lines, or of arrays in arrays. What is denser than any readings are is
refused while it is decoded, before anybody splits or parses it.
"""

from warehouse.contract.errors import TooLargeError
from warehouse.decoding.json_bodies import MalformedBodyError, decode

_BYTES_EACH = 32
"""A reading on a line of its own has 80 at the least."""
_DEEP_WITHIN_BYTES = 32 * 1024
_FREE = 4
"""Times the items that an array may have: so many lines and values may be as short as they like."""


class Density:
    """Counts as a body comes in."""

    def __init__(self, max_items: int) -> None:
        self._most = _FREE * max_items
        self._bytes = self._lines = self._values = 0

    def add(self, piece: bytes) -> None:
        """The next piece of the body, decoded.

        Raises:
            TooLargeError: there are too many lines or values in so few bytes.
        """
        self._bytes += len(piece)
        self._lines += piece.count(b"\n")
        self._values += piece.count(b"}") + piece.count(b"]")  # those that are opened alone cost nothing
        most = self._most + self._bytes // _BYTES_EACH
        if self._lines > most or self._values > most:
            raise TooLargeError("too many lines, objects or arrays in so few bytes; send several")


def check_density(body: bytes, max_items: int) -> None:
    """Refuse a whole JSON body that is too dense to be parsed.

    Raises:
        TooLargeError: it is.
        MalformedBodyError: it is, for it begins with more nesting than can be parsed at all.
    """
    try:
        Density(max_items).add(body)
    except TooLargeError:
        if _is_nested_too_deep(body[:_DEEP_WITHIN_BYTES]):
            decode(body)  # ends there
        raise


def _is_nested_too_deep(beginning: bytes) -> bool:
    """Whether this beginning of a body is."""
    try:
        decode(beginning)
    except MalformedBodyError as error:
        return error.code == "nested_too_deep"
    return False
