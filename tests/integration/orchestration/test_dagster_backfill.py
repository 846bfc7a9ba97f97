"""Several days as one run, as in a backfill: the same files, told of day by day."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from orchestration.assets.partitions import days_of_run, range_tags
from tests.integration.orchestration.dagster_days import FIRST, SECOND, Days
from tests.lake_folder import days_of, newest_file
from warehouse.contract.partitions import Stream, days_between
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger

BOTH = (FIRST, SECOND)


@pytest.fixture
def days(database_url: str, tmp_path: Path) -> Days:
    found = Days(database_url, tmp_path / "one run")
    found.home.mkdir()
    found.fill(*BOTH)
    return found


def test_it_makes_what_a_run_a_day_makes_and_tells_of_each_day(
    days: Days, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    result = days.run_together(instance, *BOTH)
    assert result.success
    with connect(days.url) as connection:
        assert day_ledger.days_to_run(connection) == []

    one_by_one = Days(days.url, tmp_path / "one by one").pipeline
    for day in BOTH:
        one_by_one.run(day)
    for name in days.pipeline.catalog.models:
        made = told_of(instance, name)
        for day in BOTH:
            ours, theirs = (
                pl.read_parquet(newest_file(pipeline.lake, name, day)) for pipeline in (days.pipeline, one_by_one)
            )
            assert ours.equals(theirs), (name, day)
            told = made[str(day)]
            assert told["dagster/row_count"].value == ours.height
            assert told["path"].value == str(newest_file(days.pipeline.lake, name, day))
    reports = told_of(instance, "day_report")
    assert reports[str(FIRST)]["ac_kwh"].value != reports[str(SECOND)]["ac_kwh"].value

    evaluations = result.get_asset_check_evaluations()
    declared = sum(len(model.checks) for model in days.pipeline.catalog.models.values())
    assert len(evaluations) == declared + len(Stream), "one of each check, for both days"
    assert {str(each.metadata["days"].value) for each in evaluations} == {f"{FIRST} to {SECOND}"}
    assert all(each.passed for each in evaluations)


def test_a_check_that_fails_on_one_day_names_it_and_the_days_are_run_one_by_one(
    days: Days, instance: dg.DagsterInstance
) -> None:
    days.add_late_reading(SECOND, soc_percent=150.0)
    result = days.run_together(instance, *BOTH)
    (failed,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert str(failed.description).startswith(f"{SECOND}: 1 row against: soc_percent of vehicle_readings lies between")
    assert (failed.metadata["day"].value, failed.metadata["failed_days"].value) == (str(SECOND), 1)
    assert {event.step_key for event in result.get_step_failure_events()} == {"vehicle_readings"}

    requests = days.tick(instance).run_requests or []
    assert [request.partition_key for request in requests] == [str(FIRST), str(SECOND)], "now each by itself"


def test_its_days_are_under_way(days: Days, instance: dg.DagsterInstance) -> None:
    tags = range_tags(str(FIRST), str(SECOND))
    job = days.definitions.resolve_job_def("run_day")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    assert days_of_run(run) == [FIRST, SECOND]
    assert str(days.tick(instance).skip_message) == f"{FIRST} is under way\n{SECOND} is under way"


@pytest.mark.parametrize("tags", [{}, {"dagster/partition": "2026-02-08-13:00"}])
def test_a_run_for_an_hour_or_for_nothing_has_no_days(tags: dict[str, str]) -> None:
    assert days_of_run(dg.DagsterRun("write_hours", tags=tags)) == []


def told_of(instance: dg.DagsterInstance, name: str) -> dict[str, dict[str, dg.MetadataValue[Any]]]:
    """The metadata of an asset by day."""
    records = instance.fetch_materializations(dg.AssetKey(name), limit=100).records
    found = [record.asset_materialization for record in records]
    return {str(each.partition): dict(each.metadata) for each in found if each}


EMPTY, EARLIER = SECOND + timedelta(days=1), FIRST - timedelta(days=8)
"""With partitions that nothing came into, and a day of which there are not even these."""


@pytest.mark.parametrize(("first", "last"), [(FIRST, EMPTY), (EARLIER, FIRST), (EARLIER, SECOND + timedelta(days=2))])
def test_days_without_readings_are_skipped_and_said(
    days: Days, instance: dg.DagsterInstance, first: date, last: date
) -> None:
    result = days.run_together(instance, first, last)
    assert result.success
    wanted = {day for day in BOTH if first <= day <= last}
    for name in days.pipeline.catalog.models:
        assert set(days_of(days.pipeline.lake, name)) == wanted, name
        told = told_of(instance, name)
        states = {day: str(metadata["state"].value) for day, metadata in told.items()}
        for day in days_between(first, last):
            assert (states[str(day)] == "skipped: it has no readings") == (day not in wanted), (name, day)
    with connect(days.url) as connection:
        assert {each.day for each in day_ledger.days_to_run(connection)} == set(BOTH) - wanted


@pytest.mark.parametrize("day", [EMPTY, EARLIER])
def test_a_run_of_nothing_but_such_a_day_does_nothing_and_says_why(
    days: Days, instance: dg.DagsterInstance, day: date
) -> None:
    result = days.run(instance, day)
    assert result.success
    assert str(told_of(instance, "day_report")[str(day)]["state"].value) == "skipped: it has no readings"
    assert not days_of(days.pipeline.lake, "hourly_energy")


def test_a_day_that_is_not_closed_waits_for_its_time_and_the_others_are_made(
    days: Days, instance: dg.DagsterInstance
) -> None:
    with connect(days.url) as connection:
        connection.execute(
            "UPDATE partition_ledger SET seal_after = now() + interval '1 hour' WHERE day = %s", [SECOND]
        )
    assert days.run_together(instance, *BOTH).success
    assert set(days_of(days.pipeline.lake, "hourly_energy")) == {FIRST}
    told = str(told_of(instance, "day_report")[str(SECOND)]["state"].value)
    assert told.startswith("skipped: it is not closed before ")
