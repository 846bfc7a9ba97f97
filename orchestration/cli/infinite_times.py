"""Dates and instants without end in a table. Python has none: DuckDB's driver makes of infinity the last day that
Python knows, which a column may well hold as such. So DuckDB also gives each of them as text.
"""

import re
from collections.abc import Sequence
from typing import Any

_TIME = re.compile(r"\b(?:DATE|TIMESTAMP)")
_INFINITE = re.compile(r"\binfinity\b")


def with_times_as_text(select: str, columns: Sequence[tuple[str, str]]) -> str:
    """The SELECT, and behind its own columns (name and type) those that hold times once more, as text."""
    times = _places_of_times(columns)
    if not times:
        return select
    wanted = [f"#{place + 1}" for place in range(len(columns))]  # by number: two may have the same name
    texts = [f"CAST(#{place + 1} AS VARCHAR)" for place in times]
    return f"SELECT {', '.join([*wanted, *texts])} FROM (\n{select}\n)"  # noqa: S608 - the question of who runs it


def with_infinite_times(row: Sequence[Any], columns: Sequence[tuple[str, str]]) -> tuple[Any, ...]:
    """A row of that SELECT with the columns of the query: DuckDB's words where a time has no end."""
    values = list(row[: len(columns)])
    for place, text in zip(_places_of_times(columns), row[len(columns) :], strict=True):
        if text is not None and _INFINITE.search(text):
            values[place] = text
    return tuple(values)


def _places_of_times(columns: Sequence[tuple[str, str]]) -> list[int]:
    return [place for place, (_, kind) in enumerate(columns) if _TIME.search(kind)]
