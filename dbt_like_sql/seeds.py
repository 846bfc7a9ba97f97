"""A seed, a CSV that people keep, becomes a model: its SELECT is its rows, each on the line that it has in the file."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from dbt_like_sql.declarations import suggestion
from dbt_like_sql.model import Column, Problem

LAYER = "staging"


def select_of_rows(text: str, shown: Path, columns: Mapping[str, Column], problems: list[Problem]) -> str:
    """The SELECT of a seed's rows in their declared types; a field that is empty is null.

    The header must name the declared columns; what is wrong is noted in ``problems``.
    """
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True) if text.strip() else [[]]
    except csv.Error as error:
        problems.append(Problem(shown, 1, f"not valid CSV: {error}"))
        return _select(list(columns), [])
    if sorted(header) != sorted(columns):
        problems.append(Problem(shown, 1, _wrong_header(header, columns)))
        return _select(list(columns), [])
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            problems.append(Problem(shown, line, f"{len(row)} fields, and the header names {len(header)}"))
            return _select(list(columns), [])
    return _select(header, [_row(row, [columns[name].type for name in header]) for row in rows])


def _wrong_header(header: list[str], columns: Mapping[str, Column]) -> str:
    for name in header:
        if name not in columns:
            return f"{name} is not declared{suggestion(name, columns)}"
    missing = [name for name in columns if name not in header]
    return f"the header lacks {', '.join(missing)}" if missing else "the header names a column twice"


def _row(fields: list[str], types: list[str]) -> str:
    values = (f"{_text(field)}::{type_}" for field, type_ in zip(fields, types, strict=True))
    return f"({', '.join(values)})"


def _select(names: list[str], rows: list[str]) -> str:
    listed = ", ".join(names)
    if not rows:
        nothing = ", ".join(f"NULL AS {name}" for name in names)
        return f"SELECT {nothing} WHERE FALSE\n"
    values = ",\n".join(rows)
    return f"SELECT {listed} FROM (VALUES\n{values}) AS seed ({listed})\n"  # noqa: S608 - a seed's own text


def _text(field: str) -> str:
    if not field:
        return "NULL"
    quoted = field.replace("'", "''")
    return f"'{quoted}'"
