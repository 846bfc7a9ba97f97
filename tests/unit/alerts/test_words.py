"""What a message of findings says, for people and for programs."""

import json
import re
from datetime import date
from email import message_from_bytes
from email.policy import SMTP
from math import nan

import pytest
from pydantic.alias_generators import to_camel

from ingest_api.findings.finding_schemas import Finding
from orchestration.alerting.mails import as_mail
from tests.alerted_findings import NOW, event
from tests.markdown import ROOT
from warehouse.alerts.message import Message
from warehouse.alerts.words import (
    MOST_NAMED,
    digest_key,
    digest_message,
    finding_message,
    storm_message,
)
from warehouse.contract.findings import Event

OPEN = [{"currency": "EUR", "findings": 12, "cost_per_month": 84.2, "kwh_per_month": 280.0}]


def test_a_finding_says_what_where_since_when_and_what_it_costs() -> None:
    told = finding_message(event(7, Event.OPENED), NOW)
    assert told.kind == "finding.opened"
    assert (
        told.subject == "Fleetwatt: New finding: excess loss (R1) of vehicle veh-1 at meter meter-1, 4.20 EUR a month"
    )
    assert told.text.splitlines() == [
        "New finding: excess loss (R1) of vehicle veh-1 at meter meter-1.",
        "Severity: warning; open; opened on 2026-02-07.",
        "It began on 2026-01-30 (between 2026-01-28 and 2026-02-01).",
        "It costs 4.20 EUR a month, 12.5 kWh (10.0 to 15.0) until now.",
        "Cause: charger (93%).",
        "it loses 5.1 points more than expected",
        "More: /v1/findings/00000000-0000-0000-0000-000000000001",
    ]


def test_without_a_tariff_energy_is_told_and_without_energy_nothing() -> None:
    row = {"cost": None, "cost_per_month": None, "currency": None}
    assert finding_message(event(7, Event.WORSE, row=row), NOW).subject.endswith(", 14.0 kWh a month")
    row |= dict.fromkeys(("kwh_per_month", "excess_kwh", "cause", "onset_at"))
    told = finding_message(event(7, Event.RESOLVED, row=row, note="closed by the rule"), NOW)
    assert told.subject == "Fleetwatt: Closed: excess loss (R1) of vehicle veh-1 at meter meter-1"
    assert told.text.splitlines()[2:] == [
        "it loses 5.1 points more than expected",
        "closed by the rule",
        "More: /v1/findings/00000000-0000-0000-0000-000000000001",
    ]
    free = finding_message(event(7, Event.WORSE, row={"cost_per_month": 0.0}), NOW)
    assert free.subject.endswith(", 0.00 EUR a month"), "a tariff of 0 is one"


def test_a_finding_has_the_keys_of_the_api_for_programs() -> None:
    told = finding_message(event(7, Event.RESOLVED, actor="anna", note="repaired", row={"points": nan}), NOW)
    said = json.loads(told.body)
    assert said["finding"].keys() == {
        *(to_camel(name) for name in Finding.model_fields),
        "sessionIds",
        "path",
    }
    assert (said["finding"]["costPerMonth"], said["finding"]["points"]) == (4.2, None)
    assert (said["finding"]["vehicleId"], said["finding"]["meterId"]) == ("veh-1", "meter-1")
    at = event(7, Event.RESOLVED).happened_at.isoformat()
    assert said["event"] == {"id": 7, "event": "resolved", "actor": "anna", "note": "repaired", "at": at}
    assert "By anna: repaired" in said["text"]


def test_the_page_shows_it() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```json\n(.*?)^```$", page, re.M | re.S)
    shown, said = json.loads(example), json.loads(finding_message(event(7, Event.OPENED), NOW).body)
    assert said.pop("text").startswith(shown.pop("text").removesuffix(" ..."))
    assert shown == said


def test_a_subject_that_was_renamed_is_called_as_it_is_now() -> None:
    renamed = finding_message(event(7, Event.OPENED, vehicle="van-9"), NOW)
    assert "of vehicle van-9 at meter meter-1" in renamed.subject
    gone = finding_message(event(7, Event.OPENED, vehicle=None), NOW)
    assert "of vehicle veh-1 at meter meter-1" in gone.subject, "as it was called then"


