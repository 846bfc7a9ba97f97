"""Every key that a declaration may have, with what it says and what its value is. Nothing else defines one.

The loader accepts these keys and no other; the JSON schemas by which editors complete and check the TOML files are made
from them (``json_schema.py``). A value's form is written as JSON Schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbt_like_sql.model import Kind

LAYERS = ("lake", "staging", "rollups", "marts")
"""The order of the story; folders of models carry these names."""
TABLES = ("device_hourly", "meter_readings", "meters", "vehicle_meter_map", "vehicle_readings", "vehicles")
"""The tables of PostgreSQL that an exposure may read."""
MOST_HOURS = 87_600
"""Of a freshness: ten years."""
MOST_LOOKBACK_DAYS = 366
"""A model that looks back further reads a year of files for each day, and is better made from a rollup."""
SOURCE_KINDS: Mapping[str, Kind] = {"export": "export", "polars": "polars", "release": "release"}
NAME = "[a-z][a-z0-9_]*"
"""The pattern of the name of a dataset or column, as a whole."""
COLUMN_OF = rf"{NAME}\.{NAME}"
"""The pattern of a column of a dataset, as a whole."""

_Form = Mapping[str, Any]
_TEXT: _Form = {"type": "string", "pattern": r"\S"}
_NAME_FORM: _Form = {"type": "string", "pattern": f"^{NAME}$"}
_NAMES: _Form = {"type": "array", "items": {"type": "string"}}
_SOME_NAMES: _Form = {**_NAMES, "minItems": 1}
_FLAG: _Form = {"type": "boolean"}


@dataclass(frozen=True)
class Key:
    """A key: what it says, in a sentence, and the form of its value."""

    description: str
    form: _Form
    is_required: bool = False


@dataclass(frozen=True)
class CheckKeys:
    """A form of check, named by its first key: what it holds, that key's value, and its options."""

    description: str
    form: _Form
    options: Mapping[str, Key] = field(default_factory=dict)
    needs_an_option: bool = False


COLUMN: Mapping[str, Key] = {
    "type": Key("Its type in DuckDB, e.g. DOUBLE, BIGINT, VARCHAR, TIMESTAMPTZ.", _TEXT, is_required=True),
    "description": Key("What it means, with its unit, and what null means.", _TEXT, is_required=True),
}

CHECKS: Mapping[str, CheckKeys] = {
    "not_null": CheckKeys("None of these columns is null. Those of the key are held without being named.", _SOME_NAMES),
    "unique": CheckKeys(
        "No two rows of a day agree in all of these columns. The key is unique without being named.", _SOME_NAMES
    ),
    "accepted_range": CheckKeys(
        "The column's value lies between min and max, both included; null passes.",
        _TEXT,
        {
            "min": Key("The least value that passes.", {"type": "number"}),
            "max": Key("The greatest value that passes.", {"type": "number"}),
        },
        needs_an_option=True,
    ),
    "accepted_values": CheckKeys(
        "The column's value is one of these texts; null passes.",
        _TEXT,
        {"values": Key("The texts that pass.", _SOME_NAMES, is_required=True)},
    ),
    "relationships": CheckKeys(
        "Each value of the column is there in another dataset's column; null passes.",
        _TEXT,
        {
            "to": Key("The other dataset: one that this one is made from.", _TEXT, is_required=True),
            "to_column": Key("Its column.", _TEXT, is_required=True),
            "where": Key(
                "Only rows in which these columns have these texts.",
                {"type": "object", "additionalProperties": {"type": "string"}},
            ),
        },
    ),
    "row_count": CheckKeys("The day has exactly so many rows.", {"type": "integer", "minimum": 0}),
    "assert": CheckKeys("The SELECT in checks/NAME.sql finds no row.", _TEXT),
}

SEVERITIES = ("warn", "error")
CHECK_OPTIONS: Mapping[str, Key] = {
    "severity": Key(
        "error, if it is left out: a failure stops what depends on the dataset. warn: it is shown, and stops nothing.",
        {"enum": list(SEVERITIES)},
    ),
}
"""Of every form of check."""

_DATASET: Mapping[str, Key] = {
    "owner": Key("The team that answers for it.", _TEXT, is_required=True),
    "domain": Key("What it is about, in one word, e.g. efficiency: a tag in Dagster.", _NAME_FORM),
    "description": Key("What it holds, in a sentence or two.", _TEXT, is_required=True),
    "grain": Key("What a row is: one row per ...", _TEXT, is_required=True),
    "key": Key(
        'The columns by which a day\'s rows are told apart, never null and unique; ["day"] for one row a day.',
        _SOME_NAMES,
        is_required=True,
    ),
    "checks": Key(
        "What must be true of each day. A check that fails keeps what depends on the dataset from being made.",
        {"type": "array", "items": {"$ref": "#/definitions/check"}},
    ),
    "columns": Key(
        "Its columns, in any order. `day` has every dataset, and it is not listed.",
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": f"^{NAME}$", "not": {"const": "day"}},
            "additionalProperties": {"$ref": "#/definitions/column"},
        },
        is_required=True,
    ),
}

