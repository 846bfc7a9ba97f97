"""``fleetwatt alerts``: whether alerts reach anybody, told in words."""

import json

import pytest

from tests.integration.orchestration.conftest import Fleetwatt, Webhook
from tests.ports import free_port


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
