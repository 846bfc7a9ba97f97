"""Reads the declarations: ``sources.toml`` and each folder's ``models.toml``. Nothing is taken for granted."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from dbt_like_sql.declared_keys import (
    COLUMN,
    COLUMN_OF,
    LAYERS,
    MODEL,
    MOST_HOURS,
    MOST_LOOKBACK_DAYS,
    NAME,
    SOURCE,
    SOURCE_KINDS,
)
from dbt_like_sql.model import DAY_COLUMN, Column, ColumnSource, Freshness, Kind, Problem
from dbt_like_sql.toml_lines import TomlLines

DIALECT = "duckdb"
_NAME = re.compile(NAME, re.ASCII).fullmatch
_COLUMN_OF = re.compile(COLUMN_OF, re.ASCII).fullmatch


@dataclass(frozen=True)
class CheckSpec:
    """One entry of ``checks``, as written."""

    values: Mapping[str, Any]
    line: int


@dataclass(frozen=True)
class Declaration:
    """What a file says of one dataset. ``path`` is relative to the folder that holds the project."""

    name: str
    kind: Kind
    layer: str
    description: str
    grain: str
    owner: str
    domain: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    column_lines: Mapping[str, int]
    checks: Sequence[CheckSpec]
    depends_on: tuple[str, ...]
    computed_from: Mapping[str, tuple[ColumnSource, ...]]
    """By column; empty for a model, whose SELECT says it."""
    computed_from_lines: Mapping[str, int]
    key_is_checked: bool
    """False where whoever makes the dataset ensures that its key is unique, and counting again costs too much."""
    lookback_days: int
    lookback_key: tuple[str, ...]
    freshness: Freshness | None
    path: Path
    line: int


@dataclass
class Reader:
    """Reads one file and notes what is wrong with it."""

    path: Path
    layer: str | None
    """The folder's layer; ``None`` for sources, which name their own."""
    problems: list[Problem] = field(default_factory=list)
    is_unreadable: bool = False
    """Whether the file is no TOML."""
    _lines: TomlLines = field(default_factory=lambda: TomlLines(""))

    def read(self, text: str) -> list[Declaration]:
        """All datasets of the file that can be made sense of."""
        self._lines = TomlLines(text)
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"at line (\d+)", str(error))
            line = int(place[1]) if place else len(text.splitlines())
            self.problems.append(Problem(self.path, line, f"not valid TOML: {error}"))
            self.is_unreadable = True
            return []
        found = []
        for name, table in tables.items():
            if isinstance(table, dict):
                self._check_name(name, name)
                found.append(self._declaration(name, table))
            else:
                self._problem(f"{name} is not a table; begin with [name of the model]", name)
        return found

    def _check_name(self, name: str, *place: str) -> None:
        if not _NAME(name):
            self._problem(f"{name} is no name: it is lower case letters, digits and _ and begins with a letter", *place)

    def _declaration(self, name: str, table: dict[str, Any]) -> Declaration:
        known = SOURCE if self.layer is None else MODEL
        for key in table:
            if key not in known:
                self._problem(f"{key} is no key of a model{suggestion(key, known)}", name, key)
        kind: Kind = "sql" if self.layer else SOURCE_KINDS[self._one_of(name, table, "kind", SOURCE_KINDS)]
        columns = self._columns(name, table)
        key_columns = self._names(name, table, "key", required=True)
        for column in key_columns:
            if column not in columns and column != DAY_COLUMN:
                self._problem(f"the key names {column}, which is no column{suggestion(column, columns)}", name, "key")
        return Declaration(
            name=name,
            kind=kind,
            layer=self.layer or self._one_of(name, table, "layer", LAYERS),
            description=self._text(name, table, "description"),
            grain=self._text(name, table, "grain"),
            owner=self._text(name, table, "owner"),
            domain=self._domain(name, table),
            key=key_columns,
            columns=columns,
            column_lines={column: self._lines.of(name, "columns", column) for column in columns},
            checks=self._checks(name, table),
            depends_on=self._names(name, table, "depends_on"),
            computed_from=self._computed_from(name, table, columns),
            computed_from_lines={column: self._lines.of(name, "computed_from", column) for column in columns},
            key_is_checked=self._flag(name, table, "key_is_checked", default=True),
            lookback_days=self._lookback_days(name, table),
            lookback_key=self._lookback_key(name, table, key_columns),
            freshness=self._freshness(name, table),
            path=self.path,
            line=self._lines.of(name),
        )

    def _freshness(self, name: str, table: dict[str, Any]) -> Freshness | None:
        if "freshness" not in table:
            return None
        said = table["freshness"]
        hours = list(said.values()) if isinstance(said, dict) and set(said) == set(Freshness._fields) else []
        if not hours or not all(type(each) in (int, float) and 0 < each <= MOST_HOURS for each in hours):
            wanted = (
                f"freshness is {{ warn_after_hours = ..., error_after_hours = ... }}, above 0 and up to {MOST_HOURS}"
            )
            self._problem(wanted, name, "freshness")
            return None
        found = Freshness(**said)
        if found.warn_after_hours > found.error_after_hours:
            self._problem("freshness warns first: warn_after_hours is above error_after_hours", name, "freshness")
        return found

    def _domain(self, name: str, table: dict[str, Any]) -> str:
        domain = table.get("domain")
        if domain is None:
            return ""
        if not isinstance(domain, str) or not _NAME(domain):
            self._problem("domain is a name, one word in lower case", name, "domain")
        return str(domain)

    def _lookback_days(self, name: str, table: dict[str, Any]) -> int:
        days = table.get("lookback_days", 0)
        if type(days) is not int or ("lookback_days" in table and not 1 <= days <= MOST_LOOKBACK_DAYS):
            self._problem(f"lookback_days is a number of days, 1 to {MOST_LOOKBACK_DAYS}", name, "lookback_days")
            return 0
        return days

    def _lookback_key(self, name: str, table: dict[str, Any], key: tuple[str, ...]) -> tuple[str, ...]:
        names = self._names(name, table, "lookback_key", required="lookback_key" in table)
        if names and "lookback_days" not in table:
            self._problem("lookback_key needs lookback_days beside it", name, "lookback_key")
        for column in names:
            if column not in key or column == DAY_COLUMN:
                self._problem(f"lookback_key names {column}, which is not in the key", name, "lookback_key")
        return names

    def _computed_from(
        self, name: str, table: dict[str, Any], columns: Mapping[str, Column]
    ) -> dict[str, tuple[ColumnSource, ...]]:
        declared = table.get("computed_from", {})
        found: dict[str, tuple[ColumnSource, ...]] = {}
        if not isinstance(declared, dict):
            self._problem("computed_from is a table of columns", name, "computed_from")
            return found
        for column, sources in declared.items():
            place = (name, "computed_from", column)
            if not isinstance(sources, list) or not sources or not all(map(_is_column_of, sources)):
                self._problem(f'{column} needs a list of DATASET.COLUMN, e.g. ["meter_readings.kwh"]', *place)
            elif column not in columns:
                self._problem(f"{name} has no column {column}{suggestion(column, columns)}", *place)
            else:
                found[column] = tuple(sorted(ColumnSource(*each.split(".")) for each in sources))
        return found

    def _columns(self, name: str, table: dict[str, Any]) -> dict[str, Column]:
        declared = table.get("columns")
        if not isinstance(declared, dict) or not declared:
            self._problem(f"{name} declares no columns; add [{name}.columns]", name)
            return {}
        columns = {}
        for column, said in declared.items():
            place = (name, "columns", column)
            self._check_name(column, *place)
            if column == DAY_COLUMN:
                self._problem(f"{DAY_COLUMN} is the name of the file's folder and needs no declaration", *place)
            elif not isinstance(said, dict) or set(said) != set(COLUMN) or not all(map(_is_text, said.values())):
                self._problem(f'column {column} needs {{ type = "...", description = "..." }} and nothing else', *place)
                columns[column] = Column(column, "VARCHAR", "")
            else:
                columns[column] = Column(column, said["type"], said["description"])
                self._check_type(columns[column], place)
        return columns

    def _check_type(self, column: Column, place: tuple[str, ...]) -> None:
        if not _is_type(column.type):
            self._problem(f"column {column.name}: {column.type} is no type of DuckDB", *place)

    def _checks(self, name: str, table: dict[str, Any]) -> list[CheckSpec]:
        listed, specs = table.get("checks", []), []
        if not isinstance(listed, list):
            self._problem("checks is a list of checks, e.g. [{ not_null = [...] }]", name, "checks")
            return []
        for index, values in enumerate(listed):
            line = self._lines.of_item((name, "checks"), index)
            if isinstance(values, dict):
                specs.append(CheckSpec(values, line))
            else:
                self.problems.append(Problem(self.path, line, "a check is a table, e.g. { not_null = [...] }"))
        return specs

    def _text(self, name: str, table: dict[str, Any], key: str) -> str:
        value = table.get(key)
        if not _is_text(value):
            self._problem(f"{name} needs {key}, a text", name, key)
            return ""
        return str(value)

    def _flag(self, name: str, table: dict[str, Any], key: str, *, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            self._problem(f"{key} is true or false", name, key)
            return default
        return value

    def _names(self, name: str, table: dict[str, Any], key: str, *, required: bool = False) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value) or (required and not value):
            self._problem(f"{name} needs {key}, a list of names", name, key)
            return ()
        return tuple(value)

    def _one_of(self, name: str, table: dict[str, Any], key: str, allowed: Mapping[str, Any] | Sequence[str]) -> str:
        value = table.get(key)
        if value not in list(allowed):  # it may be a list itself, which no mapping can be asked for
            self._problem(f"{name} needs {key}, one of {', '.join(allowed)}", name, key)
            return next(iter(allowed))
        return str(value)

    def _problem(self, message: str, *place: str) -> None:
        self.problems.append(Problem(self.path, self._lines.of(*place), message))


def _is_column_of(value: Any) -> bool:
    return isinstance(value, str) and _COLUMN_OF(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


@cache
def _is_type(name: str) -> bool:
    try:
        return bool(exp.DataType.build(name, dialect=DIALECT).this != exp.DataType.Type.USERDEFINED)
    except sqlglot.ParseError:
        return False


def suggestion(name: str, known: Iterable[str]) -> str:
    """``; did you mean ...?`` where something known is close and not the name itself, else nothing."""
    close = get_close_matches(name, [each for each in known if each.lower() != name.lower()], n=1)
    return f"; did you mean {close[0]}?" if close else ""
