"""Running a model: its SELECT in any DuckDB, its file sorted and in the declared types, its errors with their place."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from dbt_like_sql.catalog import Catalog, Column, Model
from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake, at
from tests.lake_folder import folder_snapshot, newest_file
from tests.unit.dbt_like_sql.small_catalog import CHECK, GROWTH, STAGING, TOTAL, write_catalog
from warehouse.lake.models import ModelFailedError, bind_problems, build_model
from warehouse.lake.storage.lake import Lake
from warehouse.lake.views import open_lake

SQL_MODELS = [model for model in CATALOG.in_order() if model.sql]
NEXT_DAY = DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> HandMadeLake:
    """Two days on which everything happens: a change at 12:30, a shared meter, a gap, a loss, a surplus, a fault."""
    lake = HandMadeLake(tmp_path_factory.mktemp("build") / "lake")
    for day, factor in ((DAY, 1.0), (NEXT_DAY, 2.0)):
        change = at("12:30", day)
        lake.pairs(1, 2, 3, 6)
        lake.device("vehicle", 4)
        lake.map(4, 1, since=change)
        lake.device("vehicle", 5)
        lake.map(5, 3, until=at("00:30", day))
        for number, ratio in ((1, 0.9), (2, 0.7), (3, 0.9), (6, 1.1)):
            for hour in (7, 13):
                segment = {"segment_from": change} if (number, hour) == (1, 13) else {}
                values = {"hour": at(f"{hour:02}:00", day), **segment}
                lake.add("hourly_energy", kind="meter", device_id=number, energy_kwh=5 * factor, **values)
                lake.add(
                    "hourly_energy",
                    kind="vehicle",
                    device_id=number,
                    energy_kwh=5 * ratio * factor,
                    hour=values["hour"],
                )
            for kind in ("meter", "vehicle"):
                lake.add("device_last", kind=kind, device_id=number, ts=at("13:59", day), kwh=100.0)
        step = {"before_ts": at("01:00", day), "ts": at("07:00", day), "before_kwh": 1.0, "kwh": 6.0, "energy_kwh": 5.0}
        lake.add("flagged_steps", kind="meter", device_id=2, flag="gap", **step)
        surplus = {"ac_kwh": 70.0, "dc_kwh": 80.0, "observed": 10.0, "allowed": 6.0}
        lake.add("data_faults", rule="R5", subject="meter 6", state="open", meter_id=6, vehicle_id=6, **surplus)
        lake.write(day)
        lake.build(day=day)
    return lake


@pytest.mark.parametrize("time_zone", ["UTC", "Pacific/Auckland"])
@pytest.mark.parametrize("model", SQL_MODELS, ids=lambda model: model.name)
def test_a_model_runs_in_any_duckdb_shell(lake: HandMadeLake, model: Model, time_zone: str) -> None:
    """No code of ours: views over all days, a variable, the text of the file."""
    with duckdb.connect() as shell:
        shell.execute(f"SET TimeZone = '{time_zone}'")
        for name in CATALOG.models:
            files = f"{lake.lake.root}/{name}/*/*.parquet"
            shell.execute(f"CREATE VIEW {name} AS FROM read_parquet('{files}', hive_partitioning = true)")
        shell.execute("SET VARIABLE day = DATE '2026-02-08'")
        text = str(model.sql) if model.is_seed else (Path(__file__).parents[3] / model.path).read_text(encoding="utf-8")
        found = shell.execute(text)
        names = [column[0] for column in found.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    built = lake.rows(model.name)
    assert len(built) > 0
    order = model.sort_key
    assert sorted(rows, key=lambda row: [row[name] for name in order]) == built


@pytest.mark.parametrize("model", SQL_MODELS, ids=lambda model: model.name)
def test_a_file_is_sorted_by_its_key_in_the_declared_types_and_compressed(lake: HandMadeLake, model: Model) -> None:
    path = newest_file(lake.lake, model.name, DAY)
    keys = [[row[name] for name in model.sort_key] for row in lake.rows(model.name)]
    assert keys == sorted(keys)
    with duckdb.connect() as shell:
        declared = ", ".join(f"NULL::{column.type} AS {column.name}" for column in model.columns)
        wanted = shell.execute(f"DESCRIBE SELECT {declared}").fetchall()
        stored = shell.execute(f"DESCRIBE FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
        codecs = shell.execute(f"SELECT DISTINCT compression FROM parquet_metadata('{path}')").fetchall()
    assert [row[:2] for row in stored] == [row[:2] for row in wanted]
    assert codecs == [("ZSTD",)]


def test_the_same_day_gives_the_same_bytes(lake: HandMadeLake) -> None:
    before = {model.name: newest_file(lake.lake, model.name, DAY).read_bytes() for model in SQL_MODELS}
    lake.build()
    assert {model.name: newest_file(lake.lake, model.name, DAY).read_bytes() for model in SQL_MODELS} == before


def growth(tmp_path: Path, sql: str, staging: str = STAGING) -> Catalog:
    changes: dict[str, str | None] = {"models/staging/growth.sql": sql, "models/staging/models.toml": staging}
    return Catalog.load(write_catalog(tmp_path, changes))


def test_the_number_of_rows_is_told(tmp_path: Path) -> None:
    catalog = Catalog.load(write_catalog(tmp_path))
    with open_lake(folder_snapshot(Lake(tmp_path / "lake")), catalog.in_order(), DAY) as connection:
        assert build_model(connection, catalog.models["total"], tmp_path / "total.parquet") == 1
        assert build_model(connection, catalog.models["growth"], tmp_path / "growth.parquet") == 0


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (GROWTH.replace("max(kwh) - min(kwh)", "count(*)"), None),
        (GROWTH.replace("max(kwh) - min(kwh)", "sum(device_id)"), None),
        (GROWTH.replace("max(kwh) - min(kwh)", "NULL"), None),
        (GROWTH.replace("max(kwh) - min(kwh)", "0.5"), None),
        (
            GROWTH.replace("max(kwh) - min(kwh)", "'much'"),
            "small/models/staging/growth.sql:12: column grown_kwh is VARCHAR, and declared as DOUBLE",
        ),
        (
            GROWTH.replace("    device_id,\n    max", "    device_id + 0.5 AS device_id,\n    max"),
            "column device_id is DECIMAL",
        ),
        (
            GROWTH.replace("max(kwh)", "maximum(kwh)"),
            "small/models/staging/growth.sql:12: no function is called maximum; did you mean max?",
        ),
        (
            GROWTH.replace("GROUP BY device_id\n", ""),
            'small/models/staging/growth.sql:11: Binder Error: column "device_id" must appear in the GROUP BY clause',
        ),
    ],
)
def test_only_what_loses_nothing_is_converted(tmp_path: Path, sql: str, expected: str | None) -> None:
    catalog = growth(tmp_path, sql)
    target = tmp_path / "growth.parquet"
    with open_lake(folder_snapshot(Lake(tmp_path / "lake")), catalog.in_order(), DAY) as connection:
        if expected is None:
            build_model(connection, catalog.models["growth"], target)
            assert bind_problems(catalog) == []
        else:
            with pytest.raises(ModelFailedError) as raised:
                build_model(connection, catalog.models["growth"], target)
            assert expected in str(raised.value)
            assert expected in str(bind_problems(catalog)[0])
            assert not target.exists()


def test_a_number_too_large_for_its_type_is_an_error_that_names_the_model(tmp_path: Path) -> None:
    sql = "SELECT 1::INTEGER AS device_id, 1::HUGEINT << 80 AS grown_kwh FROM readings WHERE day = getvariable('day')\n"
    catalog = growth(tmp_path, sql + "UNION ALL SELECT 1, 1::HUGEINT << 80\n", STAGING.replace("DOUBLE", "BIGINT"))
    with open_lake(folder_snapshot(Lake(tmp_path / "lake")), catalog.in_order(), DAY) as connection:
        with pytest.raises(ModelFailedError, match=r"growth\.sql:1: Conversion Error"):
            build_model(connection, catalog.models["growth"], tmp_path / "growth.parquet")
        assert connection.execute("SELECT current_setting('threads') > 1").fetchall() == [(True,)]


def test_a_column_more_or_less_than_declared_is_told(tmp_path: Path) -> None:
    catalog = Catalog.load(write_catalog(tmp_path))
    model = catalog.models["growth"]
    other = dataclasses.replace(model, columns=(model.columns[0], Column("another_kwh", "DOUBLE", "Another.")))
    with (
        open_lake(folder_snapshot(Lake(tmp_path / "lake")), catalog.in_order(), DAY) as connection,
        pytest.raises(ModelFailedError, match=r"another_kwh is declared, not selected;.*grown_kwh is not declared"),
    ):
        build_model(connection, other, tmp_path / "growth.parquet")


def test_a_check_that_cannot_be_bound_is_told_with_its_line(tmp_path: Path) -> None:
    wrong = '{ relationships = "device_id", to = "readings", to_column = "ts" },'
    text = STAGING.replace("    { not_null", f"    {wrong}\n    {{ not_null")
    (problem,) = bind_problems(growth(tmp_path, GROWTH, text))
    assert (str(problem.path), problem.line) == ("small/models/staging/models.toml", 7)
    assert "Cannot compare values of type INTEGER and TIMESTAMP WITH TIME ZONE" in problem.message


def test_a_name_that_is_a_word_of_sql_is_told(tmp_path: Path) -> None:
    staging = STAGING.replace("grown_kwh", "order")
    check = CHECK.replace("grown_kwh", '"order"')
    total = TOTAL.replace("(grown_kwh)", '("order")')
    changes: dict[str, str | None] = {
        "models/staging/models.toml": staging,
        "models/staging/growth.sql": GROWTH.replace("grown_kwh", '"order"'),
        "models/marts/total.sql": total,
        "checks/growth_is_known.sql": check,
    }
    first = bind_problems(Catalog.load(write_catalog(tmp_path, changes)))[0]
    assert str(first).startswith("small/models/staging/models.toml:1: Parser Error")


def test_the_models_as_they_are_bind() -> None:
    assert bind_problems(CATALOG) == []
