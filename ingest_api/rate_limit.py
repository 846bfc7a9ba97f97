"""How many readings a client may send a minute: a token bucket for each client, for the most recent ones.

Each API process counts by itself.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from warehouse.contract.errors import RateLimitedError

MAX_CLIENTS = 10_000
"""Whose count is remembered; beyond them the one who has been silent for longest is forgotten."""


class RateLimit:
    """A bucket holds a minute's worth of readings. Whoever has any left may send, and pays afterwards.

    So a batch larger than the bucket gets through, and its sender waits for as long as it takes to pay.
    """

    def __init__(self, readings_per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(readings_per_minute)
        self._per_second = readings_per_minute / 60
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when each client's bucket will be full again

    def check(self, client: str) -> None:
        """Let a client pass that has readings left.

        Raises:
            RateLimitedError: it has none, and may send again in ``retry_after_s``.
        """
        missing = (self._full_at.get(client, 0.0) - self._clock()) * self._per_second
        lacking = round(missing - (self._capacity - 1), 6)  # for one more; rounded, for seconds are fractions here
        if lacking > 0:
            wait_s = math.ceil(lacking / self._per_second)
            raise RateLimitedError(f"at most {self._capacity:.0f} readings a minute; wait {wait_s} s", wait_s)

    def charge(self, client: str, readings: int) -> None:
        """This client has sent so many."""
        full_at = max(self._full_at.pop(client, 0.0), self._clock())
        self._full_at[client] = full_at + readings / self._per_second
        if len(self._full_at) > MAX_CLIENTS:
            self._full_at.popitem(last=False)
