"""The daily pipeline writes findings with the release of a day, and what people did to them stays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.fewer_models import catalog_of
from tests.integration.lake.copied_days import copy_of
from tests.integration.lake.drawn_days import made, run_what_is_queued, stored
from tests.integration.lake.lossy_days import DAYS, fleet, lossy_days
from warehouse.contract.partitions import midnight
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect
from warehouse.postgres.findings.acts import Act, Request, act_on_finding
from warehouse.postgres.ledger import day_ledger


@pytest.fixture(scope="module")
def whole(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DailyPipeline]:
    """The days, run once; readings of a charge of the first day are missing."""
    with lossy_days(server_url, template, tmp_path_factory.mktemp("findings"), catalog_of("findings")) as pipeline:
        yield pipeline


@pytest.fixture
def pipeline(whole: DailyPipeline, server_url: str, tmp_path: Path) -> Iterator[DailyPipeline]:
    """A copy, to go on with."""
    with copy_of(whole, server_url, tmp_path) as copied:
        yield copied


@pytest.fixture
def connection(pipeline: DailyPipeline) -> Iterator[psycopg.Connection]:
    """A connection to the database of the copy."""
    with connect(pipeline.url) as connection:
        yield connection


def finding(connection: psycopg.Connection) -> dict[str, Any]:
    """The only loss."""
    with connection.cursor(row_factory=dict_row) as cursor:
        (found,) = cursor.execute("SELECT * FROM findings WHERE rule = 'R1'").fetchall()
    return found


def events(connection: psycopg.Connection) -> list[str]:
    statement = "SELECT event FROM finding_events JOIN findings USING (finding_id) WHERE rule = 'R1' ORDER BY event_id"
    return [event for (event,) in connection.execute(statement)]


def acknowledge(connection: psycopg.Connection) -> None:
    connection.execute("UPDATE findings SET state = 'acknowledged', assigned_to = 'ann'")


def test_a_loss_of_the_newest_day_is_a_finding_with_what_it_costs(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    row = finding(connection)
    loss = made(pipeline, DAYS[2], "loss_findings").row(0, named=True)
    assert (str(row["finding_id"]), row["state"], row["day"]) == (loss["finding_id"], "open", DAYS[2])
    assert (row["points"], row["excess_kwh"], row["onset_at"]) == (
        loss["points"],
        loss["excess_kwh"],
        loss["onset_at"],
    )
    assert row["subject"] == "vehicle vehicle at meter meter"
    price = made(pipeline, DAYS[2], "tariffs")["price_per_kwh"].item()
    assert row["cost"] == pytest.approx(loss["excess_kwh"] * price)
    assert row["cost_per_month"] == pytest.approx(30 * row["cost"]), "it began today"
    assert events(connection) == ["opened"]


def test_a_day_that_is_run_again_tells_nothing_new(pipeline: DailyPipeline, connection: psycopg.Connection) -> None:
    acknowledge(connection)
    before = finding(connection)
    for day in (DAYS[2], DAYS[0]):
        pipeline.run(day)
    assert finding(connection) == before
    assert events(connection) == ["opened"]


def test_a_restatement_changes_figures_and_not_what_a_person_did(
    pipeline: DailyPipeline, connection: psycopg.Connection, tmp_path: Path
) -> None:
    acknowledge(connection)
    before = finding(connection)
    stored(pipeline.url, fleet(), tmp_path)
    assert run_what_is_queued(pipeline, connection) == DAYS
    after = finding(connection)
    assert after["z"] != before["z"], "a session more is known from before the loss"
    kept = ("finding_id", "state", "assigned_to", "revision", "opened_on")
    assert [after[name] for name in kept] == [before[name] for name in kept]


def test_what_is_restated_away_while_it_is_acknowledged_says_so(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    acknowledge(connection)
    connection.execute("UPDATE vehicle_meter_map SET valid_to = %s", [midnight(DAYS[2])])
    day_ledger.request_build(connection, DAYS[2], "a test")
    run_what_is_queued(pipeline, connection)
    row = finding(connection)
    assert (row["state"], row["assigned_to"]) == ("resolved", "ann")
    assert row["resolved_because"] == f"restated away: the data of {DAYS[2]} do not show it any more"
    assert events(connection) == ["opened", "resolved"]


def test_findings_change_with_the_release_or_not_at_all(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE findings SET points = 0")
    connection.execute("ALTER TABLE day_builds ADD CONSTRAINT full_disk CHECK (built < 0) NOT VALID")
    with pytest.raises(psycopg.errors.CheckViolation):
        pipeline.run(DAYS[2])
    assert finding(connection)["points"] == 0
    connection.execute("ALTER TABLE day_builds DROP CONSTRAINT full_disk")
    pipeline.run(DAYS[2])
    assert finding(connection)["points"] > 5


def test_a_model_that_is_built_by_itself_tells_too_and_that_of_an_older_day_does_not(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE findings SET points = 0")
    pipeline.build_models(DAYS[1], ["findings"])
    assert finding(connection)["points"] == 0
    pipeline.build_models(DAYS[2], ["findings"])
    assert finding(connection)["points"] > 5


@pytest.mark.long
def test_what_is_accepted_as_normal_begins_the_baseline_again_in_the_lake_too(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    before = finding(connection)
    act_on_finding(connection, before["finding_id"], Request(Act.ACCEPT, "ann", note="a longer cable"))
    assert [each.day for each in day_ledger.days_to_run(connection)] == [DAYS[2]]
    assert run_what_is_queued(pipeline, connection) == [DAYS[2]]
    loss = made(pipeline, DAYS[2], "loss_findings").row(0, named=True)
    assert (loss["state"], loss["closed_on"]) == ("accepted", DAYS[2])
    expected = [(str(before["finding_id"]), 1, 1, DAYS[2])]
    assert made(pipeline, DAYS[2], "accepted_losses").rows() == expected
    row = finding(connection)
    assert (row["state"], row["told_state"]) == ("accepted", "accepted")
    pipeline.run(DAYS[1])
    assert made(pipeline, DAYS[1], "loss_findings").is_empty(), "it holds from its day on"

    act_on_finding(connection, before["finding_id"], Request(Act.REOPEN, "ben", note="it was not the cable"))
    assert run_what_is_queued(pipeline, connection) == [DAYS[2]]
    assert made(pipeline, DAYS[2], "loss_findings")["state"].to_list() == ["open"]
    assert made(pipeline, DAYS[2], "accepted_losses").is_empty()
    row = finding(connection)
    assert (row["state"], row["told_state"]) == ("open", "open")
    assert events(connection) == ["opened", "accepted", "reopened"]


def test_only_losses_that_sessions_tell_of_are_built_again_when_accepted(
    pipeline: DailyPipeline, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE findings SET rule = 'R2' WHERE rule = 'R1'")
    for (finding_id,) in connection.execute("SELECT finding_id FROM findings").fetchall():
        act_on_finding(connection, finding_id, Request(Act.ACCEPT, "ann"))
    assert day_ledger.days_to_run(connection) == []
