"""Runs the models and their checks, on a DuckDB connection that has the datasets as views and on nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from re import MULTILINE, search
from typing import Any

import duckdb

from dbt_like_sql.catalog import Catalog, Check, Model, Problem
from dbt_like_sql.model import DAY_COLUMN
from warehouse.contract.errors import FleetwattError
from warehouse.counted import counted
from warehouse.lake.file_format import PARQUET
from warehouse.lake.snapshot import Snapshot
from warehouse.lake.views import add_empty_view, add_views, another_session, open_empty_lake, open_lake, set_day, text

SAMPLE_ROWS = 5
WIDER: Mapping[str, tuple[str, ...]] = {
    "HUGEINT": ("BIGINT", "DOUBLE"),  # what sum() makes of whole numbers of any type
    "BIGINT": ("DOUBLE",),
    "INTEGER": ("BIGINT", "DOUBLE"),
    "FLOAT": ("DOUBLE",),
    "DECIMAL": ("DOUBLE",),
}
"""The types that a SELECT may give, and the other ones that may be declared for them. All others are to be the same: a
count, which is BIGINT, is not declared INTEGER.
"""
_UNTYPED = '"NULL"'


class ModelFailedError(FleetwattError):
    """A model cannot be run"""

    code = "model_failed"


@dataclass(frozen=True)
class CheckResult:
    """What a check found: how many rows are wrong, and the first of them."""

    check: Check
    failing_rows: int
    sample: tuple[Mapping[str, Any], ...]

    @property
    def passed(self) -> bool:
        """Whether no row is wrong."""
        return self.failing_rows == 0

    @property
    def stops(self) -> bool:
        """Whether what depends on the dataset is not made: it failed, and is no mere warning."""
        return not self.passed and self.check.is_blocking


def build_model(connection: duckdb.DuckDBPyConnection, model: Model, target: Path) -> int:
    """Write a model's day to ``target``: zstd Parquet, sorted by its key, in the declared types. Returns the rows.

    A type must be the declared one, or one that ``WIDER`` has for it.

    Raises:
        ModelFailedError: the SELECT fails, or gives other columns or types than declared; it names file and line.
        duckdb.IOException: the file cannot be written.
    """
    if problems := _select_problems(connection, model):
        raise ModelFailedError("; ".join(str(problem) for problem in problems))
    columns = ", ".join(f"{column.name}::{column.type} AS {column.name}" for column in model.columns)
    order = f"ORDER BY {', '.join(model.sort_key)}" if model.sort_key else ""
    # The SELECT is on lines of its own: it may end in a comment.
    query = f"COPY (SELECT {columns} FROM (\n{model.sql}\n) {order}) TO {text(target)} "  # noqa: S608 - a model's own
    try:
        # One thread: a sum of float64 depends on the order of its terms, and the same day must give the same bytes. At
        # the size of these inputs it is as fast as two.
        connection.execute("SET threads = 1")
        written = connection.execute(f"{query} ({PARQUET})")
        ((rows,),) = written.fetchall()
    except duckdb.IOException:
        raise
    except duckdb.Error as error:
        problem = _problem(model.path, error)
        raise ModelFailedError(str(problem._replace(line=max(1, problem.line - 1)))) from error  # one line is ours
    finally:
        connection.execute("RESET threads")
    return int(rows)


def run_check(connection: duckdb.DuckDBPyConnection, check: Check) -> CheckResult:
    """Count the rows that are wrong, and keep the first few.

    Raises:
        ModelFailedError: the check itself fails; it names file and line.
    """
    try:
        ((failing_rows,),) = connection.execute(f"SELECT count(*) FROM (\n{check.sql}\n)").fetchall()  # noqa: S608 - own
        if not failing_rows:
            return CheckResult(check, 0, ())
        wrong = connection.execute(f"FROM (\n{check.sql}\n) LIMIT {SAMPLE_ROWS}")
        names = [column[0] for column in wrong.description or ()]
        return CheckResult(check, failing_rows, tuple(dict(zip(names, row, strict=True)) for row in wrong.fetchall()))
    except duckdb.Error as error:
        raise ModelFailedError(str(_check_problem(check, error))) from error


def check_day(snapshot: Snapshot, catalog: Catalog, day: date, chosen: Iterable[Model]) -> Iterator[CheckResult]:
    """Run the checks of each of these datasets that has a file of this day, in order."""
    with open_lake(snapshot, (), day) as engine:
        for model in chosen:
            if snapshot.locations(model.name, day):
                reads = [catalog.models[name] for name in {each for check in model.checks for each in check.depends_on}]
                with another_session(engine) as session:
                    add_views(session, snapshot, reads, day, model.lookback_days)
                    yield from (run_check(session, check) for check in model.checks)


def bind_problems(catalog: Catalog) -> list[Problem]:
    """What DuckDB has to say against the models and checks, with no data: functions, types, GROUP BY.

    The catalog has found every name already; only an engine knows the types.
    """
    problems: list[Problem] = []
    with open_empty_lake() as connection:
        set_day(connection, date(2000, 1, 1))
        for model in catalog.in_order():
            try:
                add_empty_view(connection, model)
            except duckdb.Error as error:
                problems.append(Problem(model.path, 1, f"the columns cannot be made: {_first_line(error)}"))
                continue
            if model.sql:
                problems += _select_problems(connection, model)
            of_checks = _check_problems(connection, model)
            problems += of_checks
            if model.is_seed and not of_checks:
                problems += _row_problems(connection, model)
    return problems


def _row_problems(connection: duckdb.DuckDBPyConnection, seed: Model) -> list[Problem]:
    """What of a seed's text is not of its declared type, or else which checks it fails: on every day the same."""
    try:
        connection.execute(str(seed.sql)).fetchall()
    except duckdb.Error as error:
        return [_problem(seed.path, error)]
    rows = f"SELECT *, getvariable('{DAY_COLUMN}') AS {DAY_COLUMN} FROM (\n{seed.sql}\n)"  # noqa: S608 - a seed's own
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {seed.name} AS {rows}")
    results = [run_check(connection, check) for check in seed.checks]
    return [Problem(seed.path, 1, _in_words(result)) for result in results if result.stops]


