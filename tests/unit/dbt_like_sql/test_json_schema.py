"""The schemas that editors complete and check declarations with: they say of every key what the loader says of it."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from dbt_like_sql.catalog import FOLDER
from dbt_like_sql.data_checks import InvalidCheckError, compile_check
from dbt_like_sql.declarations import Reader
from dbt_like_sql.declared_keys import CHECKS, COLUMN, MODEL, SOURCE
from dbt_like_sql.json_schema import as_text, schemas

Value = Any
NO_SENSE = "1970-01-01"
"""A date, which no key takes."""
VALUES = [
    "true",
    "0",
    "1",
    "366",
    "400",
    "-1",
    "-1.5",
    "nan",
    "inf",
    "1e300",
    '""',
    '" "',
    '"x"',
    "[]",
    '["x"]',
    '["a"]',
    "[1]",
    "{}",
    '{ a = "x" }',
    NO_SENSE,
]
"""In TOML. ``a`` and ``b`` are columns of the datasets below."""

VALIDATORS = {name: Draft7Validator(schema) for name, schema in schemas().items()}

COLUMNS = {
    "a": '{ type = "INTEGER", description = "A column." }',
    "b": '{ type = "VARCHAR", description = "A text." }',
}
OF_BOTH = {
    "owner": '"team"',
    "domain": '"energy"',
    "description": '"Some."',
    "grain": '"one row per a"',
    "key": '["a"]',
}
MODEL_FILE, SOURCE_FILE = "models.schema.json", "sources.schema.json"
FILES: dict[str, dict[str, str]] = {
    MODEL_FILE: {**OF_BOTH, "lookback_days": "6", "lookback_key": '["a"]'},
    SOURCE_FILE: {
        **OF_BOTH,
        "kind": '"export"',
        "layer": '"lake"',
        "depends_on": "[]",
        "computed_from": '{ a = ["t.b"] }',
        "key_is_checked": "false",
        "freshness": "{ warn_after_hours = 1, error_after_hours = 24.5 }",
    },
}
KEYS = {MODEL_FILE: MODEL, SOURCE_FILE: SOURCE}
CHECK_EXAMPLES = {
    "not_null": {"not_null": '["a"]'},
    "unique": {"unique": '["a"]'},
    "accepted_range": {"accepted_range": '"a"', "min": "0", "max": "1"},
    "accepted_values": {"accepted_values": '"b"', "values": '["x"]'},
    "relationships": {"relationships": '"a"', "to": '"t"', "to_column": '"b"', "where": '{ a = "x" }'},
    "row_count": {"row_count": "1"},
    "assert": {"assert": '"its_name"'},
}


def a_file(keys: Mapping[str, str], columns: Mapping[str, str] = COLUMNS, checks: str = "[]") -> str:
    lines = [f"{key} = {value}" for key, value in {"checks": checks, **keys}.items()]
    columns_table = (
        [] if "columns" in keys else ["[it.columns]", *(f"{name} = {said}" for name, said in columns.items())]
    )
    return "\n".join(["[it]", *lines, *columns_table])


def refused_by_schema(kind: str, text: str) -> list[str]:
    return [error.message for error in VALIDATORS[kind].iter_errors(tomllib.loads(text))]


def refused_by_loader(kind: str, text: str) -> list[str]:
    reader = Reader(Path("it.toml"), layer=None if kind == SOURCE_FILE else "marts")
    problems = []
    for declared in reader.read(text):
        for spec in declared.checks:
            try:
                compile_check(declared, spec)
            except InvalidCheckError as error:
                problems.append(str(error))
    return [*problems, *(problem.message for problem in reader.problems)]


def a_check(values: Mapping[str, str]) -> str:
    return a_file(FILES[MODEL_FILE], checks=f"[{{ {', '.join(f'{key} = {value}' for key, value in values.items())} }}]")


def variants() -> Iterator[tuple[str, str, str]]:
    """Files with another value for one key: what was changed, the kind of file, its text."""
    for kind, keys in FILES.items():
        for key in KEYS[kind]:
            for value in VALUES:
                yield f"{key} = {value}", kind, a_file({**keys, key: value})
    for key in COLUMN:
        for value in VALUES:
            said = {"type": '"INTEGER"', "description": '"A column."', key: value}
            column = f"{{ type = {said['type']}, description = {said['description']} }}"
            yield f"column's {key} = {value}", MODEL_FILE, a_file(FILES[MODEL_FILE], columns={"a": column})
    for name, example in CHECK_EXAMPLES.items():
        for key in example:
            for value in VALUES:
                yield f"{name}'s {key} = {value}", MODEL_FILE, a_check({**example, key: value})
        for value in [*VALUES, '"warn"', '"error"']:
            yield f"{name}'s severity = {value}", MODEL_FILE, a_check({**example, "severity": value})


def without_one() -> Iterator[tuple[str, str, str]]:
    """Files that lack one key."""
    for kind, keys in FILES.items():
        for key in keys:
            yield key, kind, a_file({each: value for each, value in keys.items() if each != key})
    yield "columns", MODEL_FILE, a_file(FILES[MODEL_FILE], columns={})
    yield "columns", SOURCE_FILE, a_file(FILES[SOURCE_FILE], columns={})
    for name, example in CHECK_EXAMPLES.items():
        for key in example.keys() - {name}:
            yield f"{name}'s {key}", MODEL_FILE, a_check({each: said for each, said in example.items() if each != key})


def test_the_files_say_what_the_loader_knows() -> None:
    for name, schema in schemas().items():
        Draft7Validator.check_schema(schema)
        written = (FOLDER / name).read_text(encoding="utf-8")
        assert written == as_text(schema), "run: .venv/bin/python -m dbt_like_sql.json_schema"
    assert {path.name for path in FOLDER.rglob("*.json")} == schemas().keys()


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.toml")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_each_file_of_declarations_names_its_schema_and_is_right_by_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    directive, _, named = text.partition("\n")[0].partition(" ")
    assert directive == "#:schema"
    schema = json.loads((path.parent / named).read_text(encoding="utf-8"))
    assert not [error.message for error in Draft7Validator(schema).iter_errors(tomllib.loads(text))]


def test_the_examples_below_have_every_key() -> None:
    assert {kind: {*keys, "columns", "checks"} for kind, keys in FILES.items()} == {
        kind: set(keys) for kind, keys in KEYS.items()
    }
    assert {name: set(example) for name, example in CHECK_EXAMPLES.items()} == {
        name: {name, *check.options} for name, check in CHECKS.items()
    }


@pytest.mark.parametrize("kind", FILES)
def test_a_key_that_is_not_known_is_refused_by_both(kind: str) -> None:
    text = a_file({**FILES[kind], "no_such_key": '"x"'})
    assert refused_by_loader(kind, text)
    assert refused_by_schema(kind, text)


@pytest.mark.parametrize("kind", FILES)
def test_what_is_right_is_accepted_by_both(kind: str) -> None:
    for check in CHECK_EXAMPLES.values():
        text = a_check(check) if kind == MODEL_FILE else a_file(FILES[kind])
        assert not refused_by_loader(kind, text)
        assert not refused_by_schema(kind, text)


def test_the_schema_refuses_nothing_that_the_loader_accepts() -> None:
    differing = [
        f"{changed}: {refused}"
        for changed, kind, text in variants()
        if (refused := refused_by_schema(kind, text)) and not refused_by_loader(kind, text)
    ]
    assert not differing


def test_the_loader_reads_every_key_of_the_schema() -> None:
    unread = [
        changed
        for changed, kind, text in variants()
        if changed.endswith(NO_SENSE) and not (refused_by_loader(kind, text) and refused_by_schema(kind, text))
    ]
    assert not unread


def test_both_require_the_same_keys() -> None:
    for key, kind, text in without_one():
        if key != "lookback_days":  # the loader wants it beside lookback_key; the schema says so in words
            assert bool(refused_by_loader(kind, text)) == bool(refused_by_schema(kind, text)), key
