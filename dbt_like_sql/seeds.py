"""A seed, a CSV that people keep, becomes a model: its SELECT is its rows, each on the line that it has in the file."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sqlglot import exp

from dbt_like_sql.declarations import DIALECT, suggestion
from dbt_like_sql.model import Column, Problem

LAYER = "staging"
MOST_ROWS = 1000
"""Each day's file has all of them."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_DECIMALS = "3"
"""Of a DECIMAL that names none, in DuckDB."""


class Seed(NamedTuple):
    """A file of rows. No statement: nothing of it needs to be resolved, and taking its rows apart takes long."""

    path: Path
    select: str


class _Record(NamedTuple):
    line: int
    fields: list[str]


class _Form(NamedTuple):
    """How a value of a type is written, and that in words."""

    pattern: re.Pattern[str]
    words: str


def select_of_rows(text: str, shown: Path, columns: Mapping[str, Column], problems: list[Problem]) -> str:
    """The SELECT of a seed's rows in their declared types; a field that is empty is null, an empty line is no row.

    The header must name the declared columns, and each field be written as its type is: DuckDB would round 1.5 to a
    whole number, and cut the time off a date. What is wrong is noted in ``problems``.
    """
    found: list[Problem] = []
    header, *rows = _records(text, shown, found) or [_Record(1, [])]
    if not found and (wrong := _wrong_header(header.fields, columns)):
        found.append(Problem(shown, header.line, wrong))
    if len(rows) > MOST_ROWS:
        found.append(Problem(shown, 1, f"it has {len(rows):,} rows; a seed is a small table, of {MOST_ROWS:,} at most"))
    if not found:
        types = [(name, columns[name].type) for name in header.fields]
        found += (Problem(shown, row.line, wrong) for row in rows for wrong in _wrong_fields(row.fields, types))
    problems += found
    if found or not rows:
        nothing = ", ".join(f"NULL AS {name}" for name in columns)
        return f"SELECT {nothing} WHERE FALSE"
    return _select(header.fields, rows, [columns[name].type for name in header.fields])


def _records(text: str, shown: Path, problems: list[Problem]) -> list[_Record]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[_Record] = []
    begins = 1
    try:
        for fields in reader:
            if fields:
                found.append(_Record(begins, fields))
            begins = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(shown, begins, f"not valid CSV: {error}"))
    return found


def _wrong_header(header: list[str], columns: Mapping[str, Column]) -> str | None:
    if sorted(header) == sorted(columns):
        return None
    for name in header:
        if name.strip() != name and name.strip() in columns:
            return f"the header has a space beside {name.strip()}; leave it out"
        if name not in columns and len(header) == 1 and re.search(r"[;\t]", name):
            return "fields are separated by commas"
        if name not in columns:
            return f"{name} is not declared{suggestion(name, columns)}"
    missing = [name for name in columns if name not in header]
    return f"the header lacks {', '.join(missing)}" if missing else "the header names a column twice"


def _wrong_fields(fields: list[str], types: Sequence[tuple[str, str]]) -> Iterator[str]:
    if len(fields) != len(types):
        number = f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
        yield f"{number}, and the header names {len(types)}"
        return
    for field, (name, type_) in zip(fields, types, strict=True):
        form = _form(type_)
        if field != field.strip():
            yield f"{name} is {field!r}; leave the space at its edge out"
        elif field and form and not form.pattern.fullmatch(field):
            yield f"{name} is {field!r}, and its type {type_} is written as {form.words}"


@cache
def _form(type_: str) -> _Form | None:
    """``None`` where DuckDB takes a text as it is, or refuses it."""
    built = exp.DataType.build(type_, dialect=DIALECT)
    if built.this in exp.DataType.INTEGER_TYPES:
        return _Form(re.compile(r"[+-]?\d+", re.ASCII), "a whole number")
    if built.this == exp.DataType.Type.DECIMAL:
        _, scale = [each.name for each in built.expressions] or ("", _DECIMALS)
        return _Form(
            re.compile(rf"[+-]?\d+(?:\.\d{{1,{scale}}})?", re.ASCII), f"a number with {scale} decimals at most"
        )
    if built.this in exp.DataType.REAL_TYPES:
        return _Form(re.compile(_NUMBER, re.ASCII), "a number with a decimal point")
    if built.this == exp.DataType.Type.DATE:
        return _Form(re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), "YYYY-MM-DD")
    return None


def _select(names: list[str], rows: list[_Record], types: list[str]) -> str:
    listed = ", ".join(names)
    parts, line = [f"SELECT {listed} FROM (VALUES"], 1  # noqa: S608 - a seed's own text
    for number, row in enumerate(rows):
        values = ", ".join(f"{_text(field)}::{type_}" for field, type_ in zip(row.fields, types, strict=True))
        parts.append("\n" * (row.line - line) + f"({values}){',' if number < len(rows) - 1 else ''}")
        line = row.line + values.count("\n")
    return f"{''.join(parts)}) AS seed ({listed})"


def _text(field: str) -> str:
    if not field:
        return "NULL"
    quoted = field.replace("'", "''")
    return f"'{quoted}'"
