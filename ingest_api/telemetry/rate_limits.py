"""How much a client may send a minute, in items and in bytes. What is refused counts like what is stored."""

from ingest_api.http.rate_limit import RateLimit
from warehouse.contract.errors import RateLimitedError


class RateLimits:
    """How much a client may send, in each unit that is limited."""

    def __init__(self, readings_per_minute: int | None, bytes_per_minute: int | None) -> None:
        """``None``: as much as it likes."""
        self._readings = RateLimit(readings_per_minute, "reading") if readings_per_minute else None
        self._bytes = RateLimit(bytes_per_minute, "byte") if bytes_per_minute else None
        self.are_set = self._readings is not None or self._bytes is not None

    def check(self, client: str) -> None:
        """Let a client pass that has some of everything left.

        Raises:
            RateLimitedError: it has not, and may send again in ``retry_after_s``.
        """
        for limit in (self._readings, self._bytes):
            if limit is not None:
                limit.check(client)

    def charge(self, client: str, items: int, size_bytes: int) -> None:
        """This client has sent so many items, good or bad, of so many bytes in all."""
        if self._readings is not None:
            self._readings.charge(client, items)
        if self._bytes is not None:
            self._bytes.charge(client, size_bytes)


class Account:
    """What one request costs its client: an item at least, and the bytes that it held where none were counted."""

    __slots__ = ("_bytes", "_client", "_is_refused", "_items", "_limits")

    def __init__(self, limits: RateLimits, client: str) -> None:
        self._limits = limits
        self._client = client
        self._items = self._bytes = 0
        self._is_refused = False

    def check(self) -> None:
        """Let it go on.

        Raises:
            RateLimitedError: its client has sent too much. To be told so costs nothing.
        """
        try:
            self._limits.check(self._client)
        except RateLimitedError:
            self._is_refused = True
            raise

    def charge(self, items: int, size_bytes: int) -> None:
        """So much came in."""
        self._items += items
        self._bytes += size_bytes
        self._limits.charge(self._client, items, size_bytes)

    def end(self, most_bytes: int) -> None:
        """The request has ended; it held so much at most."""
        if not self._is_refused:
            self.charge(0 if self._items else 1, 0 if self._bytes else most_bytes)
