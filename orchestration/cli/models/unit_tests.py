"""``fleetwatt models test``: the unit tests of models and checks, run in memory."""

import json
import sys
from collections.abc import Sequence
from itertools import groupby
from time import perf_counter
from typing import Any

import typer

from dbt_like_sql.catalog import Catalog, Problem
from dbt_like_sql.unit_tests.reading import UnitTestReader
from dbt_like_sql.unit_tests.unit_test import UnitTest
from orchestration.cli.models.catalog import print_problems, read_catalog
from orchestration.cli.models.selected import Select, modified_where_it_runs, nothing_selected, selected
from orchestration.cli.options import AsJson, Home, notes, read_settings
from orchestration.cli.terminal import print_line
from warehouse.counted import counted
from warehouse.lake.unit_tests.running import Outcome, run_unit_tests
from warehouse.settings import FleetSettings


def test(*, select: Select = None, home: Home = None, as_json: AsJson = False) -> None:
    """Run the unit tests of models and of written-out checks: NAME.test.toml beside NAME.sql.

    Each gives a SELECT some rows and compares the rows that come out. They run in memory, without a lake and without a
    database, in milliseconds each. A test of a check belongs to the dataset that is checked.

    \b
        fleetwatt models test
        fleetwatt models test -s weekly_vehicle_losses
        fleetwatt models test -s layer:marts
    Exit code: 0 all pass; 1 one fails, or cannot be read; 4 the selection is empty, or has no test.
    """
    settings = read_settings(FleetSettings, home=home)
    catalog = read_catalog()
    names = {model.name for model in selected(catalog, select, modified_where_it_runs(settings, catalog))}
    reader = UnitTestReader(catalog)
    tests = [each for each in reader.read() if each.dataset in names]
    if select and not tests and not reader.problems:
        raise nothing_selected(select, "unit test")
    started = perf_counter()
    outcomes = []
    for name, of_name in groupby(run_unit_tests(catalog, tests), key=lambda outcome: outcome.test.subject.name):
        found = list(of_name)
        outcomes += found
        if not as_json:
            _print_outcomes(name, found)
    if as_json:
        _print_json(reader.problems, outcomes)
    elif reader.problems:
        print_problems(reader.problems, "unit tests")
    failed = sum(not each.passed for each in outcomes)
    notes.print(
        f"{counted(len(outcomes), 'unit test')}: {len(outcomes) - failed} passed, {failed} failed, "
        f"in {perf_counter() - started:.2f} s"
    )
    if failed or reader.problems:
        raise typer.Exit(1)


def unit_test_problems(catalog: Catalog) -> tuple[Sequence[UnitTest], Sequence[Problem]]:
    """All unit tests, and what is wrong with them or fails, as problems of their files."""
    reader = UnitTestReader(catalog)
    tests = reader.read()
    problems = list(reader.problems)
    for outcome in run_unit_tests(catalog, tests):
        problems += outcome.problems
        if outcome.failure:
            of, name = outcome.test, outcome.test.subject.name
            shows = f"fleetwatt models test -s {of.dataset} shows the rows"
            problems.append(Problem(of.path, of.line, f"the unit test {of.name} of {name} fails; {shows}"))
    return tests, problems


def _print_outcomes(name: str, outcomes: Sequence[Outcome]) -> None:
    """Those that failed on stdout, with their rows; how many there are on stderr."""
    for outcome in outcomes:
        if outcome.failure:
            print_line(f"{outcome.test.path}:{outcome.test.line}: {outcome.test.name}")
        for line in outcome.failure:
            print_line(f"    {line}".rstrip())
        for problem in outcome.problems:
            print_line(str(problem))
    spent = sum(outcome.seconds for outcome in outcomes) * 1000
    notes.print(f"{name}: {counted(len(outcomes), 'test')}, {spent:.0f} ms")


def _print_json(problems: Sequence[Problem], outcomes: Sequence[Outcome]) -> None:
    said: dict[str, Any] = {
        "problems": [problem_as_dict(problem) for problem in problems],
        "tests": [
            {
                "dataset": outcome.test.dataset,
                "subject": outcome.test.subject.name,
                "name": outcome.test.name,
                "path": str(outcome.test.path),
                "line": outcome.test.line,
                "passed": outcome.passed,
                "failure": outcome.failure,
                "problems": [problem_as_dict(problem) for problem in outcome.problems],
                "seconds": outcome.seconds,
            }
            for outcome in outcomes
        ],
    }
    json.dump(said, sys.stdout)
    sys.stdout.write("\n")


def problem_as_dict(problem: Problem) -> dict[str, Any]:
    """A problem for a program."""
    return {**problem._asdict(), "path": str(problem.path)}
