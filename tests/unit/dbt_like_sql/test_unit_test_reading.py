"""What can be wrong with a file of unit tests: each is found, with file and line, and the other tests are read."""

from pathlib import Path

import pytest

from dbt_like_sql.catalog import Catalog
from dbt_like_sql.unit_tests.reading import UnitTestReader
from dbt_like_sql.unit_tests.row_table import Row, RowTable, TableError, aligned, read_table
from dbt_like_sql.unit_tests.unit_test import UnitTest
from tests.unit.dbt_like_sql.small_catalog import STAGING, write_catalog

FILE = "models/staging/growth.test.toml"
GROWTH_TEST = '''\
day = 2026-02-08

[test.the_last_less_the_first]
given.readings = """
device_id | ts    | kwh
1         | 00:00 | 10
1         | 12:00 | 12.5
"""
expect = """
device_id | grown_kwh
1         | 2.5
"""
'''
LOOKING_BACK = STAGING.replace('key = ["device_id"]\n', 'key = ["device_id"]\nlookback_days = 6\n')


def read(folder: Path, changes: dict[str, str | None]) -> tuple[list[UnitTest], list[str]]:
    root = write_catalog(folder, changes)
    reader = UnitTestReader(Catalog.load(root))
    return reader.read(), [str(problem).removeprefix("small/") for problem in reader.problems]


def test_a_test_is_read(tmp_path: Path) -> None:
    (test,), problems = read(tmp_path, {FILE: GROWTH_TEST})
    assert problems == []
    assert (test.name, test.dataset, str(test.day), test.line) == ("the_last_less_the_first", "growth", "2026-02-08", 3)
    assert test.given["readings"] == RowTable(
        ("device_id", "ts", "kwh"), (Row(("1", "00:00", "10"), 6), Row(("1", "12:00", "12.5"), 7)), 5
    )
    assert test.expect == RowTable(("device_id", "grown_kwh"), (Row(("1", "2.5"), 11),), 10)


def test_a_check_is_tested_beside_its_sql(tmp_path: Path) -> None:
    expects = 'expect = """\ndevice_id\n7\n"""\n'
    given = 'given.growth = """\ndevice_id | grown_kwh\n7 |\n"""\n'
    text = f"day = 2026-02-08\n[test.no_growth_is_wrong]\n{given}{expects}"
    (test,), problems = read(tmp_path, {"checks/growth_is_known.test.toml": text})
    assert problems == []
    assert (test.subject.name, test.dataset) == ("growth_is_known", "growth")