def _in_words(result: CheckResult) -> str:
    first = ", ".join(f"{name} = {value}" for name, value in result.sample[0].items())
    return f"{counted(result.failing_rows, 'row violates', 'rows violate')}: {result.check.description}; {first}"


def _check_problems(connection: duckdb.DuckDBPyConnection, model: Model) -> list[Problem]:
    problems = []
    for check in model.checks:
        try:
            connection.execute(f"DESCRIBE {check.sql}")
        except duckdb.Error as error:
            problems.append(_check_problem(check, error))
    return problems


def _select_problems(connection: duckdb.DuckDBPyConnection, model: Model) -> list[Problem]:
    """How a model's SELECT differs from its declaration; empty where it does not."""
    try:
        selected = _types(connection, str(model.sql))
    except duckdb.Error as error:
        return [_problem(model.path, error)]
    nothing = ", ".join(f"NULL::{column.type} AS {column.name}" for column in model.columns)
    declared = _types(connection, f"SELECT {nothing}")
    problems = [
        Problem(model.path, model.line_of(name), f"column {name} is {selected[name]}, and declared as {declared[name]}")
        for name in declared
        if name in selected and not _fits(selected[name], declared[name])
    ]
    problems += [
        Problem(model.path, 1, f"column {name} is {'not declared' if name in selected else 'declared, not selected'}")
        for name in sorted(selected.keys() ^ declared.keys())
    ]
    return problems


def _types(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {query}").fetchall()}


def _fits(selected: str, declared: str) -> bool:
    if selected in (declared, _UNTYPED):
        return True
    return declared in WIDER.get(selected.partition("(")[0], ())


def _problem(path: Path, error: duckdb.Error) -> Problem:
    """DuckDB's words, at the line it means."""
    place = search(r"^LINE (\d+):", str(error), flags=MULTILINE)
    return Problem(path, int(place[1]) if place else 1, _first_line(error))


def _check_problem(check: Check, error: duckdb.Error) -> Problem:
    if check.path.suffix == ".sql":
        return _problem(check.path, error)
    return Problem(check.path, check.line, _first_line(error))


def _first_line(error: duckdb.Error) -> str:
    """The error's first line, and the name that was meant, which DuckDB has on the second."""
    text = str(error)
    first = text.partition("\n")[0]
    if unknown := search(r"Function with name (\S+) does not exist", first):
        near = search(r'Did you mean "(\w+)"', text)
        return f"no function is called {unknown[1]}" + (f"; did you mean {near[1]}?" if near else "")
    return first
