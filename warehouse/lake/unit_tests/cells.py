"""Cells of a table of rows as SQL values, and values as cells."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from dbt_like_sql.unit_tests.row_table import EMPTY_TEXT, RowTable
from dbt_like_sql.written_values import keeps_all
from warehouse.lake.views import text

_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?").fullmatch
_INSTANTS = ("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")


def as_sql(cell: str | None, its_type: str, day: date) -> str:
    """A cell as SQL of a column's type. A time alone is one of the day, UTC.

    Raises:
        ValueError: a part of it would be lost: DuckDB would round a number, or leave out a time behind a day.
    """
    if cell is None:
        return f"NULL::{its_type}"
    if not keeps_all(cell, its_type):
        raise ValueError(cell)
    return f"{text(f'{day} {cell}' if its_type in _INSTANTS and _TIME(cell) else cell)}::{its_type}"


def rows_as_sql(table: RowTable, types: Sequence[str], day: date) -> str:
    """The rows of a table as a query; ``types``: of its columns. Raises as ``as_sql``."""
    listed = ", ".join(table.columns)
    if not table.rows:
        nothing = ", ".join(f"NULL::{each}" for each in types)
        return f"SELECT * FROM (VALUES ({nothing})) AS given({listed}) WHERE false"  # noqa: S608 - declared names
    rows = (
        ", ".join(as_sql(cell, each, day) for cell, each in zip(row.cells, types, strict=True)) for row in table.rows
    )
    return f"SELECT * FROM (VALUES {', '.join(f'({row})' for row in rows)}) AS given({listed})"  # noqa: S608 - as above


def fetched(column: str, its_type: str | None) -> str:
    """A column as SQL, so that Python gets its instants as UTC without their zone."""
    cast = f"{column}::{its_type}" if its_type else column
    return f"({cast})::TIMESTAMP AS {column}" if its_type in _INSTANTS else f"{cast} AS {column}"


def as_cells(values: Iterable[Any], day: date) -> list[str]:
    """Values as they would be written in a table."""
    return ["" if value is None else _as_cell(value, day) for value in values]


def _as_cell(value: Any, day: date) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(as_cells(value, day))}]"
    if isinstance(value, datetime):
        clock = value.time().isoformat(timespec="auto" if value.second or value.microsecond else "minutes")
        return clock if value.date() == day else f"{value.date()} {clock}"
    return str(value) or EMPTY_TEXT
