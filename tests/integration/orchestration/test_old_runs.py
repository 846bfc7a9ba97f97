"""Old runs go from Dagster's own database, and every day still shows as what it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.scheduling.old_runs import KEPT_FOR, forget_old_runs
from tests.integration.orchestration.dagster_days import FIRST, SECOND, Days

ASSETS = ["meters", "vehicles"]
METERS = dg.AssetKey("meters")


@pytest.fixture
def days(database_url: str, tmp_path: Path) -> Days:
    days = Days(database_url, tmp_path)
    days.fill(FIRST, SECOND)
    return days


def event_types(instance: dg.DagsterInstance, run_id: str) -> set[dg.DagsterEventType | None]:
    return {entry.dagster_event_type for entry in instance.all_logs(run_id)}


def test_what_made_a_day_as_it_stands_is_kept_and_nothing_else(days: Days, instance: dg.DagsterInstance) -> None:
    superseded = days.run(instance, FIRST, only=ASSETS)
    failed = days.run(instance, FIRST, only=["hourly_energy", "flagged_steps"])
    standing = days.run(instance, FIRST, only=["vehicles"]), days.run(instance, FIRST, only=["meters"])
    other = days.run(instance, SECOND, only=ASSETS)
    assert not failed.success
    made = instance.get_latest_materialization_event(METERS)
    keys = days.definitions.get_repository_def().asset_graph.asset_check_keys
    checks = [key for key in keys if key.asset_key == METERS]
    before = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    assert before

    later = datetime.now(UTC) + KEPT_FOR
    assert forget_old_runs(instance, later - timedelta(minutes=10)) == (0, 0), "none is old enough"
    assert forget_old_runs(instance, later + timedelta(minutes=10)) == (2, 3)
    assert forget_old_runs(instance, later + timedelta(minutes=10)) == (0, 3), "safe to repeat"

    left = {run.run_id for run in instance.get_runs()}
    assert left == {run.run_id for run in (*standing, other)}
    assert event_types(instance, superseded.run_id) == event_types(instance, failed.run_id) == set()
    assert event_types(instance, other.run_id) == {dg.DagsterEventType.ASSET_MATERIALIZATION}
    for name in ASSETS:
        assert instance.get_materialized_partitions(dg.AssetKey(name)) == {FIRST.isoformat(), SECOND.isoformat()}
    assert instance.get_latest_materialization_event(METERS) == made
    after = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    assert {key: each.id for key, each in after.items()} == {key: each.id for key, each in before.items()}


def test_a_run_under_way_is_no_old_run(days: Days, instance: dg.DagsterInstance) -> None:
    job = days.definitions.resolve_job_def("run_day")
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert forget_old_runs(instance, datetime.now(UTC) + 2 * KEPT_FOR) == (0, 0)
    assert instance.get_runs_count() == 1
