"""Whether the database answers any request: then a slow query is waited for; a frozen database is not."""

import time


class DatabasePulse:
    """Beats whenever the database has answered anything."""

    def __init__(self) -> None:
        self._last_beat = 0.0

    def beat(self) -> None:
        """It has answered."""
        self._last_beat = time.monotonic()

    def seconds_since(self) -> float:
        """How long ago it last did."""
        return time.monotonic() - self._last_beat
