"""A metric has one formula (``dbt_like_sql/metrics.toml``), and no model, statement or module has a second one.

The formulas are those of its rows. Elsewhere the same is written over sums, with other names for AC and DC: that is
taken back to the formula's words here, and must then be the formula. Data checks compute on their own, on purpose.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from dbt_like_sql.catalog import Catalog
from tests.markdown import ROOT

METRICS = Catalog.load().metrics
SQL = sorted(
    path
    for folder in ("dbt_like_sql/models", "ingest_api", "warehouse/postgres/hours")
    for path in (ROOT / folder).rglob("*.sql")
    if "migrations" not in path.parts
)
PYTHON = sorted(
    path
    for folder in ("ingest_api", "orchestration", "warehouse")
    for path in (ROOT / folder).rglob("*.py")
    if "simulation" not in path.parts
)
ONE_PLACE = ROOT / "warehouse/contract/efficiency.py"

RATIO = METRICS["efficiency_ratio"].formula
LOSSES = {METRICS[name].formula for name in ("lost_kwh", "lost_against_target_kwh", "lost_against_threshold_kwh")}
_NUMBER = r"\b\d+\.\d+\b"
_PLACE = "ratio"


def side_of(name: str, table: str = "") -> str | None:
    """AC or DC, where an energy of one of them is meant."""
    found = re.search(r"(?:^|_)(ac|dc)(?:_|$)", f"{table}_{name}")
    return found[1] if found and name.endswith("kwh") else None


def in_words_of_the_formulas(node: exp.Expr) -> str:
    """An expression over sums, filtered or not, by the formulas' names; what limits divide by is ``ratio``."""
    if isinstance(node, exp.Column):
        side = side_of(node.name, node.table)
        return f"{side}_kwh" if side else _PLACE
    if isinstance(node, exp.Literal):
        return _PLACE
    if isinstance(node, exp.Sum | exp.Filter | exp.Paren | exp.Cast):
        return in_words_of_the_formulas(node.this)
    if isinstance(node, exp.Div | exp.Sub):
        sign = "/" if isinstance(node, exp.Div) else "-"
        return f"{in_words_of_the_formulas(node.left)} {sign} {in_words_of_the_formulas(node.right)}"
    return node.sql()


def formulas_in(path: Path) -> Iterator[str]:
    """Each quotient of DC and AC, and each AC less DC, of a statement."""
    text = re.sub(r"%\(\w+\)s", "1", path.read_text(encoding="utf-8"))
    text = re.sub(r"\{\w+\}", "placeholder", text)
    dialect = "duckdb" if "dbt_like_sql" in path.parts else "postgres"
    for query in sqlglot.parse(text, dialect=dialect, error_level=sqlglot.ErrorLevel.IGNORE):
        for node in query.find_all(exp.Div, exp.Sub) if query else ():
            words = in_words_of_the_formulas(node)
            sides = re.findall(r"\b(ac|dc)_kwh\b", words)
            if {"ac", "dc"} == set(sides) and (isinstance(node, exp.Div) or sides[0] == "ac"):
                yield words


def in_python(text: str) -> Iterator[int]:
    """The lines of a module where DC is divided by AC, or taken from it: as names, attributes, keys or columns."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Sub):
            words = [re.findall(r"\w+", ast.unparse(each)) for each in (node.left, node.right)]
            left, right = ({side for word in of_operand if (side := side_of(word))} for of_operand in words)
            if len(left) == len(right) == 1 and left != right:
                yield node.lineno


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.stem)
def test_sql_has_no_second_formula(path: Path) -> None:
    in_formula = {re.sub(_NUMBER, _PLACE, formula) for formula in LOSSES}
    known = {RATIO, *(re.sub(r"^greatest\(0, (.*)\)$", r"\1", formula) for formula in in_formula)}
    assert set(formulas_in(path)) <= known


def test_the_formulas_are_found() -> None:
    by_file = {path.stem: set(formulas_in(path)) for path in SQL}
    assert RATIO in by_file["hourly_vehicle_efficiency"] & by_file["weekly_vehicle_losses"] & by_file["sum_fleet_hours"]
    assert "ac_kwh - dc_kwh / ratio" in by_file["daily_vehicle_efficiency"] & by_file["daily_meter_efficiency"]
    assert "ac_kwh - dc_kwh" in by_file["daily_fleet_efficiency"] & by_file["sum_fleet_hours"]


def test_python_has_it_in_one_place() -> None:
    assert {path for path in PYTHON for _ in in_python(path.read_text(encoding="utf-8"))} == {ONE_PLACE}


@pytest.mark.parametrize(
    "text",
    [
        "dc_kwh / ac_kwh",
        "pl.col('dc_kwh') / pl.col('ac_kwh')",
        "pl.col('dc_kwh').sum() / pl.col('ac_kwh').sum()",
        "row['total_dc_kwh'] / row['total_ac_kwh']",
        "sums.ac_kwh - sums.dc_kwh",
        "ac_kwh - dc_kwh / 0.9",
    ],
)
def test_it_is_found_in_python_however_it_is_written(text: str) -> None:
    assert list(in_python(f"\nratio = {text}")) == [2]


def test_the_api_says_the_formula() -> None:
    in_json = re.sub(r"_(\w)", lambda found: found[1].upper(), RATIO)
    for route in ("performance_route", "fleet_route"):
        assert f'"{in_json}' in (ROOT / f"ingest_api/analytics/{route}.py").read_text(encoding="utf-8")
