"""What a dataset of the lake IS once its text has been read: frozen, complete, free of any engine."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["export", "polars", "sql", "release"]
"""Who makes it: the export from PostgreSQL, the Polars step, its own SELECT, or the release of a day."""

DAY_COLUMN = "day"
"""Every dataset has it, as a DATE: the name of the file's folder. No model selects it, no declaration lists it."""


class Column(NamedTuple):
    """A column as declared: its DuckDB type and what it says, unit included."""

    name: str
    type: str
    description: str


class ColumnSource(NamedTuple):
    """A column of another dataset that a value is made from."""

    dataset: str
    column: str


class Freshness(NamedTuple):
    """How old the newest data of a source may be, hours: from when on it is shown, and from when on it is an error."""

    warn_after_hours: float
    error_after_hours: float


class Problem(NamedTuple):
    """What is wrong, and where. Printed as ``file:line: message``, which editors and terminals can follow."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class CatalogError(Exception):
    """The models cannot be read. ``problems`` has all of them, in order of file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class Check:
    """A SELECT of the rows that are wrong on ``getvariable('day')``, and in plain words what should hold.

    ``is_blocking``: whether a failure stops what depends on the dataset; else it is a warning.
    """

    name: str
    model: str
    description: str
    sql: str
    depends_on: tuple[str, ...]
    path: Path
    line: int
    is_blocking: bool


@dataclass(frozen=True)
class Model:
    """One dataset: Parquet by UTC day.

    ``path`` is its SQL, or the declaration of a source. ``column_lineage`` names for each column what it is computed
    from in the datasets that it is made of; it is empty for a constant, for a count of rows, and for what is
    exported from a table of PostgreSQL as it is.

    ``freshness``: how old its newest data may be; ``None`` where nothing is declared.

    ``domain``: what it is about, in one word; empty where it is not said.

    ``lookback_days``: how many days before its own it reads. ``lookback_key``: the columns of its key by which its rows
    are independent: one key's rows are made from that key's rows alone, where what it reads has these columns; empty
    where that is not so. ``is_day_proved``: whether the SELECT's own text proves that it reads no other day.
    """

    name: str
    kind: Kind
    layer: str
    description: str
    grain: str
    key: tuple[str, ...]
    owner: str
    domain: str
    columns: tuple[Column, ...]
    checks: tuple[Check, ...]
    depends_on: tuple[str, ...]
    lookback_days: int
    lookback_key: tuple[str, ...]
    is_day_proved: bool
    sql: str | None
    path: Path
    column_lineage: Mapping[str, tuple[ColumnSource, ...]]
    freshness: Freshness | None
    column_lines: Mapping[str, int] = field(default_factory=dict)
    """The line in ``path`` of each column; none where a star selects it."""

    @property
    def is_seed(self) -> bool:
        """Whether its SELECT is the rows of a CSV that people keep."""
        return self.path.suffix == ".csv"

    @property
    def sort_key(self) -> tuple[str, ...]:
        """The key within one day's file, by which the file is sorted."""
        return tuple(name for name in self.key if name != DAY_COLUMN)

    def line_of(self, column: str) -> int:
        """Where in ``path`` a column is, or the first line."""
        return self.column_lines.get(column, 1)

    @property
    def lookback(self) -> str:
        """How far it looks back, in words; empty where it does not."""
        if not self.lookback_days:
            return ""
        days = "1 day" if self.lookback_days == 1 else f"{self.lookback_days} days"
        return f"{days}, by {', '.join(self.lookback_key)}" if self.lookback_key else days

    @property
    def digest(self) -> str:
        """Changes when what the model computes may change: its SELECT, its columns, its key."""
        parts = [self.name, self.kind, self.sql, [each[:2] for each in self.columns], self.key]
        content = json.dumps([*parts, self.lookback_days] if self.lookback_days else parts)
        return hashlib.sha256(content.encode()).hexdigest()[:16]
