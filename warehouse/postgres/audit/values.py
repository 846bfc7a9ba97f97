"""What of a change is written down as JSON: bounded in size, without secrets, and nothing that jsonb cannot hold."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from warehouse.contract.redaction import redacted
from warehouse.visible import visible

LONGEST_TEXT = 500
MOST_ITEMS = 20
"""Of a list; a token may name 10,000 devices."""


def as_json(value: Mapping[str, Any] | None) -> str | None:
    """A state of a thing as the log keeps it."""
    return None if value is None else json.dumps(_bounded(value), allow_nan=False)


def bounded_text(text: str) -> str:
    """A text of at most ``LONGEST_TEXT`` characters, without secrets; what a terminal would obey is an escape."""
    shown = visible(redacted(text))
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[: LONGEST_TEXT - 3]}..."


def _bounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _bounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else list(value)
        more = len(items) - MOST_ITEMS
        return [*map(_bounded, items[:MOST_ITEMS]), *([f"and {more:,} more"] if more > 0 else [])]
    if value is None or isinstance(value, bool | int | float):
        return value
    return bounded_text(value.isoformat() if isinstance(value, date) else str(value))
