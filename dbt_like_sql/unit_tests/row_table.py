"""Rows written as a table: columns on the first line, then a line a row, ``|`` between cells, an empty cell is null.

    vehicle_id | ac_kwh | meter_external_ids
    1          | 10.5   | [meter-1, meter-2]
    2          |        | []

A cell is what DuckDB reads as the column's type. Texts need no quotes, and ``''`` is the empty text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EMPTY_TEXT = "''"


class TableError(Exception):
    """A table that cannot be read, and the line at fault."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Row:
    """One row as written; ``None`` is null."""

    cells: tuple[str | None, ...]
    line: int


@dataclass(frozen=True)
class RowTable:
    """``line`` is that of the columns' names, or of the key where nothing is written."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    line: int


def read_table(text: str, line: int) -> RowTable:
    """Read a table; ``line``: where its text begins. An empty text has no columns and no rows.

    Raises:
        TableError: a row has more or fewer cells than there are columns, or a column is there twice or has no name.
    """
    lines = [(number, each) for number, each in enumerate(text.splitlines(), start=line) if each.strip()]
    if not lines:
        return RowTable((), (), line)
    first, header = lines[0]
    columns = tuple(_cells(header))
    for column in columns:
        if not column:
            raise TableError(first, "a column has no name; there is no | before the first and after the last")
        if columns.count(column) > 1:
            raise TableError(first, f"column {column} is there twice")
    rows = []
    for number, written in lines[1:]:
        cells = _cells(written)
        if len(cells) != len(columns):
            raise TableError(number, f"{len(cells)} cells under {len(columns)} columns")
        rows.append(Row(tuple(_value(cell) for cell in cells), number))
    return RowTable(columns, tuple(rows), first)


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of cells as lines of a table, each column as wide as its widest cell."""
    listed = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in listed]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


def _value(cell: str) -> str | None:
    return "" if cell == EMPTY_TEXT else cell or None
