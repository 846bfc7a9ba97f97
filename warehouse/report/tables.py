"""Tables of a page: the first rows, and how many more there are."""

from typing import Any, NamedTuple

MOST_ROWS = 20
"""Of a table; of the rest the number is told, and the command that lists it."""


class Table(NamedTuple):
    """Rows of a table, and how many more there are."""

    rows: list[dict[str, Any]]
    left_out: int


def table_of(rows: list[dict[str, Any]], most: int = MOST_ROWS) -> Table:
    """The first of these rows."""
    return Table(rows[:most], max(0, len(rows) - most))
