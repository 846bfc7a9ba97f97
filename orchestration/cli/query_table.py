"""Rows of a query as a table for people: numbers without noise, what is missing as null."""

import sys
from datetime import datetime
from math import isfinite
from typing import Any, Literal, NamedTuple

from rich.table import Table
from rich.text import Text

from orchestration.cli.options import notes
from orchestration.cli.terminal import Terminal, visible
from warehouse.counted import counted

_WIDE = 10_000
"""Columns of a table that is not read on a terminal: nothing is folded."""

_NUMBERS = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "UINTEGER", "UBIGINT", "NUMBER"]
)


class Rows(NamedTuple):
    """What a table shows."""

    columns: list[tuple[str, str]]
    """Name and type."""
    rows: list[tuple[Any, ...]]
    is_cut_off: bool
    """Whether there are more."""


def print_table(found: Rows) -> None:
    """Print it to stdout, and to the notes whether there are more rows or none."""
    table = Table()
    for name, kind in found.columns:
        justify: Literal["right", "left"] = "right" if kind in _NUMBERS else "left"
        table.add_column(Text(visible(name)), justify=justify, overflow="fold")
    for row in found.rows:
        table.add_row(*(Text(visible(_shown(value))) for value in row))
    Terminal(highlight=False, width=None if sys.stdout.isatty() else _WIDE).print(table)
    if found.is_cut_off:
        notes.print(f"the first {counted(len(found.rows), 'row')}; --limit 0 shows all, --format csv writes all")
    elif not found.rows:
        notes.print("no rows")


def _shown(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return _shown_number(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case list():
            return ", ".join(_shown(each) for each in value)
        case _:
            return str(value)


def _shown_number(value: float) -> str:
    """Six decimals at most, and never 0 for what is not."""
    if 0 < abs(value) < 1e-6 or not isfinite(value):
        return f"{value:g}"
    return f"{value + 0.0:.6f}".rstrip("0").rstrip(".")  # -0.0 reads as a fault
