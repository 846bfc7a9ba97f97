"""What Dagster loads: without a database, without an environment, and with everything the catalog declares."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

import dbt_like_sql
from dbt_like_sql import declared_keys
from dbt_like_sql.catalog import Catalog, Exposure, Model
from orchestration.alerting.alerts import MARK
from orchestration.assets.checks import LEDGER_CHECK
from orchestration.assets.column_lineage import column_lineage
from orchestration.assets.device_hourly import COLUMNS, DEVICE_HOURLY, hours_lineage
from orchestration.assets.exposures import exposure_key
from orchestration.assets.finding_alerts import FINDING_ALERTS
from orchestration.assets.fleet_report import FLEET_REPORT
from orchestration.definitions import build_definitions
from warehouse.lake.export import DECISIONS, TABLES
from warehouse.lifecycle.daily_pipeline import EXPORTS
from warehouse.lifecycle.later_days import BOUNDARY_SAMPLES
from warehouse.settings import FleetSettings

FIRST_DAY = date(2025, 3, 1)
CATALOG = Catalog.load()
MODELS = list(CATALOG.models.values())

LOAD = """
import json, os, socket, sys, warnings
from pathlib import Path
from typing import Any, NamedTuple

def refuse(*arguments):
    raise AssertionError(f"loading went to the network: {arguments[1:]}")
socket.socket.connect = refuse

import dbt_like_sql
import orchestration.definitions as module
from dagster._core.definitions.repository_definition import RepositoryDefinition
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value

def error_of_loading():
    try:
        module.definitions()
    except Exception as error:
        return str(error)

repository = module.definitions().get_repository_def()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Dagster reads a property that it has deprecated itself
    sent = serialize_value(RepositorySnap.from_def(repository))  # as the code server sends it to the others
told = {"assets": len(repository.asset_graph.get_all_asset_keys()), "sent_bytes": len(sent)}
os.environ["FLEET_FIRST_DAY"] = "soon"
told["first_day"] = error_of_loading()
del os.environ["FLEET_FIRST_DAY"]
with (Path(dbt_like_sql.__file__).parent / "models" / "marts" / "reading_gaps.sql").open("a") as model:
    model.write("\\n, ,")
