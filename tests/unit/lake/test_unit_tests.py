"""Unit tests of models are run as written, and what differs is said row by row."""

import shutil
from pathlib import Path

import pytest

from dbt_like_sql.catalog import FOLDER, Catalog
from dbt_like_sql.unit_tests.reading import UnitTestReader
from tests.markdown import ROOT, Page
from tests.unit.dbt_like_sql.small_catalog import CHECK, STAGING, write_catalog
from tests.unit.dbt_like_sql.test_unit_test_reading import FILE, GROWTH_TEST
from warehouse.lake.unit_tests.running import Outcome, run_unit_tests


def run(folder: Path, changes: dict[str, str | None]) -> Outcome:
    root = write_catalog(folder, changes)
    catalog = Catalog.load(root)
    reader = UnitTestReader(catalog)
    (test,) = reader.read()
    assert reader.problems == []
    (outcome,) = run_unit_tests(catalog, [test])
    return outcome


def test_every_unit_test_of_our_models_passes() -> None:
    catalog = Catalog.load()
    reader = UnitTestReader(catalog)
    tests = reader.read()
    assert reader.problems == []
    failed = [outcome for outcome in run_unit_tests(catalog, tests) if not outcome.passed]
    assert [(each.test.subject.name, each.test.name, each.failure, each.problems) for each in failed] == []


def test_every_model_and_every_written_out_check_of_ours_has_unit_tests() -> None:
    catalog = Catalog.load()
    models = {model.path for model in catalog.models.values() if model.sql and not model.is_seed}
    checks = {check.path for model in catalog.models.values() for check in model.checks if check.path.suffix == ".sql"}
    assert {test.subject.path for test in UnitTestReader(catalog).read()} == models | checks


def test_what_is_expected_passes(tmp_path: Path) -> None:
    outcome = run(tmp_path, {FILE: GROWTH_TEST})
    assert outcome.passed
    assert outcome.seconds > 0


def test_rows_of_other_days_are_there_and_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    text = '''\
day = 2026-02-08
[test.other_days_are_not_read]
given.readings = """
day        | device_id | ts               | kwh
2026-02-08 | 1         | 00:00            | 1
2026-02-08 | 2         | 00:00            | 2
2026-02-07 | 1         | 2026-02-07 00:00 | 0
"""
expect = """
device_id | grown_kwh
2         | 0
1         | 0
"""
'''
    assert run(tmp_path, {FILE: text}).passed
    of_all_days = {"models/staging/growth.sql": "SELECT device_id, max(kwh) - min(kwh) AS grown_kwh FROM readings "}
    selected = "WHERE day BETWEEN getvariable('day') - 1 AND getvariable('day') GROUP BY device_id"
    changed = {
        "models/staging/growth.sql": of_all_days["models/staging/growth.sql"] + selected,
        "models/staging/models.toml": STAGING.replace("[growth]\n", "[growth]\nlookback_days = 1\n"),
    }
    assert run(tmp_path, {FILE: text, **changed}).failure == (
        "         device_id | grown_kwh",
        "expected 1         | 0",
        "got      1         | 1",
        "                     ^",
    )


def test_changed_missing_and_extra_rows_are_told_apart(tmp_path: Path) -> None:
    text = '''\
day = 2026-02-08
[test.two_of_three]
given.readings = """
device_id | ts    | kwh
1         | 00:00 | 1
1         | 12:00 | 1.25
2         | 00:00 | 2
"""
expect = """
device_id | grown_kwh
1         | 0.75
3         |
"""
'''
    assert run(tmp_path, {FILE: text}).failure == (
        "         device_id | grown_kwh",
        "expected 1         | 0.75",
        "got      1         | 0.25",
        "                     ^",
        "missing  3         |",
        "extra    2         | 0",
    )


