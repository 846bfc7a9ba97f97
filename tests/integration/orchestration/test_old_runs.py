"""Old runs go from Dagster's own database, and every day still shows as what it is."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy import inspect

from orchestration.scheduling.old_runs import KEPT_FOR, forget_old_runs
from tests.integration.orchestration.conftest import FilledDays
from tests.integration.orchestration.dagster_days import FIRST, SECOND, Days

ASSETS = ["meters", "vehicles"]
METERS = dg.AssetKey("meters")


@pytest.fixture
def days(filled_days: FilledDays) -> Days:
    return filled_days(FIRST, SECOND)


def event_types(instance: dg.DagsterInstance, run_id: str) -> set[dg.DagsterEventType | None]:
    return {entry.dagster_event_type for entry in instance.all_logs(run_id)}


def test_what_made_the_current_day_is_kept_and_nothing_else(days: Days, instance: dg.DagsterInstance) -> None:
    superseded = days.run(instance, FIRST, only=ASSETS)
    failed = days.run(instance, FIRST, only=["hourly_energy", "flagged_steps"])
    current = days.run(instance, FIRST, only=["vehicles"]), days.run(instance, FIRST, only=["meters"])
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
    assert left == {run.run_id for run in (*current, other)}
    assert event_types(instance, superseded.run_id) == event_types(instance, failed.run_id) == set()
    assert event_types(instance, other.run_id) == {dg.DagsterEventType.ASSET_MATERIALIZATION}
    for name in ASSETS:
        assert instance.get_materialized_partitions(dg.AssetKey(name)) == {FIRST.isoformat(), SECOND.isoformat()}
    assert instance.get_latest_materialization_event(METERS) == made
    after = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    assert {key: each.id for key, each in after.items()} == {key: each.id for key, each in before.items()}


def test_a_run_under_way_is_no_old_run(days: Days, instance: dg.DagsterInstance) -> None:
    days.leave_a_run(instance, dg.DagsterRunStatus.STARTED, {})
    assert forget_old_runs(instance, datetime.now(UTC) + 2 * KEPT_FOR) == (0, 0)
    assert instance.get_runs_count() == 1


def test_dagsters_tables_are_those_that_this_deletes_from(instance: dg.DagsterInstance) -> None:
    """Dagster has no call to forget a part of a run. Where its tables change, look at each statement of ours again."""
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    with storage.index_connection() as connection:
        found = inspect(connection)
        columns = {table: {each["name"] for each in found.get_columns(table)} for table in found.get_table_names()}
        pointing = {table for table in columns if found.get_foreign_keys(table)}
    assert columns["event_logs"] == {
        *("id", "run_id", "event", "dagster_event_type", "timestamp", "step_key", "asset_key", "partition"),
    }
    assert columns["asset_check_executions"] == {
        *("id", "asset_key", "check_name", "partition", "run_id", "execution_status"),
        *("evaluation_event", "evaluation_event_timestamp", "evaluation_event_storage_id"),
        *("materialization_event_storage_id", "create_timestamp"),
    }
    of_events = {table for table, names in columns.items() if names & {"event_id", "evaluation_event_storage_id"}}
    assert of_events == {"asset_check_executions", "asset_event_tags"}, "what else holds the id of an event?"
    assert pointing <= {"run_tags", "runs", "snapshots", "backfill_tags", "job_tags"}, "what is deleted along?"
