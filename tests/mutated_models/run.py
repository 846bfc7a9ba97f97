"""Tries every mutant of every tested SELECT on its unit tests, and says which nobody notices.

``equivalent.toml`` beside it names mutants that give the same rows whatever comes in, with the reason. They are counted
apart, and so is what DuckDB refuses to run: it says nothing about the tests.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from dbt_like_sql.catalog import Catalog
from dbt_like_sql.unit_tests.reading import UnitTestReader
from dbt_like_sql.unit_tests.unit_test import UnitTest
from tests.mutated_models.mutations import Mutant, mutants_of, unmutated
from warehouse.lake.unit_tests.running import PreparedTest
from warehouse.lake.views import open_empty_lake

BAR = 0.95
EQUIVALENT = Path(__file__).with_name("equivalent.toml")


@dataclass
class Result:
    """Of one SELECT: how many of its mutants a test noticed, and those that none did."""

    path: Path
    caught: int = 0
    survivors: list[Mutant] = field(default_factory=list)
    equivalent: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def total(self) -> int:
        """The mutants that a test could have noticed."""
        return self.caught + len(self.survivors)


class FailsWithoutFaultError(Exception):
    """A test that fails on the SELECT as it is."""


def try_mutants(catalog: Catalog, tests: Sequence[UnitTest], equivalent: Mapping[str, str]) -> Result:
    """Try the mutants of the SELECT that these tests have in common. ``equivalent``: reasons by change.

    Raises:
        FailsWithoutFaultError: a test fails without a fault.
    """
    result = Result(tests[0].subject.path)
    with ExitStack() as stack:
        engine = stack.enter_context(open_empty_lake())
        engine.execute("SET threads = 1")
        prepared = [stack.enter_context(PreparedTest(engine, catalog, test)) for test in tests]
        for test, each in zip(tests, prepared, strict=True):
            if failure := each.failure(unmutated(test.sql)):
                raise FailsWithoutFaultError("\n".join([f"{test.path}:{test.line}: {test.name}", *failure]))
        for mutant in mutants_of(tests[0].sql):
            if mutant.change in equivalent:
                result.equivalent.append(mutant.change)
                continue
            noticed = next((each for each in prepared if each.failure(mutant.sql)), None)
            if noticed is None:
                result.survivors.append(mutant)
            elif not noticed.takes(mutant.sql):
                result.refused += 1
            else:
                result.caught += 1
                prepared.remove(noticed)
                prepared.insert(0, noticed)  # likely to notice the next one too
    return result


def declared_equivalents() -> dict[str, dict[str, str]]:
    """The reasons by model or check, and by change."""
    declared = tomllib.loads(EQUIVALENT.read_text("utf-8"))
    return {name: {each["change"]: each["reason"] for each in entries} for name, entries in declared.items()}


def tested_subjects(catalog: Catalog) -> dict[str, list[UnitTest]]:
    """The unit tests by the model or check that they test.

    Raises:
        FailsWithoutFaultError: some cannot be read.
    """
    reader = UnitTestReader(catalog)
    tests = reader.read()
    if reader.problems:
        raise FailsWithoutFaultError("\n".join(map(str, reader.problems)))
    return {name: list(of_name) for name, of_name in groupby(tests, key=lambda test: test.subject.name)}


def _of_name(name: str) -> Result:
    """In a process of its own."""
    catalog = Catalog.load()
    return try_mutants(catalog, tested_subjects(catalog)[name], declared_equivalents().get(name, {}))


def results(names: Sequence[str]) -> Iterator[Result]:
    """Of these models and checks, those with the longest SELECT first, by as many processes as there are processors."""
    subjects = tested_subjects(Catalog.load())
    chosen = sorted(names or subjects, key=lambda name: -len(subjects[name][0].sql))
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(chosen)), get_context("spawn")) as pool:
        yield from pool.map(_of_name, chosen)


def main(names: Sequence[str]) -> int:
    """Print what became of the mutants; the exit code is 1 where fewer than ``BAR`` of them are noticed."""
    started = perf_counter()
    caught = total = 0
    declared = declared_equivalents()
    stale = []
    for result in results(names):
        caught, total = caught + result.caught, total + result.total
        counts = f"{len(result.equivalent)} equivalent, {result.refused} refused by DuckDB"
        print(f"{result.path}: {result.caught}/{result.total} caught; {counts}")
        for mutant in result.survivors:
            print(f"  {result.path.name}:{mutant.line}: {mutant.change}")
        found = declared.get(result.path.stem, {})
        stale += [f"{result.path.stem}: {each}" for each in found if result.equivalent.count(each) != 1]
    for each in stale:
        print(f"{EQUIVALENT.name} names what is no mutant, or more than one: {each}")
    print(f"{caught}/{total} caught, {caught / total:.2%}, in {perf_counter() - started:.0f} s; the bar is {BAR:.0%}")
    return 0 if caught >= BAR * total and not stale else 1
