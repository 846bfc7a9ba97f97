"""A day as Dagster runs it, on a real PostgreSQL and real Parquet."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import polars as pl
import psycopg
import pytest

from tests.conftest import Server, fresh_database
from tests.fewer_models import catalog_of
from tests.integration.orchestration.conftest import FilledDays, FilledTemplate
from tests.integration.orchestration.dagster_days import FIGURES, FIRST, SECOND, TODAY, VEHICLES, Days
from tests.lake_folder import has_file, newest_file
from warehouse.contract.database_roles import Role
from warehouse.contract.partitions import AHEAD_DAYS, Stream
from warehouse.lake.export import DECISIONS, TABLES
from warehouse.lake.provenance import ENERGY
from warehouse.lake.snapshot import released_snapshot
from warehouse.lifecycle.fault_step import FAULTS
from warehouse.lifecycle.loss_step import LOSSES
from warehouse.lifecycle.session_step import SESSIONS
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import oldest_releases
from warehouse.report.report_file import FOLDER, NEWEST, due_reports


@pytest.fixture
def days(filled_days: FilledDays) -> Days:
    return filled_days(FIRST)


@pytest.fixture
def connection(days: Days) -> Iterator[psycopg.Connection]:
    """A connection to the database of the days."""
    with connect(days.url) as connection:
        yield connection


def step_of(name: str) -> str:
    steps = {"energy": ENERGY, "sessions": SESSIONS, "faults": FAULTS, "losses": LOSSES}
    return next((step for step, names in steps.items() if name in names), name)


class Ran(NamedTuple):
    """The second of two days, run by Dagster; and the same without it."""

    days: Days
    result: dg.ExecuteInProcessResult
    without_dagster: Days
    releases: list[tuple[int, int]]
    """Of the second day, behind Dagster's run: its oldest release and its newest."""


@pytest.fixture(scope="module")
def ran(
    postgres_server: Server, filled_template: FilledTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ran]:
    homes, template = tmp_path_factory.mktemp("homes"), filled_template(FIRST, SECOND)
    with fresh_database(postgres_server.url, template) as url, dg.DagsterInstance.ephemeral() as instance:
        as_pipeline = postgres_server.address(Role.PIPELINE, url)
        days, without_dagster = (Days(url, homes / name, pipeline_url=as_pipeline) for name in ("with", "without"))
        days.pipeline.run(FIRST)
        shutil.copytree(days.home, without_dagster.home)
        result = days.run(instance, SECOND)
        with connect(url) as connection:
            assert day_ledger.days_to_run(connection) == []
            releases = [(each.release, each.newest_release) for each in oldest_releases(connection, SECOND)]
        without_dagster.pipeline.run(SECOND)
        yield Ran(days, result, without_dagster, releases)


def test_the_report_for_people_is_written_from_what_is_released(ran: Ran) -> None:
    with connect(ran.days.url) as connection:
        due = due_reports(released_snapshot(connection, ran.days.pipeline.lake))
    folder = ran.days.home / FOLDER
    names = []
    for _ in range(2):
        with dg.DagsterInstance.ephemeral() as instance:
            result = ran.days.definitions.resolve_job_def("write_report").execute_in_process(instance=instance)
        (made,) = result.asset_materializations_for_node("fleet_report")
        assert made.metadata["newest"].value == str(folder / NEWEST)
        names.append({Path(path).name for path in str(made.metadata["written"].value).splitlines()})
    assert names == [set(due), {NEWEST}], "what ended is written once"
    assert {path.name for path in folder.iterdir()} == set(due)
    page = (folder / NEWEST).read_text(encoding="utf-8")
    assert f"fleetwatt report --week --until {SECOND}" in page
    assert f"{VEHICLES} vehicles, {VEHICLES} meters" in page


def test_a_day_in_dagster_equals_the_same_day_run_without_it(ran: Ran) -> None:
    assert ran.result.success
    for name in ran.days.pipeline.catalog.models:
        ours, theirs = (
            pl.read_parquet(newest_file(each.pipeline.lake, name, SECOND)) for each in (ran.days, ran.without_dagster)
        )
        assert ours.equals(theirs), name


def test_readers_see_the_first_build_of_a_day_all_at_once(ran: Ran) -> None:
    assert ran.releases == [(1, 1)]


