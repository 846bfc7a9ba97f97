"""JSON for programs: keys as the API writes them (``rowCount``), however a field is called in Python."""

import json
import re
import sys
from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import Any

_BEGIN_OF_WORD = re.compile("_([a-z0-9])")


class ByColumn(dict[str, Any]):
    """Values by the names of a dataset's columns, which stay as they are."""


def print_json(value: Any) -> None:
    """Write it to stdout as one line; instants and days in ISO 8601, infinity and NaN as null."""
    sys.stdout.write(f"{as_json_line(value)}\n")


def as_json_line(value: Any) -> str:
    """The same line, to be written by the caller."""
    return json.dumps(_keys_of_api(value), default=_as_text, allow_nan=False)


def _keys_of_api(value: Any) -> Any:
    if isinstance(value, Mapping) and not isinstance(value, ByColumn):
        return {
            _BEGIN_OF_WORD.sub(lambda found: found[1].upper(), key): _keys_of_api(each) for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_keys_of_api(each) for each in value]
    return _finite(value)


def _finite(value: Any) -> Any:
    """The same with null for infinity and NaN, which JSON does not have."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
