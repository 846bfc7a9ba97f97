"""What a client would rather have, and has already: ``Accept``, ``Accept-Encoding``, ``If-None-Match`` (RFC 9110)."""

import re

_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.I)


def weight(header: str, *names: str) -> float:
    """How much the client wants one of these, 0 (not at all) to 1. What the header only covers by ``*`` is not named.

    A weight that cannot be read counts as none: whoever wrote it gets what others get who ask for nothing.
    """
    return max((_weight(parts) for name, *parts in _listed(header) if name in names), default=0.0)


def has_already(tag: str, tags: str) -> bool:
    """Whether a client that sends these in ``If-None-Match`` has what this ``ETag`` names (weak comparison, 13.1.2)."""
    return tags.strip() == "*" or _opaque(tag) in {_opaque(each) for each in tags.split(",")}


def _opaque(tag: str) -> str:
    return tag.strip().removeprefix("W/")


def _listed(header: str) -> list[list[str]]:
    return [[part.strip() for part in each.lower().split(";")] for each in header.split(",")]


def _weight(parameters: list[str]) -> float:
    given = next((each for each in parameters if each.startswith("q=")), "q=1")
    return float(found[1]) if (found := _WEIGHT.fullmatch(given)) else 0.0