def test_rows_at_the_top_are_given_to_every_test_that_gives_no_others(tmp_path: Path) -> None:
    text = '''\
day = 2026-02-08
given.readings = """
device_id | ts
1         | 00:00
"""

[test.with_those]
expect = ""

[test.with_others]
day = 2026-02-09
given.readings = """
device_id | ts
2         | 00:00
"""
expect_error = "impossible"
'''
    (first, second), problems = read(tmp_path, {FILE: text})
    assert problems == []
    assert [test.given["readings"].rows[0].cells[0] for test in (first, second)] == ["1", "2"]
    assert [str(test.day) for test in (first, second)] == ["2026-02-08", "2026-02-09"]
    assert first.expect == RowTable((), (), 8)
    assert (second.expect, second.expect_error) == (None, "impossible")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {FILE: GROWTH_TEST.replace("| kwh", "| kw")},
            f"{FILE}:5: unknown column kw of readings; did you mean kwh?",
            id="a column that is not given",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("grown_kwh", "grown")},
            f"{FILE}:10: unknown column grown of growth; did you mean grown_kwh?",
            id="a column that does not come out",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("given.readings", "given.reading")},
            f"{FILE}:4: growth does not read reading; it reads readings; did you mean readings?",
            id="a dataset that is not read",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("device_id | ts    |", "device_id | day   |").replace(":00", "")},
            f"{FILE}:5: rows of readings need their key; ts is missing",
            id="a column of the key is missing",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("12:00", "     ")},
            f"{FILE}:7: a row of readings needs its key and its day; ts is empty in it",
            id="a row without its key",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("| kwh", "| day").replace("| 10", "| 2026-02-07").replace("| 12.5", "|")},
            f"{FILE}:7: a row of readings needs its key and its day; day is empty in it",
            id="a row without its day",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("12:00", "00:00")},
            f"{FILE}:7: the row of line 6 has the same key of readings",
            id="a key twice",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("| 12.5", "| 12.5 | 1")},
            f"{FILE}:7: 4 cells under 3 columns",
            id="too many cells",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("| ts    |", "| kwh   |")},
            f"{FILE}:5: column kwh is there twice",
            id="a column twice",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("device_id | grown_kwh\n", "| device_id | grown_kwh |\n")},
            f"{FILE}:10: a column has no name; there is no | before the first and after the last",
            id="outer pipes",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("day = 2026-02-08", "")},
            f"{FILE}:3: a test needs its day: day = 2026-02-08, at the top for all tests or in one",
            id="no day",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("2026-02-08", '"2026-02-08"')},
            f"{FILE}:1: a test needs its day: day = 2026-02-08, at the top for all tests or in one",
            id="a day as text",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("expect =", "expects =")},
            f"{FILE}:9: expects is no key of a test; did you mean expect?",
            id="a key that is none",
        ),
        pytest.param(
            {FILE: GROWTH_TEST + 'expect_error = "x"\n'},
            f"{FILE}:3: the_last_less_the_first needs what it expects: either expect or expect_error",
            id="rows and an error",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("[test.", "[tests.")},
            f"{FILE}:3: tests is no key of a file of tests; did you mean test?",
            id="another table",
        ),
        pytest.param(
            {FILE: "day = 2026-02-08\n"},
            f"{FILE}:1: there is no test in it; begin with [test.what_is_so]",
            id="no test",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("[test.the_last", "[test.The_last")},
            f"{FILE}:3: The_last_less_the_first is no name: it is lower case letters, digits and _",
            id="a name that is none",
        ),
        pytest.param(
            {FILE: 'day = 2026-02-08\n[test.a]\nexpect = ""\ngiven.readings = [{ ts = 1 }]\n'},
            f'{FILE}:4: readings is a table of rows in """, its columns on the first line',
            id="rows that are none",
        ),
        pytest.param(
            {FILE: GROWTH_TEST.replace("day = ", "day ")},
            f"{FILE}:1: not valid TOML: Expected '=' after a key in a key/value pair (at line 1, column 5)",
            id="no TOML",
        ),
        pytest.param(
            {"models/staging/grown.test.toml": GROWTH_TEST},
            "models/staging/grown.test.toml:1: there is no small/models/staging/grown.sql that these could test; "
            "did you mean growth?",
            id="a model that is not there",
        ),
        pytest.param(
            {"models/staging/models.toml": LOOKING_BACK, FILE: GROWTH_TEST},
            f"{FILE}:5: growth looks back, so each row of readings needs its day",
            id="a model that looks back",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, changes: dict[str, str | None], expected: str) -> None:
    tests, problems = read(tmp_path, changes)
    assert expected in problems
    assert tests == []


def test_the_other_tests_of_a_file_are_read(tmp_path: Path) -> None:
    tests, problems = read(tmp_path, {FILE: f'{GROWTH_TEST}\n[test.a_wrong_one]\nexpects = ""\n'})
    assert [test.name for test in tests] == ["the_last_less_the_first"]
    assert len(problems) == 2


def test_empty_cells_are_null_and_two_quotes_are_the_empty_text() -> None:
    assert read_table("a | b\n\n | ''\n x y |  ", 1).rows == (Row((None, ""), 3), Row(("x y", None), 4))
    with pytest.raises(TableError, match="1 cells under 2 columns"):
        read_table("a | b\n1", 1)


def test_columns_are_aligned() -> None:
    assert aligned([["a", "bbb"], ["cc", ""]]) == ["a  | bbb", "cc |"]
