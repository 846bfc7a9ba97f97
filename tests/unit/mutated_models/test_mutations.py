"""Which faults are put into a SELECT, and that those that a test notices are told apart from those that none does."""

from pathlib import Path

import pytest

from dbt_like_sql.catalog import Catalog
from dbt_like_sql.unit_tests.reading import UnitTestReader
from tests.mutated_models.mutations import mutants_of
from tests.mutated_models.run import FailsWithoutFaultError, try_mutants
from tests.unit.dbt_like_sql.small_catalog import GROWTH, write_catalog
from tests.unit.dbt_like_sql.test_unit_test_reading import FILE, GROWTH_TEST


@pytest.mark.parametrize(
    ("sql", "mutants"),
    [
        ("SELECT 0.85 AS a", ["SELECT 0.86 AS a"]),
        ("SELECT 9 AS a", ["SELECT 10 AS a"]),
        ("SELECT 1e-6 AS a", ["SELECT 2e-6 AS a"]),
        ("SELECT 'x' AS a", ["SELECT 'x_' AS a"]),
        ("SELECT INTERVAL 6 HOUR AS a", ["SELECT INTERVAL '7' HOUR AS a"]),
        ("SELECT a < b AS c FROM t", ["SELECT a <= b AS c FROM t", "SELECT a > b AS c FROM t"]),
        ("SELECT a AND b AS c FROM t", ["SELECT a OR b AS c FROM t", "SELECT a AS c FROM t", "SELECT b AS c FROM t"]),
        ("SELECT a - b AS c FROM t", ["SELECT a + b AS c FROM t"]),
        ("SELECT coalesce(a, b) AS c FROM t", ["SELECT a AS c FROM t"]),
        ("SELECT nullif(a, b) AS c FROM t", ["SELECT a AS c FROM t"]),
        ("SELECT a IS NOT NULL AS c FROM t", ["SELECT a IS NULL AS c FROM t"]),
        ("SELECT sum(a) FILTER (WHERE b) AS c FROM t", ["SELECT SUM(a) AS c FROM t"]),
        ("SELECT list(a ORDER BY b) AS c FROM t", ["SELECT ARRAY_AGG(a) AS c FROM t"]),
        ("SELECT DISTINCT a FROM t", ["SELECT a FROM t"]),
        ("SELECT a FROM t INNER JOIN u ON a", ["SELECT a FROM t LEFT JOIN u ON a"]),
        ("SELECT a FROM t LEFT JOIN u ON a", ["SELECT a FROM t INNER JOIN u ON a"]),
        ("SELECT a FROM t WHERE b", ["SELECT a FROM t"]),
        ("SELECT count(a) AS b FROM t", ["SELECT COUNT(*) AS b FROM t"]),
        ("SELECT a, b FROM t", ["SELECT b AS a, a AS b FROM t"]),
        ("SELECT CASE WHEN a THEN b END AS c FROM t", ["SELECT b AS c FROM t", "SELECT NULL AS c FROM t"]),
        ("SELECT a FROM t UNION ALL SELECT a FROM u", ["SELECT a FROM t", "SELECT a FROM u"]),
        ("SELECT a FROM t WHERE a BETWEEN b AND c", ["SELECT a FROM t WHERE a >= b", "SELECT a FROM t WHERE a <= c"]),
    ],
)
def test_each_kind_of_fault_is_put_in(sql: str, mutants: list[str]) -> None:
    found = [mutant.sql for mutant in mutants_of(sql)]
    assert set(mutants) <= set(found)
    assert len(set(found)) == len(found)


def test_each_branch_of_a_case_is_left_out() -> None:
    found = {mutant.sql for mutant in mutants_of("SELECT CASE WHEN a THEN b WHEN c THEN d ELSE e END AS f FROM t")}
    assert "SELECT CASE WHEN c THEN d ELSE e END AS f FROM t" in found
    assert "SELECT CASE WHEN a THEN b ELSE e END AS f FROM t" in found
    assert "SELECT CASE WHEN a THEN b WHEN c THEN d END AS f FROM t" in found


def test_mutants_are_caught_or_survive(tmp_path: Path) -> None:
    root = write_catalog(tmp_path, {FILE: GROWTH_TEST})
    catalog = Catalog.load(root)
    tests = UnitTestReader(catalog).read()
    result = try_mutants(catalog, tests, {})
    # No row of another day is given, so what reads all days gives the same.
    assert [(mutant.line, mutant.change) for mutant in result.survivors] == [
        (
            7,
            "FROM readings WHERE day = GETVARIABLE('day')) SELECT device_id, MAX(kwh)"
            "  ->  FROM readings) SELECT device_id, MAX(kwh)",
        )
    ]
    assert result.caught >= 5
    declared = try_mutants(catalog, tests, {result.survivors[0].change: "a reason"})
    assert (declared.survivors, declared.equivalent) == ([], [result.survivors[0].change])
    assert declared.caught == result.caught


def test_a_test_that_fails_without_a_fault_is_no_measure(tmp_path: Path) -> None:
    root = write_catalog(tmp_path, {FILE: GROWTH_TEST, "models/staging/growth.sql": GROWTH.replace("max", "min")})
    catalog = Catalog.load(root)
    with pytest.raises(FailsWithoutFaultError, match=r"growth\.test\.toml:3: the_last_less_the_first"):
        try_mutants(catalog, UnitTestReader(catalog).read(), {})