def test_a_key_is_the_findings_the_events_and_has_no_full_stop() -> None:
    keys = {
        finding_message(event(number, what), NOW).key for number in (7, 8) for what in (Event.WORSE, Event.RESOLVED)
    }
    assert len(keys) == 4
    assert "finding_00000000-0000-0000-0000-000000000001_worse_7" in keys
    assert not [key for key in keys if "." in key]
    assert finding_message(event(7, Event.WORSE), NOW).key in keys


NASTY = "veh\r\nBcc: all@example.com\x1b[2J\u202e<b>"


@pytest.mark.parametrize("what", [Event.OPENED, Event.RESOLVED])
def test_words_of_others_stay_in_their_line(what: Event) -> None:
    row = {"subject": NASTY, "cause": NASTY, "deciding_test": NASTY, "detail": NASTY, "name": NASTY, "currency": NASTY}
    events = [event(7, what, row=row, actor=NASTY, note=NASTY, vehicle=NASTY)]
    for told in (finding_message(events[0], NOW), storm_message(events, 1, NOW), digest_message(events, OPEN, NOW)):
        assert not [line for line in told.text.splitlines() if line.startswith("Bcc")]
        assert "\x1b" not in told.text + told.subject
        assert r"\x1b[2J\u202e<b>" in told.text
        assert "\n" not in told.subject
        mail = message_from_bytes(as_mail(told, "a@example.com", ("b@example.com",), NOW).as_bytes(), policy=SMTP)
        assert "Bcc" not in mail


def test_a_storm_counts_all_and_names_the_costliest() -> None:
    events = [event(n, Event.OPENED, n, {"cost_per_month": float(n)}) for n in range(1, 31)]
    events.append(event(99, Event.RESOLVED, 1, {"cost_per_month": 1.0}))
    told = storm_message(events, 10, NOW)
    assert told.kind == "finding.storm"
    assert told.subject == "Fleetwatt: 31 findings at once: 30 new, 1 closed"
    lines = told.text.splitlines()
    assert "more than 10 today (FLEET_ALERT_STORM)" in lines[1]
    assert lines[2] == "- new: excess loss (R1) of vehicle veh-30 at meter meter-30, 30.00 EUR a month"
    assert lines[-1] == "20 more findings; all of them: /v1/findings"
    said = json.loads(told.body)
    assert said["counts"] == {"opened": 30, "resolved": 1}
    assert [each["costPerMonth"] for each in said["findings"]] == [30.0 - n for n in range(MOST_NAMED)]


def test_a_digest_says_what_was_not_told_and_what_is_open() -> None:
    events = [event(1, Event.ACKNOWLEDGED), event(2, Event.OPENED, 2, {"severity": "info", "cost_per_month": None})]
    told = digest_message(events, [*OPEN, {**OPEN[0], "currency": None, "cost_per_month": None, "findings": 3}], NOW)
    assert told.key == digest_key(date(2026, 2, 8)) == "finding_digest_2026-02-08"
    assert told.subject == "Fleetwatt: Daily digest: 1 new, 1 acknowledged"
    assert told.text.splitlines() == [
        "Daily digest: 1 new, 1 acknowledged.",
        "Open: 15 findings; losses cost 84.20 EUR a month.",
        "- acknowledged: excess loss (R1) of vehicle veh-1 at meter meter-1, 4.20 EUR a month",
        "- new: excess loss (R1) of vehicle veh-2 at meter meter-2, 14.0 kWh a month",
        "all of them: /v1/findings",
    ]
    assert json.loads(told.body)["open"][0] == {
        "findings": 12,
        "costPerMonth": 84.2,
        "kwhPerMonth": 280.0,
        "currency": "EUR",
    }


def test_a_message_is_the_same_after_it_was_kept() -> None:
    told = finding_message(event(7, Event.OPENED), NOW)
    again = Message.of_stored(told.key, json.loads(json.dumps(told.stored)))
    assert (again, again.body) == (told, told.body)
