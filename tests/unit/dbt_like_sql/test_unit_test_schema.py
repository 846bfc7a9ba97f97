"""The schema that editors check unit tests with says of every key what their reader says of it."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from dbt_like_sql.catalog import Catalog
from dbt_like_sql.declared_keys import UNIT_TEST, UNIT_TEST_FILE
from dbt_like_sql.json_schema import schemas
from dbt_like_sql.unit_tests.reading import UnitTestReader
from tests.unit.dbt_like_sql.small_catalog import write_catalog

VALIDATOR = Draft7Validator(schemas()["unit_tests.schema.json"])
NO_SENSE = "-1.5"
VALUES = [
    "true",
    "0",
    '""',
    '"x"',
    "[]",
    '["x"]',
    "{}",
    '{ readings = "" }',
    "{ readings = 1 }",
    "1970-01-01",
    NO_SENSE,
]
ROWS = r'{ readings = "device_id | ts\n1 | 00:00" }'
FILE = {"day": "2026-02-08", "given": ROWS}
TEST = {"day": "2026-02-09", "given": ROWS, "expect": '""'}


def a_file(of_file: Mapping[str, str], of_test: Mapping[str, str]) -> str:
    tables = (of_file, ["[test.it_is_so]"], of_test)
    return "\n".join(
        line
        for each in tables
        for line in ([f"{k} = {v}" for k, v in each.items()] if isinstance(each, dict) else each)
    )


def variants() -> Iterator[tuple[str, str]]:
    """Files with another value for one key, and which."""
    for value in VALUES:
        for key in UNIT_TEST_FILE:
            text = a_file({**FILE, key: value}, TEST) if key != "test" else f"day = 2026-02-08\ntest = {value}"
            yield f"{key} = {value}", text
        for key in UNIT_TEST.keys() - {"expect_error"}:
            yield f"test's {key} = {value}", a_file(FILE, {**TEST, key: value})
        error = {key: said for key, said in TEST.items() if key != "expect"}
        yield f"test's expect_error = {value}", a_file(FILE, {**error, "expect_error": value})


class Reading:
    """The reader on a catalog that stays the same."""

    def __init__(self, folder: Path) -> None:
        self._root = write_catalog(folder)

    def refused(self, text: str) -> list[str]:
        (self._root / "models/staging/growth.test.toml").write_text(text, encoding="utf-8")
        reader = UnitTestReader(Catalog.load(self._root))
        reader.read()
        return [problem.message for problem in reader.problems]


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


def refused_by_schema(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_the_schema_refuses_nothing_that_the_reader_accepts(reading: Reading) -> None:
    assert not reading.refused(a_file(FILE, TEST))
    assert not refused_by_schema(a_file(FILE, TEST))
    differing = [
        f"{changed}: {refused}"
        for changed, text in variants()
        if (refused := refused_by_schema(text)) and not reading.refused(text)
    ]
    assert not differing


def test_the_reader_reads_every_key_of_the_schema(reading: Reading) -> None:
    assert not [changed for changed, text in variants() if changed.endswith(NO_SENSE) and not reading.refused(text)]


@pytest.mark.parametrize(
    "text",
    [
        a_file({**FILE, "no_such_key": '"x"'}, TEST),
        a_file(FILE, {**TEST, "no_such_key": '"x"'}),
        a_file(FILE, {**TEST, "expect_error": '"x"'}),
        a_file(FILE, {"day": "2026-02-09"}),
        "day = 2026-02-08",
    ],
    ids=["key of a file", "key of a test", "both expected", "nothing expected", "no test"],
)
def test_both_refuse_what_is_not_known_or_not_there(reading: Reading, text: str) -> None:
    assert reading.refused(text)
    assert refused_by_schema(text)
