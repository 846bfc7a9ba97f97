"""Waits for what another process does."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0
POLL_S = 0.005


def until(condition: Callable[[], bool], poll_s: float = POLL_S) -> None:
    """Returns when the condition holds.

    Raises:
        TimeoutError: it does not within a minute.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing of the kind within {PATIENCE_S:g} s")
        time.sleep(poll_s)