told["models"] = error_of_loading()
print(json.dumps(told))
"""


class Loaded(NamedTuple):
    """What a process of its own told that loaded them: as they are, with a wrong setting, with a wrong model."""

    told: dict[str, Any]
    stderr: list[str]
    written: list[Path]
    """What it left in the folder that it ran in."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder, code = tmp_path_factory.mktemp("folder"), tmp_path_factory.mktemp("code")
    shutil.copytree(Path(dbt_like_sql.__file__).parent, code / "dbt_like_sql")
    # PYTHON...: what an ordinary user's own Python needs to find our packages, and no more of ours.
    needed = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    needed["PYTHONPATH"] = os.pathsep.join([str(code), needed.get("PYTHONPATH", "")])
    command = [sys.executable, "-P", "-W", "error", "-c", LOAD]
    done = subprocess.run(command, env=needed, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Loaded(json.loads(done.stdout), done.stderr.splitlines(), list(folder.iterdir()))


def test_they_load_with_no_database_no_environment_and_can_be_sent(loaded: Loaded) -> None:
    assert loaded.told["assets"] == len(MODELS) + len(EXPORTS) + len(CATALOG.exposures) + 4
    assert loaded.told["sent_bytes"] > 10_000
    assert loaded.written == []


def test_a_first_day_that_is_none_is_said_when_they_load(loaded: Loaded) -> None:
    assert "first_day" in loaded.told["first_day"]


def test_models_that_cannot_be_read_are_said_when_they_load(loaded: Loaded) -> None:
    assert "models/marts/reading_gaps.sql:" in loaded.told["models"]
    (told,) = loaded.stderr  # of the others nothing is told
    assert told.startswith(f"{MARK}Dagster has nothing to run, because the models cannot be read: ")
    assert "models/marts/reading_gaps.sql:" in told


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(CATALOG, FIRST_DAY)


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> AssetGraph:
    return definitions.get_repository_def().asset_graph


def parents(graph: AssetGraph, name: str) -> set[str]:
    return {key.to_user_string() for key in graph.get(dg.AssetKey(name)).parent_keys}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_each_dataset_is_an_asset_as_it_is_declared(graph: AssetGraph, model: Model) -> None:
    asset = graph.get(dg.AssetKey(model.name))
    table = {f"postgres/{model.name}"} if model.name in EXPORTS else set()
    last = {"day_report"} if model.kind == "release" else set()
    assert parents(graph, model.name) - {"device_last"} == ({*model.depends_on} | table | last) - {"device_last"}
    assert asset.group_name is not None
    assert asset.group_name.endswith(model.layer)
    assert asset.owners == [f"team:{model.owner}"]
    assert asset.code_version == model.digest
    engines = {"export": "postgres", "polars": "polars", "sql": "duckdb", "release": "duckdb"}
    assert asset.kinds == {"parquet", engines[kind_of(model)]}
    columns = asset.metadata["dagster/column_schema"].columns
    assert [(column.name, column.type, column.description) for column in columns] == list(model.columns)
    assert asset.description is not None
    assert model.grain in asset.description
    assert (model.sql or "").strip() in asset.description
    for column, sources in model.column_lineage.items():
        assert all(f"{source.dataset}.{source.column}" in asset.description for source in sources), column


def test_each_asset_says_whose_it_is_what_it_is_and_where_its_code_is(graph: AssetGraph) -> None:
    for key in graph.get_all_asset_keys():
        asset, name = graph.get(key), key.to_user_string()
        assert asset.owners, name
        assert asset.kinds, name
        assert asset.group_name, name
        assert asset.description, name
        assert set(asset.tags) >= {"domain", "tier"}, name
        (reference,) = asset.metadata["dagster/code_references"].code_references
        path = Path(reference.file_path)
        assert path.is_absolute(), name
        assert path.is_file(), name
        model = CATALOG.models.get(key.path[-1])
        if model and model.sql and not model.is_seed:
            assert path.read_text(encoding="utf-8").strip() == model.sql.strip(), name
        is_from_outside = asset.group_name == "1_postgres" or (model and is_of_people(model))
        assert bool(asset.parent_keys) != is_from_outside, name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_dataset_tells_which_columns_its_columns_come_from(graph: AssetGraph, model: Model) -> None:
    told = column_lineage(model)
    if (
        is_of_people(model) or model.kind == "release"
    ):  # of a file or what people decided; of all columns of all datasets, by their names
        assert not told
        return
    found = told["dagster/column_lineage"].deps_by_column
    for column, sources in found.items():
        assert column in {each.name for each in model.columns}
        for source in sources:
            upstream = graph.get(source.asset_key)
            # Boundary samples are readings of earlier days, which device_last has.
            parents_of = "device_last" if model.name in BOUNDARY_SAMPLES else model.name
            assert source.asset_key in graph.get(dg.AssetKey(parents_of)).parent_keys
            known = [each.name for each in upstream.metadata["dagster/column_schema"].columns]
            assert source.column_name in [*known, "day"]
    if model.name not in EXPORTS:
        assert {
            (column, each.asset_key.to_user_string(), each.column_name) for column in found for each in found[column]
        } == {(column, *each) for column, sources in model.column_lineage.items() for each in sources}


def test_the_hours_tell_which_columns_of_postgresql_they_come_from(graph: AssetGraph) -> None:
    found = hours_lineage(CATALOG.models["hourly_energy"]).deps_by_column
    assert COLUMNS.keys() - found.keys() == {"kind"}, "a constant of each table"
    of_energy = {f"{each.asset_key.to_user_string()}.{each.column_name}" for each in found["energy_kwh"]}
    assert of_energy == {"postgres/meter_readings.kwh", "postgres/vehicle_readings.kwh"}
    for each in (source for sources in found.values() for source in sources):
        known = graph.get(each.asset_key).metadata["dagster/column_schema"].columns
        assert each.column_name in {column.name for column in known}
        assert each.asset_key in graph.get(DEVICE_HOURLY).parent_keys


def is_of_people(model: Model) -> bool:
    """Whether people write it, so that it is made from nothing else."""
    return model.is_seed or model.name in DECISIONS


def kind_of(model: Model) -> str:
    return "polars" if model.name in BOUNDARY_SAMPLES else model.kind


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_each_declared_check_blocks_unless_it_only_warns(graph: AssetGraph, model: Model) -> None:
    specs = [graph.get_check_spec(key) for key in graph.get(dg.AssetKey(model.name)).check_keys]
    of_ledger = {LEDGER_CHECK} if model.name in EXPORTS and model.name not in TABLES else set()
    assert {spec.name for spec in specs} == {check.name for check in model.checks} | of_ledger
    warnings = {check.name for check in model.checks if not check.is_blocking}
    assert {spec.name for spec in specs if not spec.blocking} == warnings
    assert all(spec.description for spec in specs)


def test_the_groups_are_listed_in_the_order_of_the_story(graph: AssetGraph) -> None:
    groups = sorted({graph.get(key).group_name or "" for key in graph.get_all_asset_keys()})
    assert [group[2:] for group in groups] == [
        "postgres",
        "lake",
        "staging",
        "rollups",
        "marts",
        "reports",
        "today",
        "exposures",
    ]


def test_the_tables_of_postgresql_are_shown_and_never_run(graph: AssetGraph) -> None:
    tables = {key for key in graph.get_all_asset_keys() if graph.get(key).group_name == "1_postgres"}
    assert {key.to_user_string() for key in tables} == {f"postgres/{name}" for name in EXPORTS}
    assert not any(graph.get(key).is_executable for key in tables)


def test_each_table_that_an_exposure_may_read_has_an_asset() -> None:
    assert set(declared_keys.TABLES) == {*EXPORTS, DEVICE_HOURLY.to_user_string()}


@pytest.mark.parametrize("exposure", CATALOG.exposures.values(), ids=lambda exposure: exposure.name)
def test_who_reads_the_datasets_is_shown_after_them_and_never_run(graph: AssetGraph, exposure: Exposure) -> None:
    asset = graph.get(exposure_key(exposure.name))
    tables = {"device_hourly" if name == "device_hourly" else f"postgres/{name}" for name in exposure.reads_tables}
    assert {key.to_user_string() for key in asset.parent_keys} == {*exposure.reads, *tables}
    assert not asset.is_executable
    assert (asset.owners, asset.kinds) == ([f"team:{exposure.owner}"], {exposure.kind})
    assert asset.description is not None
    assert exposure.where in asset.description


def test_the_report_comes_after_everything(graph: AssetGraph) -> None:
    above: set[dg.AssetKey] = set()
    todo = [dg.AssetKey("day_report")]
    while todo:
        todo += (new := graph.get(todo.pop()).parent_keys - above)
        above |= new
    beside = {
        dg.AssetKey("day_report"),
        dg.AssetKey("restatements"),
        DEVICE_HOURLY,
        FINDING_ALERTS,
        FLEET_REPORT,
        *(exposure_key(name) for name in CATALOG.exposures),
    }
    assert above == graph.get_all_asset_keys() - beside


def test_boundary_samples_wait_for_the_days_own_last_samples(graph: AssetGraph) -> None:
    # A day beside this one finds our last samples, and asks us to begin again, before we begin: see DailyPipeline.
    assert parents(graph, "carried_samples") == {"device_last"}


def test_the_first_day_is_the_first_partition(graph: AssetGraph) -> None:
    for name in (*CATALOG.models, "day_report"):
        days = graph.get(dg.AssetKey(name)).partitions_def
        assert isinstance(days, dg.DailyPartitionsDefinition)
        assert (days.start.date(), str(days.timezone), days.end_offset) == (FIRST_DAY, "UTC", 0)


def test_the_day_is_one_run_in_one_process(definitions: dg.Definitions, graph: AssetGraph) -> None:
    job = definitions.resolve_job_def("run_day")
    assert job.executor_def.name == "in_process"
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {*CATALOG.models, "day_report"}
    assert job.tags["dagster/retry_strategy"] == "ALL_STEPS"


def test_a_backfill_of_any_daily_assets_takes_a_week_a_run(graph: AssetGraph) -> None:
    for name in (*CATALOG.models, "day_report"):
        policy = graph.get(dg.AssetKey(name)).backfill_policy
        assert policy is not None, name
        assert policy.max_partitions_per_run == 7, "Dagster runs assets together whose policy is the same"


def test_the_hours_come_from_the_tables_of_postgresql_beside_the_days(
    definitions: dg.Definitions, graph: AssetGraph
) -> None:
    asset = graph.get(DEVICE_HOURLY)
    assert parents(graph, "device_hourly") == {f"postgres/{name}" for name in EXPORTS}
    hours = asset.partitions_def
    assert isinstance(hours, dg.HourlyPartitionsDefinition)
    assert (hours.start.date(), str(hours.timezone)) == (FIRST_DAY, "UTC")
    assert [column.name for column in asset.metadata["dagster/column_schema"].columns] == list(COLUMNS)
    job = definitions.resolve_job_def("write_hours")
    assert {*job.asset_layer.executable_asset_keys} == {DEVICE_HOURLY}
    sensor = definitions.resolve_sensor_def("closed_hours")
    assert (sensor.default_status, sensor.minimum_interval_seconds) == (dg.DefaultSensorStatus.RUNNING, 30)


def test_sensor_and_schedule_run_without_a_click(definitions: dg.Definitions) -> None:
    sensor = definitions.resolve_sensor_def("closed_days")
    assert (sensor.default_status, sensor.minimum_interval_seconds) == (dg.DefaultSensorStatus.RUNNING, 5)
    schedule = definitions.resolve_schedule_def("daily_maintenance")
    assert (schedule.default_status, schedule.execution_timezone) == (dg.DefaultScheduleStatus.RUNNING, "UTC")


def test_a_catalog_of_one_more_model_has_one_more_asset() -> None:
    more = Catalog({**CATALOG.models, "copy": copy_of(CATALOG.models["devices"])})
    graph = build_definitions(more, FIRST_DAY).get_repository_def().asset_graph
    assert parents(graph, "copy") == {"meters", "vehicles"}
    assert "copy" in parents(graph, "day_report")


def copy_of(model: Model) -> Model:
    return Model(**{**vars(model), "name": "copy", "checks": ()})


def test_the_setting_has_a_constant_default() -> None:
    assert FleetSettings.model_fields["first_day"].default == date(2020, 1, 1)
