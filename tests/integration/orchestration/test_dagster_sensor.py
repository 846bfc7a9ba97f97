"""The sensor on a real ledger: which days it asks for, and when it leaves them to a person."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import PARTITION_NAME_TAG

from orchestration.assets.partitions import range_tags
from orchestration.scheduling import day_plan, past_runs
from orchestration.scheduling.past_runs import MOST_ATTEMPTS
from orchestration.tags import RUN_KEY_TAG
from tests.fewer_models import catalog_of
from tests.integration.orchestration.conftest import FilledDays
from tests.integration.orchestration.dagster_days import FIGURES, FIRST, SECOND, TODAY, Days
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_locks
from warehouse.postgres.ledger.lake_files import oldest_releases


@pytest.fixture
def days(database_url: str, tmp_path: Path) -> Days:
    return Days(database_url, tmp_path, catalog_of(FIGURES))


def asked(days: Days, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    return list(days.tick(instance).run_requests or [])


def remark(days: Days, instance: dg.DagsterInstance) -> str:
    tick = days.tick(instance)
    assert not tick.run_requests
    return str(tick.skip_message)


def tags_of(request: dg.RunRequest) -> dict[str, str]:
    """The tags of the run that the daemon makes of it."""
    of_day = {PARTITION_NAME_TAG: request.partition_key} if request.partition_key else {}
    return {**request.tags, **of_day, RUN_KEY_TAG: str(request.run_key)}


def run_elsewhere(days: Days, instance: dg.DagsterInstance, *wanted: date) -> None:
    """Do what the one request asks for without Dagster, whose own work is not what is tried, and leave its run."""
    (request,) = asked(days, instance)
    assert tags_of(request).items() >= of_days(*wanted).items()
    for day in wanted:
        days.pipeline.run(day)
    days.leave_a_run(instance, dg.DagsterRunStatus.SUCCESS, tags_of(request))


def of_days(*days: date) -> dict[str, str]:
    """The tags of a run of these days."""
    if len(days) == 1:
        return {PARTITION_NAME_TAG: days[0].isoformat()}
    return range_tags(days[0].isoformat(), days[-1].isoformat())


def run_as_asked(
    days: Days, instance: dg.DagsterInstance, only: Sequence[str] | None = None
) -> dg.ExecuteInProcessResult:
    """What the daemon makes of the one request."""
    (request,) = asked(days, instance)
    assert request.partition_key is not None
    return days.run(instance, FIRST, tags_of(request), only)


def test_closed_days_with_readings_are_requested_and_no_others(days: Days, instance: dg.DagsterInstance) -> None:
    assert remark(days, instance) == "every closed day is in the lake"
    days.fill(FIRST, SECOND, TODAY)
    run_elsewhere(days, instance, FIRST, SECOND)  # small days go together
    assert remark(days, instance) == "every closed day is in the lake"


def test_a_day_is_passed_by_while_it_is_imported_or_under_way(
    filled_days: FilledDays, instance: dg.DagsterInstance
) -> None:
    days = filled_days(FIRST)
    with connect(days.url) as importing, day_locks.holding_days(importing) as hold:
        hold(FIRST)
        assert remark(days, instance) == f"{FIRST} is held by an import or another worker"
    assert len(asked(days, instance)) == 1
    for status in (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED):
        with dg.DagsterInstance.ephemeral() as busy:
            days.leave_a_run(busy, status, {PARTITION_NAME_TAG: FIRST.isoformat()})
            assert remark(days, busy) == f"{FIRST} is under way"


def test_no_day_is_requested_while_another_process_makes_all_that_wait(
    filled_days: FilledDays, instance: dg.DagsterInstance
) -> None:
    days = filled_days(FIRST)
    with connect(days.url) as making, day_locks.making_many_days(making):
        assert remark(days, instance) == "another process makes all days that wait, the oldest first"
    assert len(asked(days, instance)) == 1


@pytest.mark.long
def test_dagster_is_told_once_of_what_was_made_without_a_run_of_its_own(
    filled_days: FilledDays, instance: dg.DagsterInstance
) -> None:
    days = filled_days(FIRST)
    assert days.tick(instance).asset_events == []
    days.pipeline.run(FIRST)
    told = days.tick(instance).asset_events
    assert {each.partition for each in told} == {FIRST.isoformat()}
    assert {each.asset_key.to_user_string() for each in told} == {*days.catalog.models, "day_report"}
    (figures,) = (each for each in told if each.asset_key.to_user_string() == FIGURES)
    assert figures.metadata["dagster/row_count"].value == 1
    for each in told:
        instance.report_runless_asset_event(each)
    assert days.tick(instance).asset_events == []
    days.add_late_reading(FIRST)
    assert days.tick(instance).asset_events == [], "a run of Dagster's tells of that"


@pytest.mark.long
def test_a_late_row_has_the_day_run_again_with_no_click(filled_days: FilledDays, instance: dg.DagsterInstance) -> None:
    days = filled_days(FIRST)
    run_elsewhere(days, instance, FIRST)
    assert remark(days, instance) == "every closed day is in the lake"
    days.add_late_reading(FIRST)
    result = run_as_asked(days, instance)
    assert result.success
    assert remark(days, instance) == "every closed day is in the lake"
    with connect(days.url) as connection:
        (releases,) = oldest_releases(connection, FIRST)
    assert releases.newest_release == 2
    for asset in ("day_report", "restatements"):
        (told,) = result.asset_materializations_for_node(asset)
        assert told.metadata["release"].value == 2
        assert str(told.metadata["restated"].value).startswith("1 late reading of ")


@pytest.mark.long
def test_what_failed_for_a_reason_waits_for_a_person(filled_days: FilledDays, instance: dg.DagsterInstance) -> None:
    days = replace(filled_days(FIRST), catalog=catalog_of(FIGURES))
    days.add_late_reading(FIRST, soc_percent=150.0)
    result = run_as_asked(days, instance, only=["vehicle_readings"])
    assert not result.success
    for _ in range(2):
        assert remark(days, instance) == (
            f"{FIRST} waits for a person: its run {result.run_id[:8]} failed: "
            "What depends on this is not made, because a check failed.\n"
            "vehicle_readings: 1 row violates: soc_percent of vehicle_readings must be between 0 and 100 "
            "(accepted_range_soc_percent)\n"
            f"When that is put right, re-execute the run, or: fleetwatt run-day {FIRST}"
        )
    with connect(days.url) as connection:
        connection.execute("UPDATE vehicle_readings SET soc_percent = 50 WHERE soc_percent = 150")
    days.add_late_reading(FIRST, minute=1)
    run_elsewhere(days, instance, FIRST)  # late readings queue another rebuild
    assert remark(days, instance) == "every closed day is in the lake"


def test_a_run_that_broke_off_is_tried_a_few_times(
    filled_days: FilledDays, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = filled_days(FIRST)
    keys = set()
    for attempt in range(MOST_ATTEMPTS):
        (request,) = asked(days, instance)
        keys.add(request.run_key)
        for _ in range(2):  # as Dagster repeats it by itself
            days.leave_a_run(instance, dg.DagsterRunStatus.FAILURE, tags_of(request))
        if attempt + 1 < MOST_ATTEMPTS:
            with monkeypatch.context() as patch:
                patch.setattr(past_runs, "FIRST_PAUSE_S", float("inf"))
                assert "broke off and is soon repeated: its process was lost" in remark(days, instance)
            monkeypatch.setattr(past_runs, "FIRST_PAUSE_S", 0)
    assert len(keys) == MOST_ATTEMPTS, "Dagster runs a key once"
    assert f"broke off, as it did in {MOST_ATTEMPTS - 1} attempts before: its process" in remark(days, instance)


def test_days_that_failed_together_are_run_one_by_one(filled_days: FilledDays, instance: dg.DagsterInstance) -> None:
    days = filled_days(FIRST, SECOND)
    (request,) = asked(days, instance)
    days.leave_a_run(instance, dg.DagsterRunStatus.FAILURE, tags_of(request))
    assert [request.partition_key for request in asked(days, instance)] == [FIRST.isoformat(), SECOND.isoformat()]


def test_days_that_a_person_canceled_together_are_left_to_persons(
    filled_days: FilledDays, instance: dg.DagsterInstance
) -> None:
    days = filled_days(FIRST, SECOND)
    (request,) = asked(days, instance)
    days.leave_a_run(instance, dg.DagsterRunStatus.CANCELED, tags_of(request))
    assert remark(days, instance).count("was canceled") == 2
    days.add_late_reading(SECOND)
    assert [request.partition_key for request in asked(days, instance)] == [SECOND.isoformat()], "another rebuild"


def test_large_days_are_run_one_by_one(
    filled_days: FilledDays, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = filled_days(FIRST, SECOND)
    monkeypatch.setattr(day_plan, "SMALL_BYTES", 8192)
    assert [request.partition_key for request in asked(days, instance)] == [FIRST.isoformat(), SECOND.isoformat()]


def test_a_run_that_a_person_canceled_is_left_to_persons(filled_days: FilledDays, instance: dg.DagsterInstance) -> None:
    days = filled_days(FIRST)
    (request,) = asked(days, instance)
    days.leave_a_run(instance, dg.DagsterRunStatus.CANCELED, tags_of(request))
    assert "was canceled" in remark(days, instance)


def test_without_a_database_it_says_so(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    days = Days("postgresql://fleet@127.0.0.1:1/fleetwatt", tmp_path)
    assert remark(days, instance).startswith("The database cannot be reached: ")
