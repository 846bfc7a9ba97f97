"""One day's run at a time, and one of the hours beside it: Dagster's own queue on its own storage decides."""

import os
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import count, pairwise
from pathlib import Path
from typing import cast

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.context import BaseWorkspaceRequestContext
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

from orchestration.assets.partitions import range_tags
from orchestration.dagster_runtime.instance import LOCATION, STORAGE_URL, DagsterHome
from orchestration.definitions import build_definitions
from orchestration.tags import DAYS_TAG, PARTITION_NAME_TAG
from tests.dropped_database import drop_database
from tests.fewer_models import catalog_of
from warehouse.postgres.connection import connect

FIRST_DAY = date(2026, 1, 1)
OF_SENSOR = {PARTITION_NAME_TAG: "2026-02-08", DAYS_TAG: "2026-02-08"}
OF_ONE_DAY = {PARTITION_NAME_TAG: "2026-02-09"}
OF_BACKFILL = range_tags("2026-02-01", "2026-02-07")
OF_HOURS = range_tags("2026-02-10-00:00", "2026-02-10-05:00")

_numbers = count(1)


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(catalog_of("daily_fleet_efficiency"), FIRST_DAY)


class Queue:
    """The queue of a new installation."""

    def __init__(self, instance: dg.DagsterInstance, definitions: dg.Definitions) -> None:
        self._instance = instance
        self._definitions = definitions

    def add(self, tags: Mapping[str, str], job: str = "run_day", only: str | None = None) -> str:
        """Queue a run as Dagster does; ``only``: of one asset, as a person may choose."""
        selected = {dg.AssetKey(only)} if only else None
        repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), "__repository__")
        run = self._instance.create_run_for_job(
            self._definitions.resolve_job_def(job),
            tags=tags,
            asset_selection=selected,
            remote_job_origin=RemoteJobOrigin(repository, job),
        )
        # No workspace is needed to wait in a queue.
        nowhere = cast("BaseWorkspaceRequestContext", None)
        self._instance.run_coordinator.submit_run(dg.SubmitRunContext(run, nowhere))
        return run.run_id

    def begin(self) -> set[str]:
        """What the daemon would start in one round of the queue; these runs have begun then."""
        daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
        config = self._instance.get_concurrency_config()
        begun = daemon._get_runs_to_dequeue(self._instance, config, fixed_iteration_time=None)
        for run in begun:
            self._report(run.run_id, dg.DagsterEventType.RUN_START)
        return {run.run_id for run in begun}

    def end(self, run_id: str) -> None:
        """The run is done."""
        self._report(run_id, dg.DagsterEventType.RUN_SUCCESS)

    def _report(self, run_id: str, what: dg.DagsterEventType) -> None:
        self._instance.report_dagster_event(dg.DagsterEvent(what.value, job_name="run_day"), run_id=run_id)


@pytest.fixture
def queue(
    tmp_path: Path, server_url: str, admin_url: str, monkeypatch: pytest.MonkeyPatch, definitions: dg.Definitions
) -> Iterator[Queue]:
    name = f"dagster_pools_{os.getpid()}_{next(_numbers)}"
    home = DagsterHome(tmp_path, name, tmp_path / "code.sock")
    monkeypatch.setenv(STORAGE_URL, home.prepare(server_url)[STORAGE_URL])
    with dg.DagsterInstance.from_config(str(home.folder)) as instance:
        yield Queue(instance, definitions)
    with connect(admin_url) as admin:
        drop_database(admin, name)


@pytest.mark.long
def test_days_run_one_after_another_whoever_started_them_and_hours_beside_them(queue: Queue) -> None:
    days = [
        queue.add(OF_BACKFILL),
        queue.add(OF_ONE_DAY, only="daily_vehicle_efficiency"),
        queue.add(OF_SENSOR),
        queue.add(OF_BACKFILL, only="day_report"),
    ]
    hours = queue.add(OF_HOURS, job="write_hours")
    assert queue.begin() == {days[0], hours}, "in the first round of a new installation too"
    assert queue.begin() == set()
    queue.end(hours)
    more_hours = queue.add(OF_HOURS, job="write_hours")
    assert queue.begin() == {more_hours}, "they do not wait for a day"
    for day, following in pairwise(days):
        assert queue.begin() == set(), "the day is not done"
        queue.end(day)
        assert queue.begin() == {following}


def test_the_maintenance_waits_for_no_day(queue: Queue) -> None:
    day, later_day = queue.add(OF_SENSOR), queue.add(OF_ONE_DAY)
    maintenance = queue.add({}, job="maintenance")
    assert queue.begin() == {day, maintenance}
    queue.end(day)
    assert queue.begin() == {later_day}


def test_every_asset_that_runs_is_in_a_pool(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    others = {"device_hourly": "closed_hours", "finding_alerts": "alerts"}
    for key in graph.executable_asset_keys:
        assert graph.get(key).pools == {others.get(key.to_user_string(), "closed_days")}, key
