"""How many readings are stored a second, by how much PostgreSQL's own count has grown."""

from collections import deque

LOOKS_BACK_S = 30.0
"""Over this time, if somebody looked that long ago; PostgreSQL counts what a busy connection stored each second."""
LEAST_S = 1.0
"""A growth over less tells nothing."""


class StoredRate:
    """Fed with the count whenever somebody looks."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()

    def per_second(self, at_s: float, count: int) -> float | None:
        """Readings a second up to this look, made at this second of a steady clock; ``None``: nobody looked before.

        A count that fell begins anew: days were dropped, or the server's statistics.
        """
        if self._looks and count < self._looks[-1][1]:
            self._looks.clear()
        while len(self._looks) > 1 and self._looks[1][0] <= at_s - LOOKS_BACK_S:
            self._looks.popleft()
        if not self._looks or at_s - self._looks[-1][0] >= LEAST_S:
            self._looks.append((at_s, count))
        since_s, before = self._looks[0]
        return (count - before) / (at_s - since_s) if at_s - since_s >= LEAST_S else None
