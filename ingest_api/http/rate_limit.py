"""A token bucket for each client, for the most recent ones: how much of something it may have a minute.

Clients are told apart by their address. Each API process counts by itself.
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
