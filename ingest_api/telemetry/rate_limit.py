"""How much a client may send a minute, in items and in bytes: a token bucket for each client, for the most recent ones.

Clients are told apart by their address. What is refused counts like what is stored. Each API process counts by itself.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from warehouse.contract.errors import RateLimitedError
from warehouse.counted import counted

MAX_CLIENTS = 10_000
"""Whose count is remembered; beyond them the one who has been silent for longest is forgotten."""


class RateLimit:
    """A bucket holds a minute's worth of a unit. Whoever has any left may send, and pays afterwards.

    So a batch larger than the bucket gets through, and its sender waits for as long as it takes to pay.
    """

    def __init__(self, per_minute: int, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``unit`` is what is counted, in the singular."""
        self._unit = unit
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when each client's bucket will be full again

    def check(self, client: str) -> None:
        """Let a client pass that has any left.

        Raises:
            RateLimitedError: it has none, and may send again in ``retry_after_s``.
        """
        missing = (self._full_at.get(client, 0.0) - self._clock()) * self._per_second
        lacking = round(missing - (self._capacity - 1), 6)  # for one more; rounded, for seconds are fractions here
        if lacking > 0:
            wait_s = math.ceil(lacking / self._per_second)
            raise RateLimitedError(
                f"at most {counted(round(self._capacity), self._unit)} a minute; wait {wait_s} s", wait_s
            )

    def charge(self, client: str, number: int) -> None:
        """This client has sent so many."""
        full_at = max(self._full_at.pop(client, 0.0), self._clock())
        self._full_at[client] = full_at + number / self._per_second
        if len(self._full_at) > MAX_CLIENTS:
            self._full_at.popitem(last=False)


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
