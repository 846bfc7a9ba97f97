"""Whether the database answers those who ask it: then a slow question is waited for; a frozen database is not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class DatabasePulse:
    """Beats whenever the database has answered anything. To who asks nothing it is never silent."""

    def __init__(self) -> None:
        self._last_beat = 0.0
        self._asking = 0
        self._asked_at = 0.0

    def beat(self) -> None:
        """It has answered."""
        self._last_beat = time.monotonic()

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Within the block somebody waits for it."""
        if not self._asking:
            self._asked_at = time.monotonic()
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    def silent_s(self) -> float:
        """For how long it has answered none of those who ask it, seconds; 0: nobody does."""
        return time.monotonic() - max(self._last_beat, self._asked_at) if self._asking else 0.0
