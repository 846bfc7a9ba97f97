"""Metrics: one formula each, which every dataset that has it is checked against."""

import tomllib
from pathlib import Path

import duckdb
import pytest
from jsonschema import Draft7Validator

from dbt_like_sql.catalog import Catalog, CatalogError
from dbt_like_sql.declared_keys import METRIC
from dbt_like_sql.declared_tables import TableFile
from dbt_like_sql.json_schema import schemas
from tests.unit.dbt_like_sql.small_catalog import MARTS, write_catalog
from warehouse.contract.efficiency import TARGET_RATIO, THRESHOLD_RATIO, coverage_ratio, efficiency_ratio

KEYS = {
    "description": '"How far."',
    "formula": '"device_id * 2"',
    "unit": '"kWh"',
    "grain": '"a device"',
    "dimensions": '["device"]',
    "holds_in": '["growth"]',
    "made_of_parts_in": '["total"]',
}
VALUES = ["true", "0", '""', '" "', '"x"', "[]", '["x"]', "[1]", "{}", "1970-01-01"]
VALIDATOR = Draft7Validator(schemas()["metrics.schema.json"])
ENERGIES = [(10.0, 8.4), (0.5, 0.7), (12.25, 0.0), (3.0, 2.7), (1e-9, 1e4)]


def a_metric(**changes: str | None) -> str:
    said = {**KEYS, **changes}
    return "\n".join(["[grown_kwh]", *(f"{key} = {value}" for key, value in said.items() if value is not None)])


def loaded(folder: Path, text: str) -> Catalog:
    return Catalog.load(write_catalog(folder, {"metrics.toml": text}))


def test_each_row_of_a_dataset_is_checked_against_the_formula(tmp_path: Path) -> None:
    catalog = loaded(tmp_path, a_metric())
    (check,) = [check for check in catalog.models["growth"].checks if check.name == "metric_grown_kwh"]
    assert check.description == "grown_kwh of growth is device_id * 2"
    assert not [check for check in catalog.models["total"].checks if check.name.startswith("metric")]
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE day = DATE '2026-02-08'")
        connection.execute(
            "CREATE VIEW growth AS SELECT *, DATE '2026-02-08' AS day FROM"
            " (VALUES (1, 2.0), (2, 4.0 + 1e-12), (3, 6.1), (4, NULL), (NULL, 1.0)) AS rows (device_id, grown_kwh)"
        )
        wrong = connection.execute(f"SELECT device_id, grown_kwh FROM ({check.sql})").fetchall()
    assert wrong == [(3, 6.1), (None, 1.0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (a_metric(formula='"device_id *"'), "metrics.toml:3: the formula of grown_kwh is no expression of SQL"),
        (a_metric(formula='"device_id -- x"'), "metrics.toml:3: the formula of grown_kwh is no expression of SQL"),
        (a_metric(formula='"device_id; SELECT 1"'), "metrics.toml:3: the formula of grown_kwh is no expression of SQL"),
        (
            a_metric(formula='"device_id) * (2"'),
            "metrics.toml:3: the formula of grown_kwh is to be one expression over",
        ),
        (a_metric(formula='"sum(device_id)"'), "metrics.toml:3: the formula of grown_kwh is to be one expression over"),
        (a_metric(formula='"max(device_id) OVER ()"'), "metrics.toml:3: the formula of grown_kwh is to be one express"),
        (a_metric(formula='"device_id AS x"'), "metrics.toml:3: the formula of grown_kwh is to be one expression over"),
        (a_metric(formula='"(SELECT max(device_id) FROM growth)"'), "grown_kwh is to be one expression over a row"),
        (a_metric(formula='"grown_kwh"'), "metrics.toml:3: the formula of grown_kwh is to be made of other columns"),
        (a_metric(formula='"0.9"'), "metrics.toml:3: the formula of grown_kwh is to be made of other columns"),
        (
            a_metric(made_of_parts_in='["growth"]'),
            "metrics.toml:8: growth either has the formula of grown_kwh or makes",
        ),
        (
            a_metric(formula='"device_idd * 2"'),
            "metrics.toml:7: growth has no column device_idd, which grown_kwh needs",
        ),
        (
            a_metric(made_of_parts_in='["grwth"]'),
            "metrics.toml:8: grown_kwh names grwth, which does not exist; did you",
        ),
        (a_metric(made_of_parts_in='["readings"]'), "metrics.toml:8: readings has no column grown_kwh"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CatalogError) as refused:
        loaded(tmp_path, text)
    (problem,) = refused.value.problems
    assert said in str(problem)


def test_a_column_that_is_a_metric_and_is_not_said_to_be_is_refused(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "metrics.toml": a_metric(),
        "models/marts/models.toml": MARTS + MARTS.replace("total", "other"),
        "models/marts/other.sql": "SELECT sum(kwh) AS grown_kwh FROM readings WHERE day = getvariable('day')\n",
    }
    with pytest.raises(CatalogError) as refused:
        Catalog.load(write_catalog(tmp_path, changes))
    (problem,) = refused.value.problems
    assert "marts/other.sql:1: the column grown_kwh is a metric, device_id * 2; take it from a dataset that" in str(
        problem
    )


def test_a_dataset_knows_its_metrics(tmp_path: Path) -> None:
    catalog = loaded(tmp_path, a_metric())
    assert catalog.metrics_of("growth") == catalog.metrics_of("total") == (catalog.metrics["grown_kwh"],)
    assert catalog.metrics_of("readings") == ()


def test_editors_and_the_loader_ask_for_the_same(tmp_path: Path) -> None:
    differing = []
    for key in METRIC:
        for value in [*VALUES, None]:
            text = a_metric(**{key: value})
            (tmp_path / "metrics.toml").write_text(text, encoding="utf-8")
            file = TableFile("metric", METRIC, Path("metrics.toml"))
            file.read(tmp_path / "metrics.toml")
            refused = bool(list(VALIDATOR.iter_errors(tomllib.loads(text))))
            if refused != bool(file.problems):
                differing.append(f"{key} = {value}")
    assert not differing


@pytest.mark.parametrize(("ac_kwh", "dc_kwh"), ENERGIES)
def test_the_formulas_are_what_the_api_computes(ac_kwh: float, dc_kwh: float) -> None:
    expected = {
        "efficiency_ratio": efficiency_ratio(ac_kwh, dc_kwh),
        "lost_kwh": ac_kwh - dc_kwh,
        "lost_against_target_kwh": max(0.0, ac_kwh - dc_kwh / TARGET_RATIO),
        "lost_against_threshold_kwh": max(0.0, ac_kwh - dc_kwh / THRESHOLD_RATIO),
        "standby_kwh": ac_kwh - dc_kwh,
        "ac_coverage_ratio": coverage_ratio(1800, 3600),
        "dc_coverage_ratio": coverage_ratio(3601, 3600),
    }
    metrics = Catalog.load().metrics
    row = f"{ac_kwh!r}::DOUBLE AS ac_kwh, {dc_kwh!r}::DOUBLE AS dc_kwh, 1800 AS ac_covered_s, 3601 AS dc_covered_s"
    with duckdb.connect() as connection:
        for name, value in expected.items():
            ((found,),) = connection.execute(f"SELECT {metrics[name].formula} FROM (SELECT {row})").fetchall()
            assert float(found) == pytest.approx(value, rel=1e-12), name
