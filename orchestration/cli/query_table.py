"""Rows of a query as a table for people: numbers without noise, what is missing as null."""

from collections.abc import Sequence
from datetime import datetime
from math import isfinite
from typing import Any, Literal, NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from dbt_like_sql.written_values import INTEGERS
from orchestration.cli.options import notes
from orchestration.cli.terminal import print_line, results
from warehouse.counted import counted
from warehouse.visible import visible

_WIDE = 10_000
"""Characters of a line of a table that is not read on a terminal: nothing is folded or left out."""
_WIDEST = 40
"""Characters of a column that there must be room for; what is longer is folded."""
_FRAME = 3
"""Characters that a column takes beside its own: a line and two spaces."""

_MOST_EXACT = 1e16
"""From here on the digits before the point are more than a double has."""

_NUMBERS = INTEGERS | {"UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"}
"""Types, without how many digits they have."""


class Rows(NamedTuple):
    """What a table shows."""

    columns: list[tuple[str, str]]
    """Name and type."""
    rows: list[tuple[Any, ...]]
    is_cut_off: bool
    """Whether there are more."""


def print_table(found: Rows) -> None:
    """Print it to stdout, and to the notes whether there are more rows or none.

    Where a person looks and the columns do not fit, those in the middle are left out, as DuckDB's shell does.
    """
    console = results(_WIDE)
    width = console.width
    texts = [[visible(shown_value(value)) for value in row] for row in found.rows]
    names = [visible(name) for name, _ in found.columns]
    widths = [
        min(_WIDEST, max(cell_len(name), *(cell_len(row[number]) for row in texts), 1))
        for number, name in enumerate(names)
    ]
    first, last = _fitting(widths, width)
    left_out = len(names) - first - last
    table = Table()
    for number in range(first):
        _add_column(table, names[number], found.columns[number][1])
    if left_out:
        table.add_column("…")
    for number in range(len(names) - last, len(names)):
        _add_column(table, names[number], found.columns[number][1])
    for row in texts:
        middle = [Text("…")] if left_out else []
        table.add_row(*map(Text, row[:first]), *middle, *map(Text, row[len(row) - last :]))
    console.print(table)
    if left_out:
        notes.print(
            f"{counted(left_out, 'column is', 'columns are')} left out, {width} characters are too few: "
            "--format vertical shows them all"
        )
    _note_rows(found)


def print_vertical(found: Rows) -> None:
    """Print each row as lines of a column's name and its value; further lines of a value stay below its first."""
    names = [visible(name).replace("\n", "\\n") for name, _ in found.columns]
    longest = max(map(cell_len, names), default=0)
    below = "\n" + " " * (longest + 4)
    for number, row in enumerate(found.rows, start=1):
        print_line(f"row {number}")
        for name, value in zip(names, row, strict=True):
            shown = visible(shown_value(value)).replace("\n", below)
            print_line(f"  {name}{' ' * (longest - cell_len(name))}  {shown}")
    _note_rows(found)


def _add_column(table: Table, name: str, kind: str) -> None:
    justify: Literal["right", "left"] = (
        "right" if kind.partition("(")[0] in _NUMBERS and not kind.endswith("]") else "left"
    )
    table.add_column(Text(name), justify=justify, overflow="fold")


def _fitting(widths: Sequence[int], room: int) -> tuple[int, int]:
    """How many columns from the left and from the right there is room for, in turns; at least the first."""
    if sum(widths) + _FRAME * len(widths) + 1 <= room:
        return len(widths), 0
    room -= 1 + (1 + _FRAME)  # the frame's last line, and the column that stands for those left out
    first, last = 1, 0
    used = widths[0] + _FRAME
    while first + last < len(widths) - 1:
        from_left = first <= last
        each = widths[first] if from_left else widths[-1 - last]
        if used + each + _FRAME > room:
            break
        used += each + _FRAME
        first, last = (first + 1, last) if from_left else (first, last + 1)
    return first, last


def _note_rows(found: Rows) -> None:
    if found.is_cut_off:
        notes.print(f"the first {counted(len(found.rows), 'row')}; --limit 0 shows all, --format csv writes all")
    elif not found.rows:
        notes.print("no rows")


def shown_value(value: Any) -> str:
    """A value for people: null, instants with Z, numbers with six decimals at most; of a STRUCT or MAP each."""
    match value:
        case None:
            shown = "null"
        case bool():
            shown = str(value).lower()
        case float():
            shown = _shown_number(value)
        case datetime():
            shown = value.isoformat().replace("+00:00", "Z")
        case list() | tuple():
            shown = ", ".join(shown_value(each) for each in value)
        case dict():
            shown = f"{{{', '.join(f'{shown_value(name)}: {shown_value(each)}' for name, each in value.items())}}}"
        case _:
            shown = str(value)
    return shown


def _shown_number(value: float) -> str:
    """Six decimals at most, never 0 for what is not, and no digits that a double does not have."""
    if 0 < abs(value) < 1e-6 or not isfinite(value):
        return f"{value:g}"
    if abs(value) >= _MOST_EXACT:
        return repr(value)
    return f"{value + 0.0:.6f}".rstrip("0").rstrip(".")  # -0.0 reads as a fault