def test_nothing_is_expected(tmp_path: Path) -> None:
    text = GROWTH_TEST.partition("expect =")[0] + 'expect = ""\n'
    assert run(tmp_path, {FILE: text}).failure == ("         device_id | grown_kwh", "extra    1         | 2.5")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1          | 12:00 | twelve", "growth.test.toml:7: kwh is DOUBLE, and 'twelve' is none"),
        ("1.5        | 12:00 | 12.5", "growth.test.toml:7: device_id is INTEGER, and '1.5' is none"),
        ("1          | noon  | 12.5", "growth.test.toml:7: ts is TIMESTAMPTZ, and 'noon' is none"),
    ],
)
def test_a_cell_that_is_no_value_of_its_type_is_told_with_its_line(tmp_path: Path, cell: str, expected: str) -> None:
    outcome = run(tmp_path, {FILE: GROWTH_TEST.replace("1         | 12:00 | 12.5", cell)})
    assert [str(problem).rpartition("/")[2] for problem in outcome.problems] == [expected]
    assert not outcome.passed


def test_a_cell_of_what_is_expected_too(tmp_path: Path) -> None:
    outcome = run(tmp_path, {FILE: GROWTH_TEST.replace("| 2.5", "| much")})
    assert [str(problem).rpartition("/")[2] for problem in outcome.problems] == [
        "growth.test.toml:11: grown_kwh is DOUBLE, and 'much' is none"
    ]


def test_an_error_is_expected_by_a_part_of_its_message(tmp_path: Path) -> None:
    changes = {"models/staging/growth.sql": "SELECT device_id, error('no growth') AS grown_kwh FROM readings WHERE day"}
    sql = f"{changes['models/staging/growth.sql']} = getvariable('day')"
    given = GROWTH_TEST.partition("expect =")[0]
    failing = {"models/staging/growth.sql": sql}
    assert run(tmp_path, {FILE: f'{given}expect_error = "no growth"\n', **failing}).passed
    assert run(tmp_path, {FILE: f'{given}expect_error = "another"\n', **failing}).failure == (
        "expected an error that contains 'another', and it says: Invalid Input Error: no growth",
    )
    assert run(tmp_path, {FILE: GROWTH_TEST, **failing}).failure == (
        "the SELECT fails: Invalid Input Error: no growth",
    )
    assert run(tmp_path, {FILE: f'{given}expect_error = "no growth"\n'}).failure == (
        "expected an error that contains 'no growth', and it gives 1 row",
    )


def test_a_check_gives_the_rows_that_are_wrong(tmp_path: Path) -> None:
    text = '''\
day = 2026-02-08
[test.unknown_growth_is_wrong]
given.growth = """
device_id | grown_kwh
7         |
8         | 1
"""
expect = """
device_id
7
"""
'''
    file = "checks/growth_is_known.test.toml"
    assert run(tmp_path, {file: text}).passed
    never = {"checks/growth_is_known.sql": CHECK.replace("IS NULL", "< 0")}
    assert run(tmp_path, {file: text, **never}).failure == ("         device_id", "missing  7")
    unknown = run(tmp_path, {file: text.replace("\ndevice_id\n7", "\ndevice\n7")})
    assert [str(problem).rpartition("/")[2] for problem in unknown.problems] == [
        "growth_is_known.test.toml:9: unknown column device of growth_is_known; did you mean device_id?"
    ]


def test_the_example_of_the_page_passes(tmp_path: Path) -> None:
    page = Page(ROOT / "docs/add-a-model.md")
    folder = shutil.copytree(FOLDER, tmp_path / "dbt_like_sql", ignore=shutil.ignore_patterns("*.test.toml"))
    marts = folder / "models/marts"
    (marts / "my_model.sql").write_text(page.blocks("sql")[0], encoding="utf-8")
    declaration, test = page.blocks("toml")
    with (marts / "models.toml").open("a", encoding="utf-8") as declarations:
        declarations.write("\n" + declaration)
    (marts / "my_model.test.toml").write_text(test, encoding="utf-8")
    catalog = Catalog.load(folder)
    reader = UnitTestReader(catalog)
    (outcome,) = run_unit_tests(catalog, reader.read())
    assert reader.problems == []
    assert outcome.passed
