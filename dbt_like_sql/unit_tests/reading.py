"""Reads the unit tests: ``<model>.test.toml`` beside a model's SQL, ``<check>.test.toml`` beside a check's.

| key | what it is |
| --- | --- |
| ``day`` | the UTC day of all tests of the file |
| ``given.DATASET`` | rows that every test of the file is given, unless it gives others of that dataset |
| ``[test.NAME]`` | a test; it may have ``day`` and ``given.DATASET`` of its own |
| ``expect`` in it | the rows that come out, in any order, compared in the columns that are named |
| ``expect_error`` in it | in place of ``expect``: a part of the error's message |

``given.DATASET`` and ``expect`` are tables of rows, see ``row_table``. A dataset that is not given has no rows.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dbt_like_sql.catalog import Catalog
from dbt_like_sql.declarations import suggestion
from dbt_like_sql.declared_keys import NAME, UNIT_TEST, UNIT_TEST_FILE
from dbt_like_sql.model import DAY_COLUMN, Check, Model, Problem
from dbt_like_sql.text_files import read_text
from dbt_like_sql.toml_lines import TomlLines
from dbt_like_sql.unit_tests.row_table import RowTable, TableError, read_table
from dbt_like_sql.unit_tests.unit_test import UnitTest

SUFFIX = ".test.toml"
_NAME = re.compile(NAME, re.ASCII).fullmatch


@dataclass
class UnitTestReader:
    """Reads all tests of a catalog. What is wrong is noted in ``problems``, and that test is left out."""

    catalog: Catalog
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> list[UnitTest]:
        """The tests in the order of the datasets, and in each file as written."""
        found = {path: list(self._file(path)) for path in sorted(self.catalog.folder.glob(f"*/**/*{SUFFIX}"))}
        order = {model.name: place for place, model in enumerate(self.catalog.in_order())}
        tests = [test for of_file in found.values() for test in of_file]
        return sorted(tests, key=lambda test: (order[test.dataset], isinstance(test.subject, Check)))

    def _file(self, path: Path) -> Iterable[UnitTest]:
        shown = path.relative_to(self.catalog.folder.parent)
        name = path.name.removesuffix(SUFFIX)
        subject = self._subject(shown, name)
        text = read_text(path, shown, self.problems)
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"at line (\d+)", str(error))
            line = int(place[1]) if place else len(text.splitlines())
            self.problems.append(Problem(shown, line, f"not valid TOML: {error}"))
            return
        if subject:
            file = _File(self.catalog, shown, subject, TomlLines(text), self.problems)
            yield from file.tests(tables)

    def _subject(self, shown: Path, name: str) -> Model | Check | None:
        """What a file tests: the SELECT beside it."""
        beside = shown.with_name(f"{name}.sql")
        subjects: list[Model | Check] = [each for each in self.catalog.models.values() if each.sql]
        subjects += [check for each in self.catalog.models.values() for check in each.checks]
        for subject in subjects:
            if subject.path == beside:
                return subject
        near = suggestion(name, [each.path.stem for each in subjects if each.path.parent == shown.parent])
        self.problems.append(Problem(shown, 1, f"there is no {beside} that these could test{near}"))
        return None


@dataclass(frozen=True)
class _File:
    catalog: Catalog
    path: Path
    subject: Model | Check
    lines: TomlLines
    problems: list[Problem]

    def tests(self, tables: Mapping[str, Any]) -> Iterable[UnitTest]:
        for key in tables.keys() - UNIT_TEST_FILE.keys():
            hint = suggestion(key, UNIT_TEST_FILE) or f"; a test begins with [test.{key}]"
            self._problem(f"{key} is no key of a file of tests{hint}", key)
        named = tables.get("test")
        if not isinstance(named, dict) or not named:
            self._problem("there is no test in it; begin with [test.what_is_so]")
            return
        day = self._day(tables, "day") if "day" in tables else None
        shared = self._all_given(tables, day)
        for name, said in named.items():
            before = len(self.problems)
            test = self._test(name, said, day, shared)
            if len(self.problems) == before and test:
                yield test

    def _test(self, name: str, said: Any, day: date | None, shared: Mapping[str, RowTable]) -> UnitTest | None:
        place = ("test", name)
        if not _NAME(name):
            self._problem(f"{name} is no name: it is lower case letters, digits and _", *place)
        if not isinstance(said, dict):
            self._problem(f"{name} is not a table; begin with [test.{name}]", *place)
            return None
        for key in said.keys() - UNIT_TEST.keys():
            self._problem(f"{key} is no key of a test{suggestion(key, UNIT_TEST)}", *place, key)
        if ("expect" in said) == ("expect_error" in said):
            self._problem(f"{name} needs what it expects: either expect or expect_error", *place)
        error = said.get("expect_error")
        if "expect_error" in said and (not isinstance(error, str) or not error):
            self._problem("expect_error is a part of the error's message", *place, "expect_error")
        day = self._day(said, *place, "day") if "day" in said or day is None else day
        given = {**shared, **self._all_given(said, day, *place)}
        expect = self._table(said["expect"], *place, "expect") if "expect" in said else None
        if expect:
            self._check_columns(expect, self.subject)
        if day is None:
            return None
        return UnitTest(name, self.subject, day, given, expect, error, self.path, self.lines.of(*place))

    def _day(self, said: Mapping[str, Any], *place: str) -> date | None:
        value = said.get("day")
        if not isinstance(value, date) or isinstance(value, datetime):
            self._problem("a test needs its day: day = 2026-02-08, at the top for all tests or in one", *place)
            return None
        return value

    def _all_given(self, said: Mapping[str, Any], day: date | None, *place: str) -> dict[str, RowTable]:
        given = said.get("given", {})
        if not isinstance(given, dict):
            self._problem("given has a table of rows for each dataset: given.DATASET", *place, "given")
            return {}
        tables = {name: self._given(text, day, *place, "given", name) for name, text in given.items()}
        return {name: table for name, table in tables.items() if table}

    def _given(self, text: Any, day: date | None, *place: str) -> RowTable | None:
        dataset, table = place[-1], self._table(text, *place)
        reads = self.subject.depends_on
        if dataset not in reads:
            known = f"it reads {', '.join(reads)}" if reads else "it reads nothing"
            self._problem(f"{self.subject.name} does not read {dataset}; {known}{suggestion(dataset, reads)}", *place)
            return None
        if table is None or not table.columns:
            return table
        model = self.catalog.models[dataset]
        self._check_columns(table, model)
        if self._looks_back() and DAY_COLUMN not in table.columns:
            self._note(table.line, f"{self.subject.name} looks back, so each row of {dataset} needs its {DAY_COLUMN}")
        self._check_key(table, model, day)
        return table

    def _looks_back(self) -> bool:
        of = self.subject.model if isinstance(self.subject, Check) else self.subject.name
        return self.catalog.models[of].lookback_days > 0

    def _check_columns(self, table: RowTable, of: Model | Check) -> None:
        if isinstance(of, Check):
            return  # only DuckDB knows what a check selects
        known = [each.name for each in of.columns] + ([DAY_COLUMN] if of is not self.subject else [])
        for column in table.columns:
            if column not in known:
                self._note(table.line, f"unknown column {column} of {of.name}{suggestion(column, known)}")

    def _check_key(self, table: RowTable, model: Model, day: date | None) -> None:
        """Each row has its key, and no other row has it: so it could be in the lake."""
        if missing := [each for each in model.sort_key if each not in table.columns]:
            self._note(table.line, f"rows of {model.name} need their key; {', '.join(missing)} is missing")
            return
        seen: dict[tuple[str | None, ...], int] = {}
        for row in table.rows:
            cells = {DAY_COLUMN: str(day), **dict(zip(table.columns, row.cells, strict=True))}
            key = tuple(cells[each] for each in (DAY_COLUMN, *model.sort_key))
            if None in key:
                named = ", ".join(each for each in (DAY_COLUMN, *model.sort_key) if cells[each] is None)
                self._note(row.line, f"a row of {model.name} needs its key and its day; {named} is empty in it")
            elif first := seen.get(key):
                self._note(row.line, f"the row of line {first} has the same key of {model.name}")
            seen.setdefault(key, row.line)

    def _table(self, text: Any, *place: str) -> RowTable | None:
        if not isinstance(text, str):
            self._problem(f'{place[-1]} is a table of rows in """, its columns on the first line', *place)
            return None
        try:
            return read_table(text, self.lines.of_text(*place))
        except TableError as error:
            self._note(error.line, error.message)
            return None

    def _problem(self, message: str, *place: str) -> None:
        self._note(self.lines.of(*place), message)

    def _note(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.path, line, message))
