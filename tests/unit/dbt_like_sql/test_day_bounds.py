"""Which days a SELECT reads: proved by its conditions, refused if more than declared, or left to a build."""

import re
from pathlib import Path

import pytest

from dbt_like_sql.catalog import Catalog, CatalogError
from dbt_like_sql.statements import Statement
from tests.unit.dbt_like_sql.small_catalog import GROWTH, STAGING, write_catalog

COLUMNS = {"day": "DATE", "x": "INTEGER", "k": "INTEGER"}
SCHEMA = {"d": COLUMNS, "f": COLUMNS, "g": COLUMNS}


def statement(text: str, lookback_days: int) -> Statement:
    """The SELECT, resolved; V is short for the day."""
    read = Statement(Path("model.sql"), re.sub(r"\bV\b", "getvariable('day')", text))
    read.resolve(SCHEMA, lookback_days)
    return read


@pytest.mark.parametrize(
    ("lookback_days", "text"),
    [
        (0, "SELECT x FROM d WHERE day = V"),
        (0, "FROM d SELECT x WHERE V = day AND x > 3"),
        (0, "SELECT x FROM d WHERE day = V::DATE"),
        (0, "SELECT x FROM d WHERE (day = V) AND (day > V - 30 OR x = 1)"),
        (6, "SELECT x FROM d WHERE day BETWEEN V - 6 AND V"),
        (7, "SELECT x FROM d WHERE day BETWEEN V - 6 AND V"),
        (6, "SELECT x FROM d WHERE day >= V - INTERVAL 6 DAY AND day < V"),
        (7, "SELECT x FROM d WHERE day >= V - INTERVAL 1 WEEK AND day < V"),
        (6, "SELECT x FROM d WHERE day > V - 7 AND V >= day"),
        (6, "SELECT x FROM d WHERE day + 6 >= V AND day <= V"),
        (6, "SELECT x FROM d WHERE V BETWEEN day AND day + 6"),
        (3, "SELECT x FROM d WHERE day = V OR day = V - 3"),
        (3, "SELECT x FROM d WHERE day IN (V, V - 3)"),
        (0, "SELECT d.x FROM d JOIN f ON d.k = f.k AND d.day = f.day WHERE f.day = V"),
        (2, "SELECT d.x FROM d JOIN f ON d.k = f.k AND d.day = f.day - 2 WHERE f.day = V"),
        (0, "SELECT d.x FROM d LEFT JOIN f ON d.k = f.k AND d.day = f.day WHERE d.day = V"),
        (0, "SELECT d.x FROM d ANTI JOIN f ON d.k = f.k AND f.day = d.day WHERE d.day = V"),
        (0, "WITH a AS (SELECT day, k FROM f WHERE day = V) SELECT d.x FROM d JOIN a USING (day, k)"),
        (
            0,
            "WITH a AS (SELECT day FROM f WHERE day = V UNION ALL SELECT day FROM g WHERE day = V)"
            " SELECT d.x FROM d JOIN a ON d.day = a.day",
        ),
    ],
)
def test_conditions_that_prove_it_are_understood(lookback_days: int, text: str) -> None:
    read = statement(text, lookback_days)
    assert (read.problems, read.is_day_proved) == ([], True)


ALL = "{} is read for all days; add WHERE day = getvariable('day')"


@pytest.mark.parametrize(
    ("lookback_days", "text", "expected"),
    [
        (0, "SELECT x FROM d", ALL.format("d")),
        (0, "SELECT x FROM d WHERE day BETWEEN V - 6 AND V", "d is read from day - 6 on; declare lookback_days = 6"),
        (5, "SELECT x FROM d WHERE day BETWEEN V - 6 AND V", "d is read from day - 6 on; lookback_days is 5"),
        (2, "SELECT x FROM d WHERE day IN (V, V - 3)", "d is read from day - 3 on; lookback_days is 2"),
        (0, "SELECT x FROM d WHERE day = V OR day = V - 3", "d is read from day - 3 on; declare lookback_days = 3"),
        (
            6,
            "SELECT x FROM d WHERE day <= V",
            "d is read for all earlier days too; say day BETWEEN getvariable('day') - 6 AND getvariable('day')",
        ),
        (0, "SELECT x FROM d WHERE day >= V", "d is read for later days too; say day = getvariable('day')"),
        (0, "SELECT x FROM d WHERE day = V + 1", "d is read for later days too; say day = getvariable('day')"),
        (0, "SELECT d.x FROM d JOIN f ON d.k = f.k WHERE d.day = V", ALL.format("f")),
        (0, "SELECT d.x FROM d LEFT JOIN f ON d.k = f.k AND d.day = V AND f.day = V", ALL.format("d")),
        (0, "SELECT d.x FROM d ANTI JOIN f ON d.k = f.k WHERE d.day = V", ALL.format("f")),
        (0, "SELECT x FROM d WHERE day = V UNION ALL SELECT x FROM f", ALL.format("f")),
        (0, "SELECT x FROM d WHERE day = V AND k IN (SELECT k FROM f)", ALL.format("f")),
        (
            0,
            "SELECT (SELECT max(x) FROM f WHERE f.day = V - 1) AS x FROM d WHERE d.day = V",
            "f is read from day - 1 on; declare lookback_days = 1",
        ),
        (
            0,
            "SELECT d.x FROM d SEMI JOIN f ON d.k = f.k AND f.day = V - 30 WHERE d.day = V",
            "f is read from day - 30 on; declare lookback_days = 30",
        ),
    ],
)
def test_more_than_is_declared_is_refused(lookback_days: int, text: str, expected: str) -> None:
    assert [problem.message for problem in statement(text, lookback_days).problems] == [expected]


