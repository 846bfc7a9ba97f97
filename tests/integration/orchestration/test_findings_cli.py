"""``fleetwatt findings``: what is found, what one of them says, and what people do about it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.integration.orchestration.conftest import Fleetwatt
from tests.integration.postgres.telling import tell
from tests.told_findings import fault, lake_id, told
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.readings.device_ids import register_devices

LOSS = lake_id("loss")
SHORT = LOSS[:8]
TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()


pytestmark = pytest.mark.usefixtures("pipelines_url")


@pytest.fixture
def _two_findings(connection: psycopg.Connection) -> None:
    ids = {kind: register_devices(connection, kind, dict.fromkeys(["one-1"])) for kind in DeviceKind}
    devices: dict[str, Any] = {
        "vehicle_id": ids[DeviceKind.VEHICLE]["one-1"],
        "meter_id": ids[DeviceKind.METER]["one-1"],
    }
    loss = told(detail="4.0 points <b>lost</b>\x1b[31m", deciding_test="charge elsewhere", **devices)
    tell(connection, [loss, fault(**devices)])


def test_an_empty_fleet_has_nothing_to_show_and_says_so(fleetwatt: Fleetwatt) -> None:
    done = fleetwatt("findings", "list")
    assert (done.code, done.out) == (0, "")
    assert "nothing is found" in done.err
    assert fleetwatt("findings", "list", "--json").out == "[]\n"


@pytest.mark.usefixtures("_two_findings")
def test_the_most_expensive_comes_first_and_what_is_unknown_last(fleetwatt: Fleetwatt) -> None:
    listed = fleetwatt("findings", "list").out.splitlines()
    assert listed == [
        f"{SHORT} warning R1 excess_loss, open: vehicle one-1 at meter one-1",
        "    20.00 EUR a month, 40.0 kWh a month; 4.0 points <b>lost</b>\\x1b[31m",
        f"{lake_id('clock')[:8]} warning R8 clock, open: vehicle one-1",
        "    an hour behind",
    ]
    only = json.loads(fleetwatt("findings", "list", "--rule", "R8", "--json").out)
    assert [(each["rule"], each["state"], each["vehicleId"], each["costPerMonth"]) for each in only] == [
        ("R8", "open", "one-1", None)
    ]
    assert json.loads(fleetwatt("findings", "list", "--subject", "nobody", "--json").out) == []
    assert len(json.loads(fleetwatt("findings", "list", "--min-cost-per-month", "20", "--json").out)) == 1
    cut = fleetwatt("findings", "list", "--limit", "1")
    assert len(cut.out.splitlines()) == 2
    assert "there are more than 1 finding" in cut.err


@pytest.mark.usefixtures("_two_findings")
def test_one_is_shown_with_all_that_is_known_of_it(fleetwatt: Fleetwatt) -> None:
    lines = dict(
        line.split(maxsplit=1) for line in fleetwatt("findings", "show", SHORT).out.splitlines() if " " in line
    )
    assert lines["finding"] == LOSS
    assert lines["subject"] == "vehicle one-1 at meter one-1"
    assert lines["since"] == "2026-02-08 00:00:00Z; found on 2026-02-08"
    assert lines["energy"] == "12.0 kWh lost in 8 sessions"
    assert lines["cause"] == "undecided"
    assert lines["to"] == "decide  charge elsewhere"
    said = json.loads(fleetwatt("findings", "show", LOSS.upper(), "--json").out)
    assert [each["event"] for each in said["events"]] == ["opened"]
    assert said["id"] == LOSS


@pytest.mark.usefixtures("_two_findings")
def test_a_life_of_a_finding(fleetwatt: Fleetwatt) -> None:
    note = '<b>the fan</b> & "more"'
    done = fleetwatt("findings", "acknowledge", SHORT, "--note", note, "--by", "ann")
    assert done.out.splitlines()[0] == f"{SHORT} warning R1 excess_loss, acknowledged: vehicle one-1 at meter one-1"
    again = fleetwatt("findings", "acknowledge", SHORT, "--note", note, "--by", "ann", "--json")
    assert json.loads(again.out)["revision"] == 2
    assert "ben's" in fleetwatt("findings", "assign", SHORT, "--to", "ben").out
    assert f"snoozed until {TOMORROW} 00:00:00Z" in fleetwatt("findings", "snooze", SHORT, "--until", TOMORROW).out
    assert fleetwatt("findings", "note", SHORT, "--note", "it hums").code == 0
    assert "resolved" in fleetwatt("findings", "resolve", SHORT, "--note", "repaired").out
    assert len(json.loads(fleetwatt("findings", "list", "--json").out)) == 1
    assert len(json.loads(fleetwatt("findings", "list", "--all", "--json").out)) == 2
    assert "open" in fleetwatt("findings", "reopen", SHORT).out
    assert "accepted" in fleetwatt("findings", "accept", SHORT).out
    shown = fleetwatt("findings", "show", SHORT).out
    assert f"ann acknowledged: {note}\n" in shown
    assert [line.split()[3].rstrip(":") for line in shown.partition("events\n")[2].splitlines()] == [
        *("opened", "acknowledged", "assigned", "snoozed", "noted", "resolved", "reopened", "accepted")
    ]


@pytest.mark.usefixtures("_two_findings")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["show", "3f"], 1, "'3f' is no id of a finding"),
        (["show", "0000"], 1, "no finding has the id 0000"),
        (["show", "%%%%"], 1, "'%%%%' is no id of a finding"),
        (["list", "--state", "open", "--all"], 2, "--state and --all exclude each other"),
        (["list", "--since", "yesterday"], 2, "expected a day (UTC) that there is"),
        (["reopen", SHORT], 1, "it is open already"),
        (["resolve", SHORT, "--revision", "7"], 1, "it was changed since revision 7: it is at 1 now"),
        (["note", SHORT], 1, "a note says something"),
        (["note", SHORT, "--note", "x", "--by", "pipeline"], 1, "say who does it"),
        (["snooze", SHORT, "--until", "2020-01-01"], 1, "an instant that is yet to come"),
        (["snooze", SHORT, "--until", "9999-12-31T23:59:59-05:00"], 2, "an instant from 1970 to 2200"),
        (["snooze", SHORT, "--until", "9999-12-31"], 2, "an instant from 1970 to 2200"),
        (["assign", SHORT, "--to", ""], 1, "say who is to look after it"),
        (["list", "--rule", "R10"], 2, "'R10' is not one of 'R9'"),
        (["list", "--subject", ""], 2, "a device id is 1 to 64 letters"),
        (["list", "--subject", "<b>"], 2, "a device id is 1 to 64 letters"),
        (["snooze", SHORT], 2, "--until"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_said_in_words(fleetwatt: Fleetwatt, arguments: list[str], code: int, says: str) -> None:
    done = fleetwatt("findings", *arguments)
    assert done.code == code
    assert says in " ".join(done.err.split())
    assert done.out == ""
    assert json.loads(fleetwatt("findings", "show", SHORT, "--json").out)["revision"] == 1


def test_the_beginning_of_several_ids_names_none_of_them(fleetwatt: Fleetwatt, connection: psycopg.Connection) -> None:
    tell(connection, [told(finding_id="12345678-0000-0000-0000-000000000000")])
    tell(connection, [told(finding_id="12345679-0000-0000-0000-000000000000", vehicle_id=2)])
    assert "several findings have an id that begins with 1234567;" in fleetwatt("findings", "show", "1234567").err
    assert fleetwatt("findings", "show", "12345679").code == 0
