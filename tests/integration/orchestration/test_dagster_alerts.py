"""Alerts of findings in Dagster: one run where there is something to tell, and none when nothing is."""

from pathlib import Path

import dagster as dg
import psycopg
import pytest

from orchestration.assets.finding_alerts import FINDING_ALERTS
from tests.integration.orchestration.conftest import Webhook
from tests.integration.orchestration.dagster_days import Days
from tests.stored_findings import add_event, add_finding
from warehouse.postgres.alerts.deliveries import list_deliveries

SENSOR = "untold_findings"


@pytest.fixture
def days(database_url: str, tmp_path: Path, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> Days:
    """A database without readings, and a webhook for its alerts; the digest is not due, whatever time it is."""
    monkeypatch.setenv("FLEET_ALERT_WEBHOOK", webhook.url)
    return Days(database_url, tmp_path)


def run(days: Days, instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    job = days.definitions.resolve_job_def("alert")
    tags = {**request.tags, "dagster/run_key": str(request.run_key)}
    return job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def told(instance: dg.DagsterInstance) -> dict[str, object]:
    """The metadata of the newest run."""
    event = instance.get_latest_materialization_event(FINDING_ALERTS)
    assert event is not None
    assert event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_what_happened_is_one_run_and_then_there_is_nothing_to_do(
    days: Days, instance: dg.DagsterInstance, connection: psycopg.Connection, webhook: Webhook
) -> None:
    assert days.tick(instance, SENSOR).skip_message == "everything was told"
    for number in (1, 2):
        add_event(connection, add_finding(connection, number), "opened")
    (request,) = days.tick(instance, SENSOR).run_requests or []
    assert run(days, instance, request).success
    assert len(webhook.taken) == 2
    assert {name: told(instance)[name] for name in ("events", "messages", "sent", "not_taken")} == {
        "events": 2,
        "messages": 2,
        "sent": 2,
        "not_taken": "none",
    }
    assert days.tick(instance, SENSOR).skip_message == "everything was told"
    assert run(days, instance, request).success, "by hand, once more"
    assert len(webhook.taken) == 2


def test_what_is_not_taken_fails_no_run_and_is_asked_for_again_when_it_is_due(
    days: Days, instance: dg.DagsterInstance, connection: psycopg.Connection, webhook: Webhook
) -> None:
    webhook.status = 503
    add_event(connection, add_finding(connection), "opened")
    (request,) = days.tick(instance, SENSOR).run_requests or []
    assert run(days, instance, request).success
    assert "webhook: 1 message waits, the oldest of" in str(told(instance)["not_taken"])
    assert "it answered 503" in str(told(instance)["not_taken"])
    webhook.status = 200
    connection.execute("UPDATE alert_deliveries SET next_attempt_at = now() - interval '1 second'")
    (again,) = days.tick(instance, SENSOR).run_requests or []
    assert again.run_key != request.run_key
    assert run(days, instance, again).success
    assert [each.state for each in list_deliveries(connection, 10)] == ["sent"]


def test_while_a_run_is_under_way_none_is_requested(
    days: Days, instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    add_event(connection, add_finding(connection), "opened")
    days.leave_a_run(instance, dg.DagsterRunStatus.STARTED, {}, job="alert")
    assert days.tick(instance, SENSOR).skip_message == "a run is under way"


def test_what_failed_waits_for_the_next_thing_to_do(
    days: Days, instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    finding = add_finding(connection)
    add_event(connection, finding, "opened")
    (request,) = days.tick(instance, SENSOR).run_requests or []
    tags = {**request.tags, "dagster/run_key": str(request.run_key)}
    days.leave_a_run(instance, dg.DagsterRunStatus.CANCELED, tags, job="alert")
    assert "was canceled" in str(days.tick(instance, SENSOR).skip_message)
    add_event(connection, finding, "worse")
    assert len(days.tick(instance, SENSOR).run_requests or []) == 1


def test_where_no_channel_is_set_nothing_is_looked_at(
    days: Days, instance: dg.DagsterInstance, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLEET_ALERT_WEBHOOK")
    add_event(connection, add_finding(connection), "opened")
    assert "no channel is set" in str(days.tick(instance, SENSOR).skip_message)


def test_half_a_channel_is_said(days: Days, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_ALERT_MAIL_TO", "a@example.com")
    assert "FLEET_ALERT_SMTP_HOST is not" in str(days.tick(instance, SENSOR).skip_message)
