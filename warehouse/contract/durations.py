"""How long something lasts, as people and programs write it: ``30m``, ``24h``, ``90d``."""

import re
from datetime import timedelta

DURATION_PATTERN = "[0-9]{1,5}[mhd]"
DURATION_WORDS = "a number of minutes, hours or days: 30m, 24h, 90d"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_is_duration = re.compile(DURATION_PATTERN, re.ASCII).fullmatch


def parse_duration(text: str) -> timedelta:
    """Read one.

    Raises:
        ValueError: it is none; the message does not repeat it.
    """
    if _is_duration(text) is None:
        raise ValueError(f"expected {DURATION_WORDS}")
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
