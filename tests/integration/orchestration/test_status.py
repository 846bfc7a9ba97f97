"""What ``fleetwatt status`` says of closed days that the lake does not have: the same as Dagster's sensor."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import dagster as dg
import pytest
from psycopg.sql import SQL, Identifier

from orchestration.dagster_runtime.instance import opened
from orchestration.dagster_runtime.own_database import DagsterDatabaseError, make_database, require_usable
from orchestration.tags import RUN_KEY_TAG
from tests.dropped_database import drop_database
from tests.integration.orchestration.conftest import FilledDays, Fleetwatt
from tests.integration.orchestration.dagster_days import FIRST, Days
from warehouse.contract.errors import DatabaseUnfitError
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import begin_build, confirm_build, request_build
from warehouse.postgres.ledger.gaps import register_gaps
from warehouse.postgres.ledger.lake_files import find_lake_file, publish_file, release_day
from warehouse.postgres.ledger.restatements import Restatement, add_restatement
from warehouse.settings import FleetSettings, read

_numbers = count(1)


@pytest.fixture
def days(filled_days: FilledDays, monkeypatch: pytest.MonkeyPatch) -> Days:
    """A day with a reading that a check refuses, and the settings to find it."""
    days = filled_days(FIRST)
    days.add_late_reading(FIRST, soc_percent=150.0)
    monkeypatch.setenv("FLEET_DATABASE_URL", days.url)
    return days


@pytest.fixture
def dagster_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of Dagster's database, which is not made yet."""
    name = f"status_{os.getpid()}_{next(_numbers)}"
    monkeypatch.setenv("FLEET_DAGSTER_DATABASE", name)
    yield name
    with connect(database_url) as admin:
        drop_database(admin, name)


def test_where_dagster_was_never_started_the_way_by_hand_is_shown(
    days: Days, dagster_database: str, fleetwatt: Fleetwatt
) -> None:
    with opened(days.url, read(FleetSettings)) as instance:
        assert instance is None
    shown = fleetwatt("status")
    assert shown.out.endswith(f"{FIRST} is to be run, and Dagster was never started: fleetwatt run-day DAY\n")


def test_a_day_that_waits_for_a_person_says_why(days: Days, dagster_database: str, fleetwatt: Fleetwatt) -> None:
    make_database(days.url, dagster_database)
    assert f"\n{FIRST} is to be run: " in fleetwatt("status").out
    with opened(days.url, read(FleetSettings)) as instance:
        assert instance is not None
        run = _run_as_asked(days, instance)
    waits = f"{FIRST} waits for a person: its run {run[:8]} failed: "
    reason = "vehicle_readings: 1 row violates: soc_percent of vehicle_readings must be between 0 and 100"
    shown = fleetwatt("status").out.partition(waits)[2]
    assert reason in shown
    assert f"re-execute the run, or: fleetwatt run-day {FIRST}" in shown
    (told,) = json.loads(fleetwatt("status", "--json").out)["daysToRun"]
    assert told.startswith(waits)


