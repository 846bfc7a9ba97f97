"""What somebody stops in Dagster is told once a change, whoever is stopped, and can be read without Dagster."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import httpx
import psycopg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)

from orchestration.alerting.alerts import MARK
from orchestration.dagster_runtime.automation import MEANS
from orchestration.dagster_runtime.instance import STORAGE_URL
from orchestration.dagster_runtime.pipeline_watch import PipelineWatch
from orchestration.dagster_runtime.services import DagsterProcesses
from orchestration.definitions import build_definitions
from tests.conftest import MakeApi
from tests.dropped_database import drop_database
from tests.integration.orchestration.conftest import Fleetwatt, Webhook
from tests.integration.orchestration.dagster_days import CATALOG, TODAY
from warehouse.contract.errors import FleetwattError
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings

REPOSITORY = build_definitions(CATALOG, TODAY).get_repository_def()


class Stage:
    """A Dagster without processes, its instance, and a watch of it."""

    def __init__(self, processes: DagsterProcesses) -> None:
        self.processes = processes
        self.said: list[str] = []
        self.watch = PipelineWatch(processes, self.said.append)
        self.again = PipelineWatch(processes, self.said.append)

    def set(self, name: str, status: str) -> None:
        """Click on a sensor or a schedule, as the UI does."""
        schedules = {each.name: ScheduleInstigatorData("15 0 * * *") for each in REPOSITORY.schedule_defs}
        kind = InstigatorType.SCHEDULE if name in schedules else InstigatorType.SENSOR
        origin = RemoteInstigatorOrigin(_repository_origin(), name)
        with dg.DagsterInstance.from_config(str(self.processes.home.folder)) as instance:
            known = instance.get_instigator_state(origin.get_id(), origin.get_selector().get_id())
            state = InstigatorState(origin, kind, InstigatorStatus(status), schedules.get(name))
            if known:
                instance.update_instigator_state(state)
            else:
                instance.add_instigator_state(state)


def _repository_origin() -> RemoteRepositoryOrigin:
    location = GrpcServerCodeLocationOrigin(host="localhost", socket="/tmp/code.sock", location_name="fleetwatt")  # noqa: S108
    return RemoteRepositoryOrigin(location, "__repository__")


@pytest.fixture
def stage(
    database_url: str,
    tmp_path: Path,
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    name = f"dagster_watch_{os.getpid()}"
    settings = FleetSettings(
        _env_file=None,
        database_url=database_url,
        home=tmp_path,
        dagster_database=name,
        alert_webhook=webhook.url,
    )
    with DagsterProcesses.of(settings) as processes:
        processes.prepare(database_url)
        monkeypatch.setenv(STORAGE_URL, processes.storage_url)
        yield Stage(processes)
    with connect(database_url) as admin:
        drop_database(admin, name)


def test_every_sensor_and_schedule_of_ours_is_watched() -> None:
    names = [*(each.name for each in REPOSITORY.sensor_defs), *(each.name for each in REPOSITORY.schedule_defs)]
    assert sorted(MEANS) == sorted(names)


def test_before_dagsters_first_start_there_is_nothing_to_tell(stage: Stage) -> None:
    with pytest.raises(FleetwattError):
        stage.watch.look()  # which it waits for
    assert stage.said == []


def test_all_that_is_stopped_is_told_once_and_read_everywhere(
    stage: Stage,
    webhook: Webhook,
    make_api: MakeApi,
    fleetwatt: Fleetwatt,
    connection: psycopg.Connection,
) -> None:
    api = make_api()
    stage.set("closed_days", "RUNNING")
    stage.watch.look()
    assert (stage.said, webhook.taken) == ([], [])
    assert health(api) == {"status": "ok"}

    for name in MEANS:
        stage.set(name, "STOPPED")
    for _ in range(3):
        stage.watch.look()
    (line,) = stage.said
    assert line.startswith(f"{MARK}stopped in Dagster: closed_days (closed days are not exported); closed_hours (")
    assert line.endswith(f"Start it again at {stage.processes.url}/automation")
    (posted,) = webhook.taken
    assert posted["text"] == line.removeprefix(MARK)
    assert posted["reason"] == ", ".join(MEANS)
    assert health(api) == {"status": "ok", "stoppedInPipeline": list(MEANS)}
    assert api.get("/readyz").json() == {"status": "ok"}, "it takes readings all the same"

    stage.again.look()
    assert len(stage.said) == 2, "a start says in the terminal what is stopped"
    assert len(webhook.taken) == 1, "and nobody else is told again"

    stage.set("closed_days", "RUNNING")
    stage.watch.look()
    assert "closed_days" not in stage.said[-1]
    for name in MEANS:
        stage.set(name, "DECLARED_IN_CODE")
    stage.watch.look()
    assert stage.said[-1] == "everything that Dagster does by itself runs"
    assert len(webhook.taken) == 3
    assert health(api) == {"status": "ok"}


def test_status_says_it(stage: Stage, database_url: str, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    assert "stopped" not in fleetwatt("status").out
    stage.set("failed_runs", "STOPPED")
    stage.watch.look()
    assert "WARNING: stopped in Dagster: failed_runs (failed runs are not told); since " in fleetwatt("status").out
    assert '"stopped": ["failed_runs"]' in fleetwatt("status", "--json").out


def health(api: httpx.Client) -> object:
    answer = api.get("/health")
    assert answer.status_code == 200
    return answer.json()
