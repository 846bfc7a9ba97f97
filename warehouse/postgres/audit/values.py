"""What of a change is written down as JSON: bounded in size, without secrets, and nothing that jsonb cannot hold."""

import json
from collections.abc import Mapping
from datetime import date
from itertools import islice
from typing import Any

from warehouse.contract.redaction import redacted
from warehouse.visible import visible

LONGEST_TEXT = 500
MOST_ITEMS = 20
"""Of a list, or of names; a token may name 10,000 devices."""


def as_json(value: Mapping[str, Any] | None) -> str | None:
    """A state of a thing as the log keeps it."""
    return None if value is None else json.dumps(_bounded(value), allow_nan=False)


def bounded_text(text: str) -> str:
    """A text of at most ``LONGEST_TEXT`` characters, without secrets; what a terminal would obey is an escape."""
    shown = visible(redacted(text))
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[: LONGEST_TEXT - 3]}..."


def _bounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        fields = {str(key): _bounded(each) for key, each in islice(value.items(), MOST_ITEMS)}
        return fields | ({"...": more} if (more := _more(len(value))) else {})
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else list(value)
        return [*map(_bounded, items[:MOST_ITEMS]), *filter(None, [_more(len(items))])]
    if value is None or isinstance(value, bool | int | float):
        return value
    return bounded_text(value.isoformat() if isinstance(value, date) else str(value))


def _more(count: int) -> str | None:
    """What is said of those that are left out."""
    return f"and {count - MOST_ITEMS:,} more" if count > MOST_ITEMS else None