MODEL: Mapping[str, Key] = {
    **_DATASET,
    "lookback_days": Key(
        "How many days before its own the SELECT reads; left out, it reads its own day alone.",
        {"type": "integer", "minimum": 1, "maximum": MOST_LOOKBACK_DAYS},
    ),
    "lookback_key": Key(
        "Columns of the key whose rows are made from the same key's rows alone. When an earlier day changes, only the "
        "keys that changed are computed again. Needs lookback_days.",
        _SOME_NAMES,
    ),
}
"""Of a table in a folder's ``models.toml``."""

SOURCE: Mapping[str, Key] = {
    **_DATASET,
    "kind": Key(
        "Who makes it: the export from PostgreSQL, the Polars step, or the release of a day, which reads all others.",
        {"enum": list(SOURCE_KINDS)},
        is_required=True,
    ),
    "layer": Key("Where it is shown.", {"enum": list(LAYERS)}, is_required=True),
    "depends_on": Key("The datasets that it is made from, or checked against.", _NAMES),
    "computed_from": Key(
        "What each column is computed from, as DATASET.COLUMN: no SELECT says it. Left out for a column that is not.",
        {
            "type": "object",
            "propertyNames": {"pattern": f"^{NAME}$"},
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "pattern": f"^{COLUMN_OF}$"},
            },
        },
    ),
    "freshness": Key(
        "How old its newest data may be: of readings the newest reading, of another source its newest day in the lake. "
        "Checked by `fleetwatt models freshness`.",
        {
            "type": "object",
            "properties": {
                "warn_after_hours": {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_HOURS},
                "error_after_hours": {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_HOURS},
            },
            "required": ["warn_after_hours", "error_after_hours"],
            "additionalProperties": False,
        },
    ),
    "key_is_checked": Key(
        "false where whoever makes it ensures that its key is unique, and counting again costs too much.", _FLAG
    ),
}
"""Of a table in ``sources.toml``."""

EXPOSURE_KINDS = ("api", "report", "files")
EXPOSURE: Mapping[str, Key] = {
    "kind": Key(
        "What it is: an answer of the API, a report, or files that others open.",
        {"enum": list(EXPOSURE_KINDS)},
        is_required=True,
    ),
    "owner": Key("The team that answers for it.", _TEXT, is_required=True),
    "description": Key("Who reads what, and what for, in a sentence or two.", _TEXT, is_required=True),
    "where": Key("Where it is found: an address, a command or a folder.", _TEXT, is_required=True),
    "reads": Key("The datasets that it reads; layer:marts means all of a layer.", _SOME_NAMES),
    "reads_tables": Key(
        "The tables of PostgreSQL that it reads; no model makes them.",
        {"type": "array", "minItems": 1, "items": {"enum": list(TABLES)}},
    ),
}
"""Of a table in ``exposures.toml``."""

_ROWS: _Form = {"type": "string"}
_GIVEN: _Form = {"type": "object", "propertyNames": {"pattern": f"^{NAME}$"}, "additionalProperties": _ROWS}
_DAY: _Form = {"format": "date"}  # TOML has a type for it, and editors give it to JSON Schema as a text

UNIT_TEST: Mapping[str, Key] = {
    "day": Key("The UTC day that is built, where it is not that of the file.", _DAY),
    "given": Key(
        "given.DATASET: the rows that the SELECT reads, as a table: columns on the first line, | between cells, an "
        "empty cell is null. Columns that are not there are null too.",
        _GIVEN,
    ),
    "expect": Key(
        "The rows that come out, as a table, in any order; columns that are not there are not compared. Empty: no row.",
        _ROWS,
    ),
    "expect_error": Key("In place of expect: a part of the error's message.", _TEXT),
}

UNIT_TEST_FILE: Mapping[str, Key] = {
    "day": Key("The UTC day that all tests of the file build, but those with one of their own.", _DAY),
    "given": Key("given.DATASET: rows for all tests of the file that give no others of that dataset.", _GIVEN),
    "test": Key("[test.NAME]: a test; its name reads as a sentence.", {"type": "object"}, is_required=True),
}

METRIC: Mapping[str, Key] = {
    "description": Key("What the number says, in a sentence.", _TEXT, is_required=True),
    "formula": Key("SQL over columns of one row; a check holds each row to it.", _TEXT, is_required=True),
    "unit": Key("Its unit, e.g. kWh; ratio for a share.", _TEXT, is_required=True),
    "grain": Key("Of what it is computed, and how it is put together over more of that.", _TEXT, is_required=True),
    "dimensions": Key("By what it can be told apart, e.g. day, vehicle.", _SOME_NAMES, is_required=True),
    "holds_in": Key("The datasets each of whose rows has the formula.", _SOME_NAMES, is_required=True),
    "made_of_parts_in": Key(
        "The datasets that make it of parts, by another formula. Who sums it or takes it over needs no listing.",
        _SOME_NAMES,
    ),
}
"""Of a table in ``metrics.toml``. A column of a metric's name is that metric."""
