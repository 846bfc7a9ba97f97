"""The JSON schemas of the declarations, for editors: completion, hover texts and errors while one types.

Each TOML file names its schema in its first line (``#:schema``). The files are made from ``declared_keys.py`` by
``python -m dbt_like_sql.json_schema``, and a test holds them to it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbt_like_sql.declared_keys import (
    CHECK_OPTIONS,
    CHECKS,
    COLUMN,
    EXPOSURE,
    METRIC,
    MODEL,
    NAME,
    SOURCE,
    UNIT_TEST,
    UNIT_TEST_FILE,
    CheckKeys,
    Key,
)

FOLDER = Path(__file__).parent
DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest that all TOML editors know."""

Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """The schema of each kind of file, by the name under which it lies in this folder."""
    return {
        "exposures.schema.json": _of_tables("Who reads the datasets, outside of the lake: a table each.", EXPOSURE),
        "metrics.schema.json": _of_tables("Numbers with one formula each: a table a metric.", METRIC),
        "models.schema.json": _of_file("The models of a layer: a table each, named as its SQL file is.", MODEL),
        "sources.schema.json": _of_file("What the models read and do not make: a table a dataset.", SOURCE),
        "unit_tests.schema.json": _of_unit_tests("The unit tests of the SELECT beside it."),
    }


def as_text(schema: Schema) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=2) + "\n"


def write(folder: Path = FOLDER) -> None:
    """Write all of them."""
    for name, schema in schemas().items():
        (folder / name).write_text(as_text(schema), encoding="utf-8")


def _of_file(description: str, keys: Mapping[str, Key]) -> Schema:
    return {
        "$schema": DRAFT,
        "description": description,
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {"$ref": "#/definitions/dataset"},
        "definitions": {
            "dataset": _table(keys),
            "column": _table(COLUMN),
            "check": {"oneOf": [_check(name, check) for name, check in CHECKS.items()]},
        },
    }


def _of_tables(description: str, keys: Mapping[str, Key]) -> Schema:
    return {
        "$schema": DRAFT,
        "description": description,
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": _table(keys),
    }


def _of_unit_tests(description: str) -> Schema:
    file = _table(UNIT_TEST_FILE)
    either = [{"required": [name]} for name in ("expect", "expect_error")]
    file["properties"]["test"] |= {
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {**_table(UNIT_TEST), "oneOf": either},
    }
    return {"$schema": DRAFT, "description": description, **file}


def _table(keys: Mapping[str, Key]) -> Schema:
    return {
        "type": "object",
        "required": [name for name, key in keys.items() if key.is_required],
        "properties": {name: {"description": key.description, **key.form} for name, key in keys.items()},
        "additionalProperties": False,
    }


def _check(name: str, check: CheckKeys) -> Schema:
    table = _table({name: Key(check.description, check.form, is_required=True), **check.options, **CHECK_OPTIONS})
    if check.needs_an_option:
        table["anyOf"] = [{"required": [option]} for option in check.options]
    return {"description": check.description, **table}


if __name__ == "__main__":
    write()