def test_a_rebuilt_day_says_in_words_what_changed(
    filled_days: FilledDays, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = filled_days(FIRST)
    monkeypatch.setenv("FLEET_DATABASE_URL", days.url)
    summary = "1 late reading of meter-00010; lost_against_target_kwh 0.535 -> 2.035"
    with connect(days.url) as connection:
        connection.execute("UPDATE partition_ledger SET state = 'exported', version = 2 WHERE day = %s", [FIRST])
        connection.execute(
            "UPDATE partition_ledger SET late_row_count = (SELECT sum(row_count) FROM late_rows AS late "
            "WHERE late.day = partition_ledger.day AND late.stream = partition_ledger.stream)"
        )
        request_build(connection, FIRST, "it is a test")
        for number in (1, 2):
            begin_build(connection, FIRST)
            confirm_build(connection, FIRST)
            publish_file(connection, "meters", FIRST, version=number, sha256=b"", size_bytes=1, row_count=1)
            assert release_day(connection, FIRST)
        add_restatement(connection, FIRST, 2, Restatement("late", summary, 1, 1, ["meter-00010"], []))
    shown = fleetwatt("status").out
    assert "v2, 0 bytes" in shown
    assert "v2 is a day's second release: it was rebuilt once" in shown
    assert f"{FIRST} rebuilt (v2): {summary}" in shown
    (first, *_) = [
        each for each in json.loads(fleetwatt("status", "--json").out)["partitions"] if each["day"] == str(FIRST)
    ]
    assert (first["release"], first["restatedRelease"], first["restatement"]) == (2, 2, summary)


@pytest.mark.usefixtures("dagster_database")
def test_what_was_imported_is_not_late(days: Days, fleetwatt: Fleetwatt) -> None:
    partitions = json.loads(fleetwatt("status", "--json").out)["partitions"]
    found = {each["stream"]: each for each in partitions if each["rowCount"]}
    late = {stream: each["lateRowCount"] for stream, each in found.items()}
    assert late == {"meter_readings": 0, "vehicle_readings": 1}
    assert all(each["importedRowCount"] == each["rowCount"] - each["lateRowCount"] > 0 for each in found.values())


def test_days_that_were_made_without_a_lost_file_are_told(days: Days, fleetwatt: Fleetwatt) -> None:
    later = [FIRST + timedelta(days=number) for number in (1, 2)]
    with connect(days.url) as connection:
        for day in (FIRST, *later):
            publish_file(connection, "loss_samples", day, version=1, sha256=b"", size_bytes=1, row_count=1)
        lost = find_lake_file(connection, "loss_samples", FIRST)
        assert lost is not None
        for day in later:
            register_gaps(connection, "loss_samples", day, [lost])
    shown = fleetwatt("status").out
    assert f"\n2 days, the first is {later[0]}, were made without loss_samples of {FIRST}, which is lost: " in shown
    (gap,) = json.loads(fleetwatt("status", "--json").out)["gaps"]
    assert gap == {
        "dataset": "loss_samples",
        "day": str(FIRST),
        "madeDayCount": 2,
        "firstMadeDay": str(later[0]),
    }


def _run_as_asked(days: Days, instance: dg.DagsterInstance) -> str:
    (request,) = days.tick(instance).run_requests or []
    tags = {**request.tags, RUN_KEY_TAG: str(request.run_key)}
    result = days.run(instance, FIRST, tags, only=["vehicle_readings"])
    assert not result.success
    return result.run_id


def test_a_database_that_dagster_cannot_use_is_a_sentence(
    days: Days, dagster_database: str, fleetwatt: Fleetwatt
) -> None:
    make_database(days.url, dagster_database)
    require_usable(days.url, dagster_database)
    of_dagster = days.url.rpartition("/")[0] + f"/{dagster_database}"
    with connect(of_dagster) as connection:
        connection.execute("DROP SCHEMA public")
    with pytest.raises(DatabaseUnfitError, match="no schema public"):
        require_usable(days.url, dagster_database)
    shown = fleetwatt("status")
    assert f"{FIRST} is to be run: fleetwatt run-day DAY" in shown.out
    assert f"Dagster's database cannot be used: the database {dagster_database} cannot be read: " in shown.out
    assert "Traceback" not in shown.out + shown.err


def test_a_role_that_may_not_make_dagsters_tables_is_told_before_its_processes_try(
    admin_url: str, database_url: str, dagster_database: str
) -> None:
    with connect(admin_url) as admin:
        admin.execute(SQL("CREATE DATABASE {}").format(Identifier(dagster_database)))
    if admin_url == database_url:
        pytest.skip("the role of the tests may do everything")
    with pytest.raises(DagsterDatabaseError, match=f"ALTER DATABASE {dagster_database} OWNER TO"):
        require_usable(database_url, dagster_database)
    with connect(admin_url) as admin:
        drop_database(admin, dagster_database)