WITHOUT = "write {} in FROM or JOIN without parentheses around it"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT x FROM (d)", [WITHOUT.format("d")]),
        ("SELECT d.x FROM (d JOIN f ON d.k = f.k) WHERE d.day = V", [WITHOUT.format("d"), WITHOUT.format("f")]),
        ("SELECT d.x FROM d JOIN (f) ON d.k = f.k WHERE d.day = V", [WITHOUT.format("f")]),
        (
            "SELECT x FROM d AS d (k, x, day) WHERE day = V",
            ["columns of d get other names in FROM; rename them in SELECT"],
        ),
        (
            "WITH a AS (SELECT x, day FROM d WHERE day = V) SELECT f.x FROM a AS b (day, x) JOIN f ON f.day = b.day",
            ["columns of a get other names in FROM; rename them in SELECT"],
        ),
        ("SELECT x FROM d TABLESAMPLE reservoir(10 ROWS) WHERE day = V", ["a sample is another one each time"]),
        ("SELECT x FROM d WHERE day = V USING SAMPLE 10%", ["a sample is another one each time"]),
        (
            "SELECT d.x FROM d POSITIONAL JOIN f WHERE d.day = V AND f.day = V",
            ["a positional join needs an order, which the rows of a dataset do not have"],
        ),
    ],
)
def test_what_hides_the_rows_that_are_read_is_refused(text: str, expected: list[str]) -> None:
    assert [problem.message for problem in statement(text, 0).problems] == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT x FROM d WHERE date_trunc('week', day) = date_trunc('week', V)",
        "SELECT x FROM d WHERE day > DATE '2020-01-01'",
        "SELECT x FROM d WHERE day = V OR x = 3",
        "SELECT x FROM d WHERE NOT day = V",
        "SELECT x FROM d WHERE day NOT BETWEEN V - 1 AND V",
        "SELECT x FROM d WHERE V - day <= 6",
        "SELECT d.x FROM d WHERE d.day = V AND EXISTS (SELECT 1 FROM f WHERE f.day = d.day AND f.k = d.k)",
    ],
)
def test_what_no_condition_proves_is_left_to_a_build(text: str) -> None:
    read = statement(text, 6)
    assert (read.problems, read.is_day_proved) == ([], False)


def test_a_full_join_keeps_the_rows_of_both_sides_so_its_condition_limits_neither() -> None:
    found = statement("SELECT d.x FROM d FULL JOIN f ON d.k = f.k AND d.day = V AND f.day = V", 0)
    assert [problem.message for problem in found.problems] == [ALL.format("d"), ALL.format("f")]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("lookback_days = 0", "lookback_days is a number of days, 1 to 366"),
        ("lookback_days = 367", "lookback_days is a number of days, 1 to 366"),
        ('lookback_days = "6"', "lookback_days is a number of days, 1 to 366"),
        ("lookback_days = true", "lookback_days is a number of days, 1 to 366"),
        ('lookback_key = ["device_id"]', "lookback_key needs lookback_days beside it"),
        (
            'lookback_days = 6\nlookback_key = ["grown_kwh"]',
            "lookback_key names grown_kwh, which is not in the key",
        ),
        ('lookback_days = 6\nlookback_key = ["day"]', "lookback_key names day, which is not in the key"),
        ("lookback_days = 6\nlookback_key = []", "growth needs lookback_key, a list of names"),
    ],
)
def test_a_lookback_that_makes_no_sense_is_refused_where_it_is_declared(
    tmp_path: Path, declared: str, expected: str
) -> None:
    changed = STAGING.replace("[growth]", f"[growth]\n{declared}")
    with pytest.raises(CatalogError) as raised:
        Catalog.load(write_catalog(tmp_path, {"models/staging/models.toml": changed}))
    (problem,) = raised.value.problems
    line = 1 + changed.splitlines().index(declared.splitlines()[-1])
    assert (problem.message, problem.line) == (expected, line)


def test_a_model_knows_its_lookback_and_is_another_model_by_it(tmp_path: Path) -> None:
    plain = Catalog.load(write_catalog(tmp_path)).models["growth"]
    declared = STAGING.replace("[growth]", '[growth]\nlookback_days = 6\nlookback_key = ["device_id"]')
    week = GROWTH.replace("= getvariable('day')", "BETWEEN getvariable('day') - 6 AND getvariable('day')")
    changes: dict[str, str | None] = {"models/staging/models.toml": declared, "models/staging/growth.sql": week}
    model = Catalog.load(write_catalog(tmp_path, changes)).models["growth"]
    assert (model.lookback_days, model.lookback_key, model.is_day_proved) == (6, ("device_id",), True)
    assert (plain.lookback_days, plain.lookback_key) == (0, ())
    same_text = Catalog.load(write_catalog(tmp_path, {"models/staging/models.toml": declared})).models["growth"]
    assert same_text.sql == plain.sql
    assert same_text.digest != plain.digest