def test_what_a_run_tells(ran: Ran) -> None:
    days, result = ran.days, ran.result
    export = told(result, "meter_readings")
    path = newest_file(days.pipeline.lake, "meter_readings", SECOND)
    assert export["dagster/row_count"].value == pl.read_parquet(path).height
    assert (export["version"].value, export["state"].value) == (1, "made")
    assert (export["path"].value, export["size_bytes"].value) == (str(path), path.stat().st_size)

    report = told(result, "day_report")
    assert report["vehicle_count"].value == VEHICLES
    assert 0.5 < float(str(report["efficiency_ratio"].value)) < 1

    lineage = export["dagster/column_lineage"].value
    assert lineage == dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey(["postgres", "meter_readings"]), name)]
            for name in ("meter_id", "ts", "kwh", "voltage_volts")
        }
    )
    of_mart = told(result, "daily_fleet_efficiency")["dagster/column_lineage"].value
    assert isinstance(of_mart, dg.TableColumnLineage)
    assert of_mart.deps_by_column["lost_kwh"] == [
        dg.TableColumnDep(dg.AssetKey("daily_vehicle_efficiency"), name)
        for name in ("ac_kwh", "dc_kwh", "efficiency_ratio")
    ]
    assert (report["release"].value, report["restated"].value) == (1, "nothing")
    restatements = told(result, "restatements")
    assert (restatements["restated"].value, restatements["dagster/row_count"].value) == ("nothing", 0)

    assert "preview" not in export
    spread = told(result, "efficiency_distribution")
    assert str(spread["preview"].value).startswith("| bin | from_ratio | to_ratio | vehicle_count | ac_kwh |")
    assert "█" in str(spread["plot"].value)

    evaluations = result.get_asset_check_evaluations()
    declared = sum(len(model.checks) for model in days.pipeline.catalog.models.values())
    assert len(evaluations) == declared + len(Stream)
    assert all(evaluation.passed for evaluation in evaluations)
    assert {(each.asset_key.path[-1], each.check_name) for each in evaluations if not each.blocking} == {
        (model.name, check.name)
        for model in days.pipeline.catalog.models.values()
        for check in model.checks
        if not check.is_blocking
    }


def told(result: dg.ExecuteInProcessResult, name: str) -> dict[str, dg.MetadataValue[Any]]:
    (event,) = result.asset_materializations_for_node(name)
    return dict(event.metadata)


def why(result: dg.ExecuteInProcessResult, step: str) -> str:
    """What a failed step says to a person."""
    failure = result.failure_data_for_node(step)
    assert failure is not None
    assert failure.user_failure_data is not None
    return str(failure.user_failure_data.description)


