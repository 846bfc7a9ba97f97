"""Compares two Parquet files of one dataset's day: their columns, their keys, and what their values come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, isnan
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb

from dbt_like_sql.written_values import INTEGERS
from warehouse.lake.views import another_session, file_rows

NOISE = 1e-9
"""Numbers of float64 that differ by less than this share of themselves are equal: sums depend on the order of terms."""


class Change(NamedTuple):
    """What a column held, and what it would hold. A type is ``None`` where the column is not there.

    ``rows``: how many rows of both files, matched by key, have another value; ``None`` where they cannot be matched.
    The sums are of the numbers in all rows of a file; ``None`` for what is no number.
    """

    column: str
    type_before: str | None
    type_after: str | None
    rows: int | None
    sum_before: float | int | None
    sum_after: float | int | None

    @property
    def of_column(self) -> Literal["new", "gone", "retyped"] | None:
        """What becomes of the column itself."""
        if self.type_before is None:
            return "new"
        if self.type_after is None:
            return "gone"
        return None if self.type_before == self.type_after else "retyped"

    @property
    def is_none(self) -> bool:
        """Whether neither the column nor a value in it is another, nor what its numbers come to."""
        return self.of_column is None and self.rows == 0 and self.is_sum_same

    @property
    def is_sum_same(self) -> bool:
        """Whether the numbers in all rows come to the same."""
        return _is_near(self.sum_before, self.sum_after)


@dataclass(frozen=True)
class Comparison:
    """``only_before`` and ``only_after`` are keys; ``None`` where a column of the key is not in both files."""

    rows_before: int
    rows_after: int
    only_before: int | None
    only_after: int | None
    changed_rows: int | None
    """Rows of both files, matched by key, of which some value is another."""
    columns: tuple[Change, ...]

    @property
    def is_same(self) -> bool:
        """Whether both files say the same."""
        return (
            self.rows_before == self.rows_after
            and (self.only_before, self.only_after, self.changed_rows) == (0, 0, 0)
            and all(each.is_none for each in self.columns)
        )


def compare_files(
    engine: duckdb.DuckDBPyConnection, before: Path | str, after: Path | str, key: Sequence[str]
) -> Comparison:
    """Compare them on a session of this engine. ``key`` may be empty: then there is at most one row.

    Raises:
        duckdb.Error: a file is not readable.
    """
    with another_session(engine) as session:
        for name, path in (("before", before), ("after", after)):
            session.execute(f"CREATE TEMP VIEW {name} AS FROM {file_rows(path)}")
        session.execute("SET threads = 1")  # sums are made in the order of the files
        try:
            return _Files(session, key).compare()
        finally:
            session.execute("RESET threads")


class _Files:
    def __init__(self, engine: duckdb.DuckDBPyConnection, key: Sequence[str]) -> None:
        self._engine = engine
        self._before, self._after = self._types("before"), self._types("after")
        self._key = key
        self._has_key = all(name in self._before and name in self._after for name in key)
        self._both = [name for name in self._after if name in self._before]

    def compare(self) -> Comparison:
        rows = {name: self._row("count(*)", f"FROM {name}")[0] for name in ("before", "after")}
        sums = {name: self._sums(name, types) for name, types in (("before", self._before), ("after", self._after))}
        only_before = only_after = changed_rows = None
        by_column: dict[str, int] = {}
        if self._has_key:
            only_before, only_after = self._unmatched("before", "after"), self._unmatched("after", "before")
            changed_rows, by_column = self._matched()
        columns = tuple(
            Change(
                name,
                self._before.get(name),
                self._after.get(name),
                by_column.get(name),
                sums["before"].get(name),
                sums["after"].get(name),
            )
            for name in [*self._after, *(name for name in self._before if name not in self._after)]
        )
        return Comparison(rows["before"], rows["after"], only_before, only_after, changed_rows, columns)

    def _unmatched(self, here: str, there: str) -> int:
        (count,) = self._row("count(*)", f"FROM {here} AS b ANTI JOIN {there} AS a ON {self._same_key()}")
        return int(count)

    def _matched(self) -> tuple[int, dict[str, int]]:
        """How many matched rows differ, in all and by column."""
        compared = [name for name in self._both if name not in self._key]
        differs = [self._differs(name) for name in compared]
        counts = [f"count(*) FILTER ({each})" for each in (" OR ".join(differs) or "false", *differs)]
        in_all, *by_column = self._row(
            ", ".join(counts), f"FROM before AS b INNER JOIN after AS a ON {self._same_key()}"
        )
        return in_all, dict.fromkeys(self._key, 0) | dict(zip(compared, by_column, strict=True))

    def _same_key(self) -> str:
        return " AND ".join(f"b.{_name(each)} IS NOT DISTINCT FROM a.{_name(each)}" for each in self._key) or "true"

    def _differs(self, name: str) -> str:
        before, after = f"b.{_name(name)}", f"a.{_name(name)}"
        types = (self._before[name], self._after[name])
        if types[0] != types[1] and not all(map(_is_number, types)):
            return f"({before}::VARCHAR IS DISTINCT FROM {after}::VARCHAR)"
        if not all(map(_is_number, types)) or INTEGERS.issuperset(types):
            return f"({before} IS DISTINCT FROM {after})"
        most = f"greatest(abs({before}), abs({after}))"
        is_noise = f"isfinite({most}::DOUBLE) AND abs({before} - {after}) <= {NOISE} * {most}"
        return f"({before} IS DISTINCT FROM {after} AND NOT coalesce({is_noise}, false))"

    def _sums(self, view: str, types: dict[str, str]) -> dict[str, Any]:
        """Of what is no part of the key: sums of those mean nothing."""
        numbers = [name for name, its_type in types.items() if _is_number(its_type) and name not in self._key]
        sums = [f"sum({_name(name)}{'' if types[name] in INTEGERS else '::DOUBLE'})" for name in numbers]
        return dict(zip(numbers, self._row(", ".join(sums), f"FROM {view}"), strict=True)) if numbers else {}

    def _types(self, view: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self._engine.execute(f"DESCRIBE {view}").fetchall()}

    def _row(self, columns: str, tail: str) -> tuple[Any, ...]:
        (row,) = self._engine.execute(f"SELECT {columns} {tail}").fetchall()
        return tuple(row)


def _is_number(its_type: str) -> bool:
    return its_type in INTEGERS or its_type in ("DOUBLE", "FLOAT") or its_type.startswith("DECIMAL")


def _is_near(before: float | int | None, after: float | int | None) -> bool:
    if before is None or after is None:
        return before is after
    return before == after or isclose(before, after, rel_tol=NOISE) or (isnan(before) and isnan(after))


def _name(column: str) -> str:
    """A column as SQL: what older files call their columns may be a word of SQL today."""
    return f'"{column}"'
