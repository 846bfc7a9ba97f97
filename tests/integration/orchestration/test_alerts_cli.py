"""``fleetwatt alerts``: whether alerts reach anybody, told in words."""

import json
import re

import psycopg
import pytest

from tests.integration.orchestration.conftest import Fleetwatt, Webhook
from tests.ports import free_port
from tests.stored_findings import add_event, add_finding


def test_where_no_channel_is_set_a_test_says_which_there_are(fleetwatt: Fleetwatt) -> None:
    done = fleetwatt("alerts", "test")
    assert (done.code, done.out) == (1, "")
    assert "no channel is set" in done.err
    assert "FLEET_ALERT_MAIL_TO" in done.err


def test_a_test_goes_to_each_channel_and_says_what_happened(
    fleetwatt: Fleetwatt, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_ALERT_WEBHOOK", webhook.url)
    assert fleetwatt("alerts", "test").out == "webhook (FLEET_ALERT_WEBHOOK): taken\n"
    monkeypatch.setenv("FLEET_ALERT_TEAMS_WEBHOOK", f"http://127.0.0.1:{free_port()}/teams-secret-token")
    monkeypatch.setenv("FLEET_ALERT_MAIL_TO", "a@example.com")
    monkeypatch.setenv("FLEET_ALERT_MAIL_FROM", "alerts@example.com")
    monkeypatch.setenv("FLEET_ALERT_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("FLEET_ALERT_SMTP_PORT", str(free_port()))
    done = fleetwatt("alerts", "test")
    assert done.code == 1
    taken, teams, mail = done.out.splitlines()
    assert taken == "webhook (FLEET_ALERT_WEBHOOK): taken"
    assert teams.startswith("teams (FLEET_ALERT_TEAMS_WEBHOOK): it was not taken: ")
    assert mail.startswith("mail (FLEET_ALERT_SMTP_HOST): it was not taken: ")
    assert "Connection refused" in mail
    assert "secret-token" not in done.out + done.err
    said = json.loads(fleetwatt("alerts", "test", "--json").out)
    assert [(each["channel"], each["isTaken"]) for each in said] == [
        ("webhook", True),
        ("teams", False),
        ("mail", False),
    ]
    assert "This is a test" in webhook.taken[0]["text"]
    assert len({headers["webhook-id"] for headers in webhook.headers}) == 3


def test_half_a_channel_is_told(fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_ALERT_WEBHOOK", "http://chat.example.com/secret-token")
    done = fleetwatt("alerts", "test")
    assert done.code == 1
    assert "FLEET_ALERT_WEBHOOK is http://" in done.err
    assert "secret-token" not in done.err


@pytest.fixture
def told(pipelines_url: str, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A webhook for the alerts of this test's database."""
    monkeypatch.setenv("FLEET_ALERT_WEBHOOK", webhook.url)


@pytest.mark.usefixtures("told")
def test_what_became_of_each_message_is_listed(
    fleetwatt: Fleetwatt, connection: psycopg.Connection, webhook: Webhook
) -> None:
    assert fleetwatt("alerts", "list").err.endswith("no message was put on its way\n")
    webhook.status = 500
    event_id = add_event(connection, finding := add_finding(connection, name="excess\x1b[31m_loss"), "opened")
    sent = fleetwatt("alerts", "send")
    assert (sent.code, sent.out) == (0, "")
    assert sent.err.endswith("1 event looked at, 1 new message; 0 sent, 1 to be tried again, 0 given up\n")
    first, second = fleetwatt("alerts", "list").out.splitlines()
    assert re.fullmatch(r"\S+ \S+Z webhook waiting, again from \S+ \S+Z on; 1 attempt: it answered 500", first)
    key = f"finding_{finding}_opened_{event_id}"
    subject = r"New finding: excess\x1b[31m loss (R1) of vehicle veh-1 at meter meter-1, 4.20 EUR a month"
    assert second == f"    Fleetwatt: {subject} ({key})"
    assert re.fullmatch(r"    \S+ \S+Z it answered 500", fleetwatt("alerts", "list", "--attempts").out.splitlines()[2])
    (listed,) = json.loads(fleetwatt("alerts", "list", "--json").out)
    assert [each["said"] for each in listed["log"]] == ["it answered 500"]
    assert (listed["idempotencyKey"], listed["state"], listed["attempts"]) == (key, "waiting", 1)
    assert json.loads(fleetwatt("alerts", "list", "--state", "sent", "--json").out) == []


@pytest.mark.usefixtures("told")
def test_the_status_shows_what_was_given_up_until_it_is_sent(
    fleetwatt: Fleetwatt, connection: psycopg.Connection, webhook: Webhook
) -> None:
    assert "alerts, " not in fleetwatt("status").out
    webhook.status = 500
    add_event(connection, add_finding(connection), "opened")
    assert fleetwatt("alerts", "send").code == 0
    connection.execute("UPDATE alert_deliveries SET gives_up_at = now(), next_attempt_at = now()")
    gave_up = fleetwatt("alerts", "send")
    assert "ALERT: the webhook did not take a message within a day" in gave_up.err
    assert re.search(
        r"^alerts, webhook: 1 message was given up, the oldest of \S+ \S+Z: it answered 500; fleetwatt alerts list$",
        fleetwatt("status").out,
        re.M,
    )
    (shown,) = json.loads(fleetwatt("status", "--json").out)["alerts"]
    assert (shown["channel"], shown["waiting"], shown["dead"]) == ("webhook", 0, 1)
    webhook.status = 200
    assert " 0 sent" in fleetwatt("alerts", "send").err
    revived = json.loads(fleetwatt("alerts", "send", "--dead", "--json").out)
    assert (revived["revived"], revived["sent"]) == (1, 1)
    assert "alerts, " not in fleetwatt("status").out
