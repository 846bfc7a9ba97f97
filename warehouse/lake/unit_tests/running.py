"""Runs unit tests: each has a session of its own, with what it is given as tables, on one engine in memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import duckdb

from dbt_like_sql.catalog import Catalog, Model, Problem
from dbt_like_sql.declarations import suggestion
from dbt_like_sql.model import DAY_COLUMN
from dbt_like_sql.unit_tests.row_table import RowTable
from dbt_like_sql.unit_tests.unit_test import UnitTest
from warehouse.counted import counted
from warehouse.lake.unit_tests.cells import as_cells, as_sql, fetched, rows_as_sql
from warehouse.lake.unit_tests.row_diff import difference
from warehouse.lake.views import add_empty_view, another_session, open_empty_lake, set_day


@dataclass(frozen=True)
class Outcome:
    """What became of a test: ``failure`` has what is to be said, a line each, and is empty where it passed.

    ``problems``: cells and columns that cannot be used; then it did not run.
    """

    test: UnitTest
    failure: tuple[str, ...]
    problems: tuple[Problem, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether what came out is what was expected."""
        return not self.failure and not self.problems


class CellsError(Exception):
    """Cells or columns of a test that cannot be used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


def run_unit_tests(catalog: Catalog, tests: Iterable[UnitTest]) -> Iterator[Outcome]:
    """Run tests one after the other; none stops the others."""
    with open_empty_lake() as engine:
        # Rows by the dozen: to share them out takes longer than to do them.
        engine.execute("SET threads = 1")
        for test in tests:
            started = perf_counter()
            failure: Sequence[str] = ()
            problems: tuple[Problem, ...] = ()
            try:
                with PreparedTest(engine, catalog, test) as prepared:
                    failure = prepared.failure(test.sql)
            except CellsError as error:
                problems = error.problems
            except duckdb.Error as error:  # of the SELECT: its own cells were read
                failure = [f"the SELECT fails: {str(error).partition(chr(10))[0]}"]
            yield Outcome(test, tuple(failure), problems, perf_counter() - started)


class PreparedTest:
    """A test whose rows are in place, to be tried on one SELECT or on many.

    Raises:
        CellsError: a cell is no value of its column's type, or a column of ``expect`` is none of the SELECT's.
    """

    def __init__(self, engine: duckdb.DuckDBPyConnection, catalog: Catalog, test: UnitTest) -> None:
        self._test = test
        self._session = another_session(engine)
        set_day(self._session, test.day)
        for name in test.subject.depends_on:
            self._add(catalog.models[name], test.given.get(name))
        self._columns, self._types = self._selected()
        self._expected = self._expected_rows()

    def __enter__(self) -> "PreparedTest":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def failure(self, sql: str) -> list[str]:
        """What differs where this SELECT is run: lines for people, none where it gives what is expected."""
        columns = ", ".join(fetched(each, self._types[each]) for each in self._columns)
        try:
            got = self._rows(f"SELECT {columns} FROM (\n{sql}\n)")  # noqa: S608 - a model's own
        except duckdb.Error as error:
            return self._of_error(str(error).partition("\n")[0])
        if self._test.expect_error is not None:
            wanted = self._test.expect_error
            return [f"expected an error that contains {wanted!r}, and it gives {counted(len(got), 'row')}"]
        return difference(self._columns, self._test.key, self._expected, got, partial(as_cells, day=self._test.day))

    def takes(self, sql: str) -> bool:
        """Whether DuckDB takes a SELECT in place of the one that is tested: its names and types fit."""
        try:
            self._rows(f"DESCRIBE {sql}")
        except duckdb.Error:
            return False
        return True

    def _of_error(self, message: str) -> list[str]:
        wanted = self._test.expect_error
        if wanted is None:
            return [f"the SELECT fails: {message}"]
        return [] if wanted in message else [f"expected an error that contains {wanted!r}, and it says: {message}"]

    def _add(self, model: Model, table: RowTable | None) -> None:
        """Make a dataset of these rows; columns that they do not have are null, and the day is the test's."""
        if table is None or not table.columns:
            add_empty_view(self._session, model)
            return
        types = {**{each.name: each.type for each in model.columns}, DAY_COLUMN: "DATE"}
        others = {name: f"NULL::{its_type}" for name, its_type in types.items() if name not in table.columns}
        if DAY_COLUMN in others:
            others[DAY_COLUMN] = f"DATE '{self._test.day}'"
        columns = ", ".join([*table.columns, *(f"{value} AS {name}" for name, value in others.items())])
        self._read(f"CREATE TEMP TABLE {model.name} AS SELECT {columns}", table, types)

    def _selected(self) -> tuple[Sequence[str], dict[str, str]]:
        """The columns that are compared, and the types of all that the SELECT gives."""
        types = dict(self._test.types)
        if not types:
            types = {row[0]: row[1] for row in self._rows(f"DESCRIBE {self._test.sql}")}
        table = self._test.expect
        if table is None or not table.columns:
            return list(types), types
        if unknown := [each for each in table.columns if each not in types]:
            name = self._test.subject.name
            raise CellsError(
                [
                    Problem(self._test.path, table.line, f"unknown column {each} of {name}{suggestion(each, types)}")
                    for each in unknown
                ]
            )
        return table.columns, types

    def _expected_rows(self) -> list[tuple[Any, ...]]:
        table = self._test.expect
        if table is None or not table.columns:
            return []
        columns = ", ".join(fetched(each, self._types[each]) for each in table.columns)
        return self._read(f"SELECT {columns}", table, self._types)

    def _read(self, statement: str, table: RowTable, types: Mapping[str, str]) -> list[tuple[Any, ...]]:
        """Run a statement that ends ahead of its FROM on the rows of a table."""
        of_columns = [types[each] for each in table.columns]
        try:
            return self._rows(f"{statement} FROM ({rows_as_sql(table, of_columns, self._test.day)})")
        except (ValueError, duckdb.ConversionException):
            raise CellsError(self._unfit(table, of_columns)) from None

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._session.execute(query).fetchall()

    def _unfit(self, table: RowTable, types: Sequence[str]) -> list[Problem]:
        """The cells that are no values of their columns' types."""
        found = []
        for row in table.rows:
            for column, cell, its_type in zip(table.columns, row.cells, types, strict=True):
                try:
                    self._session.execute(f"SELECT {as_sql(cell, its_type, self._test.day)}")
                except (ValueError, duckdb.ConversionException):
                    message = f"{column} is {its_type}, and {cell!r} is none"
                    found.append(Problem(self._test.path, row.line, message))
        return found
