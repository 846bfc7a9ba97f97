"""Answers as CSV: a column for each field, named as in JSON; what lies one deeper is beside the others, ``a.b``."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from ingest_api.http.wire import Wire
from warehouse.contract.csv_cells import shown_text

MEDIA_TYPE = "text/csv"
IN_A_CELL = ";"
"""Between the parts of a list."""


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A header and these rows; missing is empty, and no text becomes a formula."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode()


def columns_of(row: type[Wire]) -> list[str]:
    """The names of a row's fields, those of what lies in it among them."""
    return list(_columns(row))


def values_of(row: Wire) -> list[Any]:
    """What they are, in that order."""
    return list(_values(type(row), row.model_dump(mode="json", by_alias=True)))


def _columns(row: type[Wire]) -> Iterator[str]:
    for field in row.model_fields.values():
        if inner := _inner(field):
            yield from (f"{field.alias}.{name}" for name in _columns(inner))
        else:
            yield str(field.alias)


def _values(row: type[Wire], dumped: Mapping[str, Any] | None) -> Iterator[Any]:
    for field in row.model_fields.values():
        value = None if dumped is None else dumped[str(field.alias)]
        if inner := _inner(field):
            yield from _values(inner, value)
        else:
            yield value


def _inner(field: FieldInfo) -> type[Wire] | None:
    """What lies in a field, be it missing at times; ``None``: a value."""
    for each in (field.annotation, *get_args(field.annotation)):
        if get_origin(field.annotation) in (None, UnionType) and isinstance(each, type) and issubclass(each, Wire):
            return each
    return None


def _cell(value: Any) -> str | int | float:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return shown_text(IN_A_CELL.join(f"{name}={_cell(each)}" for name, each in value.items()))
    if isinstance(value, list):
        plain = all(isinstance(each, str | int | float) for each in value)
        return shown_text(IN_A_CELL.join(map(str, value)) if plain else json.dumps(value))
    return "" if value is None else shown_text(str(value))
