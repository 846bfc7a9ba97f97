"""Nothing of ours can be configured by whoever starts a run: every schema that Dagster knows of us is gone through."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import pytest
from dagster._config import ConfigType, ConfigTypeKind
from dagster._core.definitions.repository_definition import RepositoryDefinition
from dagster._core.execution.api import create_execution_plan

from dbt_like_sql.catalog import Catalog
from orchestration.definitions import build_definitions

CANARY = "FLEETWATT_CANARY_OF_A_TEST"

SAYS_ENV = [
    {"resources": {"warehouse": {"config": {"database_url": {"env": CANARY}}}}},
    {"resources": {"warehouse": {"config": {"home": {"env": CANARY}}}}},
    {"resources": {"warehouse": {"config": {"env": CANARY}}}},
    {"resources": {"io_manager": {"config": {"base_dir": {"env": CANARY}}}}},
    {"resources": {"io_manager": {"config": {"env": CANARY}}}},
    {"loggers": {"console": {"config": {"name": {"env": CANARY}}}}},
    {"loggers": {"console": {"config": {"log_level": {"env": CANARY}}}}},
    {"execution": {"config": {"marker_to_close": {"env": CANARY}}}},
    {"execution": {"config": {"env": CANARY}}},
    {"ops": {"pack_indexes": {"config": {"env": CANARY}}}},
    {"ops": {"pack_indexes": {"inputs": {"x": {"env": CANARY}}}}},
    {"inputs": {"x": {"env": CANARY}}},
    {"env": CANARY},
]


@pytest.fixture(scope="module")
def repository() -> RepositoryDefinition:
    return build_definitions(Catalog.load(), date(2025, 3, 1)).get_repository_def()


def leaves(kind: ConfigType, path: str) -> Iterator[str]:
    """Every place of a schema that takes a value: none of them is a shape of others."""
    fields = getattr(kind, "fields", None)
    if fields is None or kind.kind is ConfigTypeKind.SELECTOR:
        yield f"{path} ({kind.kind.name})"
        return
    for name, field in fields.items():
        yield from leaves(field.config_type, f"{path}/{name}")


def test_the_search_finds_what_dagster_has_by_default() -> None:
    @dg.op
    def with_anything() -> None:
        """Its schema is left out."""

    @dg.job
    def of_dagster() -> None:
        with_anything()

    by_default = dg.Definitions(jobs=[of_dagster]).resolve_job_def("of_dagster")
    found = {leaf.partition(" ")[0] for leaf in leaves(by_default.run_config_schema.config_type, "")}
    assert found >= {
        "/execution/config",
        "/loggers/console/config/name",
        "/resources/io_manager/config",
        "/ops/with_anything/config",
    }


def test_no_job_takes_any_configuration(repository: RepositoryDefinition) -> None:
    jobs = repository.get_all_jobs()
    assert {job.name for job in jobs} >= {"run_day", "write_hours", "maintenance", "__ASSET_JOB"}
    found = {job.name: list(leaves(job.run_config_schema.config_type, "")) for job in jobs}
    assert found == {job.name: [] for job in jobs}


def test_no_definition_has_a_config_field(repository: RepositoryDefinition) -> None:
    schemas: dict[str, Any] = {}
    for job in repository.get_all_jobs():
        schemas[f"{job.name}: executor"] = job.executor_def.config_schema
        schemas |= {f"{job.name}: op {node.name}": node.definition.config_schema for node in job.graph.nodes}
        schemas |= {f"{job.name}: resource {name}": each.config_schema for name, each in job.resource_defs.items()}
        schemas |= {f"{job.name}: logger {name}": each.config_schema for name, each in job.loggers.items()}
    definitions = [*repository.asset_checks_defs_by_key.values(), *repository.assets_defs_by_key.values()]
    schemas |= {f"asset {each.node_def.name}": each.op.config_schema for each in definitions if each.is_executable}
    assert len(schemas) > 30
    found = {name: list(leaves(schema.config_type, "")) for name, schema in schemas.items()}
    assert {name: places for name, places in found.items() if places} == {}


def test_what_starts_runs_gives_them_no_configuration(repository: RepositoryDefinition) -> None:
    assert {type(each).__name__ for each in repository.sensor_defs} <= {"SensorDefinition", "RunStatusSensorDefinition"}
    for sensor in repository.sensor_defs:  # a resource is all that a sensor can ask for
        assert set(sensor.required_resource_keys) <= {"warehouse"}
    for schedule in repository.schedule_defs:
        (request,) = schedule.evaluate_tick(dg.build_schedule_context()).run_requests or ()
        assert request.run_config == {}


@pytest.mark.parametrize("config", SAYS_ENV, ids=str)
@pytest.mark.parametrize("name", ["maintenance", "run_day", "write_hours"])
def test_a_variable_of_the_environment_reaches_nothing(
    repository: RepositoryDefinition, config: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CANARY, "canary-value")
    job = repository.get_job(name)
    try:
        plan = create_execution_plan(job, run_config=config)
    except dg.DagsterInvalidConfigError as refused:
        assert "canary-value" not in str(refused)
    else:  # Dagster ignores what it does not know where a job of assets may be run in parts
        assert "canary-value" not in repr(plan)
        assert list(config) == ["ops"]