def test_a_failed_check_stops_what_depends_on_it_and_says_why(
    days: Days, instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    days.add_late_reading(FIRST, soc_percent=150.0)
    result = days.run(instance, FIRST)

    assert {event.step_key for event in result.get_step_failure_events()} == {"vehicle_readings"}
    assert "1 row violates: soc_percent of vehicle_readings must be between 0 and 100" in why(
        result, "vehicle_readings"
    )
    (failed,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert (failed.check_name, failed.metadata["failing_rows"].value) == ("accepted_range_soc_percent", 1)
    assert "150.0" in str(failed.metadata["sample"].value)

    stopped = days.pipeline.catalog.models.keys() - {
        "meter_readings",
        "vehicle_readings",
        *TABLES,
        *DECISIONS,
        "tariffs",
        "devices",
        "mapped_devices",
    }
    ran = {event.step_key for event in result.all_events if event.is_step_start}
    assert ran.isdisjoint({step_of(name) for name in stopped} | {"day_report"})
    assert not any(has_file(days.pipeline.lake, name, FIRST) for name in stopped)
    assert FIRST in [each.day for each in day_ledger.days_to_run(connection)], "it is not done"


@pytest.mark.long
def test_a_warning_is_shown_and_stops_nothing(days: Days, instance: dg.DagsterInstance) -> None:
    catalog = catalog_of(FIGURES)
    declared = catalog.models["vehicle_readings"]
    warning = replace(declared, checks=tuple(replace(check, is_blocking=False) for check in declared.checks))
    days = replace(days, catalog=replace(catalog, models={**catalog.models, "vehicle_readings": warning}))
    days.add_late_reading(FIRST, soc_percent=150.0)
    result = days.run(instance, FIRST)
    assert result.success
    (failed,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert (failed.check_name, failed.severity) == ("accepted_range_soc_percent", dg.AssetCheckSeverity.WARN)
    assert not failed.blocking
    said: list[str] = []
    days.pipeline.run(FIRST, said.append)
    assert f"{FIRST}: warning: soc_percent of vehicle_readings must be between 0 and 100 (1 row)" in said
    assert said[-1] == f"{FIRST}: done"


def test_a_file_that_is_not_what_the_ledger_says_is_told_apart(
    days: Days, instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    assert days.run(instance, FIRST, only=["meter_readings"]).success
    connection.execute("UPDATE partition_ledger SET row_count = row_count + 1 WHERE stream = 'meter_readings'")
    result = days.run(instance, FIRST, only=["meter_readings"])
    assert told(result, "meter_readings")["state"].value == "current"
    (failed,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert failed.check_name == "file_equals_ledger"
    assert "row_count: the ledger says " in str(failed.description)
    assert {event.step_key for event in result.get_step_failure_events()} == {"meter_readings"}


def test_a_damaged_file_ends_the_step_in_plain_words(days: Days, instance: dg.DagsterInstance) -> None:
    days = replace(days, catalog=catalog_of(FIGURES))
    days.pipeline.run(FIRST)
    file = newest_file(days.pipeline.lake, "carried_samples", FIRST)
    file.write_bytes(file.read_bytes()[::-1])
    result = days.run(instance, FIRST, only=ENERGY)
    said = why(result, step_of("hourly_energy"))
    assert said.startswith("A file of the lake is not what was published: ")
    assert f"fleetwatt run-day {FIRST}" in said


def test_a_day_that_is_still_open_is_refused_in_plain_words(
    days: Days, instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    connection.execute(
        "UPDATE partition_ledger SET seal_after = clock_timestamp() + interval '1 hour' WHERE day = %s", [FIRST]
    )
    result = days.run(instance, FIRST, only=["meter_readings"])
    assert f"{FIRST} can be sealed from " in why(result, "meter_readings")


def test_the_maintenance_makes_partitions_and_forgets(days: Days, connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO quarantined_readings (code, pointer, detail, source, raw, raw_sha256, size_bytes, last_seen_at) "
        "VALUES ('x', '', '', 'http', '', '', 0, clock_timestamp() - interval '31 days')"
    )
    last = connection.execute("SELECT max(day) FROM partition_ledger").fetchone()
    assert last is not None
    for stream in Stream:
        connection.execute(f"DROP TABLE {stream}_{last[0]:%Y_%m_%d}".encode())
    connection.execute("DELETE FROM partition_ledger WHERE day = %s", last)

    result = days.definitions.resolve_job_def("maintenance").execute_in_process()
    assert result.success
    assert connection.execute("SELECT max(day) FROM partition_ledger").fetchone() == last
    assert connection.execute("SELECT count(*) FROM quarantined_readings").fetchone() == (0,)
    assert AHEAD_DAYS == 14


@pytest.mark.long
def test_the_maintenance_drops_old_days_and_finds_damaged_files(filled_days: FilledDays) -> None:
    long_ago = TODAY - timedelta(days=29)
    days = replace(filled_days(long_ago), catalog=catalog_of(FIGURES))
    days.pipeline.run(long_ago)
    with connect(days.url) as connection:
        connection.execute("UPDATE late_rows SET stored_at = stored_at - INTERVAL '31 days'")
    file = newest_file(days.pipeline.lake, "hourly_energy", long_ago)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEET_RETENTION_DAYS", "7")
        result = days.definitions.resolve_job_def("maintenance").execute_in_process()
    assert result.success
    found = {name: said_of_itself(result, name) for name in ("scrub_lake", "drop_old_days", "forget_runs")}
    assert found["scrub_lake"]["damaged"] == 1
    assert (found["drop_old_days"]["dropped"], found["drop_old_days"]["kept"]) == (2, "none")
    assert found["forget_runs"] == {"forgotten": 0, "kept": 0}
    with connect(days.url) as connection:
        assert [each.day for each in day_ledger.days_to_run(connection)] == [long_ago]


def said_of_itself(result: dg.ExecuteInProcessResult, op: str) -> dict[str, object]:
    """What an op of the maintenance tells with its output."""
    (event,) = [each for each in result.filter_events(lambda each: each.is_successful_output) if each.step_key == op]
    return {name: value.value for name, value in event.step_output_data.metadata.items()}
