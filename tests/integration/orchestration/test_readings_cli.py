"""``fleetwatt readings``: what people say of false readings, and what was said."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.factories import iso
from tests.integration.orchestration.conftest import Fleetwatt
from warehouse.contract.partitions import midnight, utc_day

NOON = midnight(utc_day(datetime.now(UTC)) - timedelta(days=1)) + timedelta(hours=12)
SAID = ("--why", "a corrupt\x1b[31m row", "--by", "ann")


@pytest.fixture(autouse=True)
def _two_readings(database_url: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    connection.execute("INSERT INTO meters (external_id) VALUES ('meter-1')")
    connection.execute(
        "INSERT INTO meter_readings (meter_id, ts, kwh) SELECT 1, ts, 5 FROM unnest(%s::timestamptz[]) AS ts",
        [[NOON, NOON + timedelta(hours=1)]],
    )


def test_what_is_said_is_listed_and_taken_back(fleetwatt: Fleetwatt) -> None:
    said = fleetwatt("readings", "correct", "meter-1", iso(NOON), "--void", *SAID)
    assert (said.code, said.out) == (0, "")
    assert "1 reading of meter meter-1: left out" in said.err
    again = fleetwatt("readings", "correct", "meter-1", iso(NOON), "--void", *SAID)
    assert (again.code, "that was said already, by ann" in again.err) == (0, True)
    until = iso(NOON + timedelta(hours=2))
    fleetwatt("readings", "correct", "meter-1", iso(NOON), until, "--kwh", "1234.5", *SAID)
    fleetwatt("readings", "correct", "meter-1", iso(NOON), until, "--restore", *SAID)
    first, second, third = fleetwatt("readings", "corrections", "meter-1").out.splitlines()
    assert f"{iso(NOON)}: left out (ann, " in first
    assert first.endswith("a corrupt\\x1b[31m row)")
    assert f"{iso(NOON)} to {until}: showed 1,234.5 kWh" in second
    assert ": as received (" in third
    listed = json.loads(fleetwatt("readings", "corrections", "meter-1", "--json").out)
    assert [(each["action"], each["kwh"], each["to"] is None) for each in listed] == [
        ("void", None, True),
        ("replace", 1234.5, False),
        ("restore", None, False),
    ]
    assert listed[0]["who"] == "ann"
    assert datetime.fromisoformat(listed[0]["from"]) == NOON


def test_programs_are_told_what_follows(fleetwatt: Fleetwatt) -> None:
    said = json.loads(fleetwatt("readings", "correct", "meter-1", iso(NOON), "--void", *SAID, "--json").out)
    assert (said["readingCount"], said["device"], said["kind"]) == (1, "meter-1", "meter")
    assert isinstance(said["days"], list)


@pytest.mark.parametrize("actions", [[], ["--void", "--restore"], ["--void", "--kwh", "5"]])
def test_one_thing_is_said_at_a_time(fleetwatt: Fleetwatt, actions: list[str]) -> None:
    refused = fleetwatt("readings", "correct", "meter-1", iso(NOON), *actions, *SAID)
    assert (refused.code, "one of --void, --kwh and --restore" in refused.err) == (2, True)


def test_what_is_not_there_is_not_corrected(fleetwatt: Fleetwatt) -> None:
    nobody = fleetwatt("readings", "correct", "nobody", iso(NOON), "--void", *SAID)
    assert (nobody.code, "no meter or vehicle is called nobody" in nobody.err) == (1, True)
    nothing = fleetwatt("readings", "correct", "meter-1", iso(NOON - timedelta(hours=1)), "--void", *SAID)
    assert (nothing.code, "has no reading at that instant" in nothing.err) == (1, True)
    never = fleetwatt("readings", "corrections", "meter-1")
    assert (never.code, never.out, "was ever corrected" in never.err) == (0, "", True)
