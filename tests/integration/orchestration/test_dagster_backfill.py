"""Several days as one run, as in a backfill: the same files, told of day by day."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import polars as pl
import pytest

from orchestration.assets.partitions import days_of_run, range_tags
from tests.conftest import fresh_database
from tests.fewer_models import catalog_of
from tests.integration.orchestration.conftest import FilledDays, FilledTemplate
from tests.integration.orchestration.dagster_days import FIGURES, FIRST, SECOND, Days
from tests.lake_folder import days_of, newest_file
from warehouse.contract.partitions import Stream
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger

pytestmark = pytest.mark.long
BOTH = (FIRST, SECOND)
SOME_MODELS = catalog_of(FIGURES, "daily_vehicle_costs", "weekly_vehicle_losses")
"""One of a seed and one that looks back among them: each is run in the same way, and a day has all of them in
``test_dagster_day``."""
WITHOUT_PARTITIONS, EMPTY, OPEN = FIRST - timedelta(days=1), SECOND + timedelta(days=1), SECOND + timedelta(days=2)
"""A day without partitions, one with partitions that nothing came into, and one with readings that is not closed."""


@pytest.fixture
def days(filled_days: FilledDays) -> Days:
    return filled_days(*BOTH)


def lose_partitions(days: Days, day: date) -> None:
    with connect(days.url) as connection:
        for stream in Stream:
            connection.execute(f"DROP TABLE {stream}_{day:%Y_%m_%d}".encode())
        connection.execute("DELETE FROM partition_ledger WHERE day = %s", [day])


def keep_open(days: Days, day: date) -> None:
    with connect(days.url) as connection:
        connection.execute("UPDATE partition_ledger SET seal_after = now() + interval '1 hour' WHERE day = %s", [day])


class Ran(NamedTuple):
    """One run of days of every kind."""

    days: Days
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def ran(server_url: str, filled_template: FilledTemplate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    with fresh_database(server_url, filled_template(*BOTH)) as url, dg.DagsterInstance.ephemeral() as instance:
        days = Days(url, tmp_path_factory.mktemp("home"), SOME_MODELS)
        lose_partitions(days, WITHOUT_PARTITIONS)
        days.add_late_reading(OPEN)
        keep_open(days, OPEN)
        yield Ran(days, instance, days.run_together(instance, WITHOUT_PARTITIONS, OPEN))


def told_of(instance: dg.DagsterInstance, name: str) -> dict[str, dict[str, dg.MetadataValue[Any]]]:
    """The metadata of an asset by day."""
    records = instance.fetch_materializations(dg.AssetKey(name), limit=100).records
    found = [record.asset_materialization for record in records]
    return {str(each.partition): dict(each.metadata) for each in found if each}


def test_it_makes_what_a_run_a_day_makes_and_tells_of_each_day(ran: Ran, tmp_path: Path) -> None:
    assert ran.result.success
    catalog, lake = ran.days.pipeline.catalog, ran.days.pipeline.lake
    one_by_one = Days(ran.days.url, tmp_path, SOME_MODELS).pipeline
    made = {name: told_of(ran.instance, name) for name in (*catalog.models, "day_report")}
    for day in BOTH:
        one_by_one.run(day)
        for name in catalog.models:
            ours, theirs = (pl.read_parquet(newest_file(each, name, day)) for each in (lake, one_by_one.lake))
            assert ours.equals(theirs), (name, day)
            told = made[name][str(day)]
            assert told["dagster/row_count"].value == ours.height
            assert told["path"].value == str(newest_file(lake, name, day))
    reports = made["day_report"]
    assert reports[str(FIRST)]["ac_kwh"].value != reports[str(SECOND)]["ac_kwh"].value


def test_it_has_one_of_each_check_for_all_days(ran: Ran) -> None:
    evaluations = ran.result.get_asset_check_evaluations()
    declared = sum(len(model.checks) for model in ran.days.pipeline.catalog.models.values())
    assert len(evaluations) == declared + len(Stream)
    assert {str(each.metadata["days"].value) for each in evaluations} == {f"{FIRST} to {SECOND}"}
    assert all(each.passed for each in evaluations)


def test_days_without_readings_are_skipped_and_said(ran: Ran) -> None:
    for name in ran.days.pipeline.catalog.models:
        assert set(days_of(ran.days.pipeline.lake, name)) == {*BOTH}, name
        told = told_of(ran.instance, name)
        states = {day: str(metadata["state"].value) for day, metadata in told.items()}
        assert states.keys() == {str(day) for day in (WITHOUT_PARTITIONS, *BOTH, EMPTY, OPEN)}
        for day in (WITHOUT_PARTITIONS, *BOTH, EMPTY):
            assert (states[str(day)] == "skipped: it has no readings") == (day not in BOTH), (name, day)
    with connect(ran.days.url) as connection:
        assert {each.day for each in day_ledger.days_to_run(connection)}.isdisjoint(BOTH)


def test_a_day_that_is_not_closed_waits_for_its_time_and_the_others_are_made(ran: Ran) -> None:
    for name in (*ran.days.pipeline.catalog.models, "day_report"):
        told = str(told_of(ran.instance, name)[str(OPEN)]["state"].value)
        assert told.startswith("skipped: it is not closed before "), name


@pytest.mark.parametrize("day", [EMPTY, WITHOUT_PARTITIONS], ids=["empty", "without partitions"])
def test_a_run_of_nothing_but_such_a_day_does_nothing_and_says_why(
    days: Days, instance: dg.DagsterInstance, day: date
) -> None:
    lose_partitions(days, WITHOUT_PARTITIONS)
    result = days.run(instance, day, only=["meter_readings", "hourly_energy", "flagged_steps", "day_report"])
    assert result.success
    assert str(told_of(instance, "day_report")[str(day)]["state"].value) == "skipped: it has no readings"
    assert not days_of(days.pipeline.lake, "hourly_energy")


def test_a_check_that_fails_on_one_day_names_it_and_the_days_are_run_one_by_one(
    days: Days, instance: dg.DagsterInstance
) -> None:
    days.add_late_reading(SECOND, soc_percent=150.0)
    result = days.run_together(instance, *BOTH)
    (failed,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert str(failed.description).startswith(
        f"{SECOND}: 1 row violates: soc_percent of vehicle_readings must be between"
    )
    assert (failed.metadata["day"].value, failed.metadata["failed_days"].value) == (str(SECOND), 1)
    assert {event.step_key for event in result.get_step_failure_events()} == {"vehicle_readings"}

    requests = days.tick(instance).run_requests or []
    assert [request.partition_key for request in requests] == [str(FIRST), str(SECOND)], "now each by itself"


def test_its_days_are_under_way(days: Days, instance: dg.DagsterInstance) -> None:
    days.leave_a_run(instance, dg.DagsterRunStatus.STARTED, range_tags(*map(str, BOTH)))
    (run,) = instance.get_runs()
    assert days_of_run(run) == [FIRST, SECOND]
    assert str(days.tick(instance).skip_message) == f"{FIRST} is under way\n{SECOND} is under way"


@pytest.mark.parametrize("tags", [{}, {"dagster/partition": "2026-02-08-13:00"}])
def test_a_run_for_an_hour_or_for_nothing_has_no_days(tags: dict[str, str]) -> None:
    assert days_of_run(dg.DagsterRun("write_hours", tags=tags)) == []
