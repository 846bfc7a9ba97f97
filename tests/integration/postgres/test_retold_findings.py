"""What released days make of the findings in PostgreSQL."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.integration.postgres.telling import tell
from tests.told_findings import DAY, closed, fault, lake_id, later, told


def findings(connection: psycopg.Connection) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM findings ORDER BY opened_on, finding_id").fetchall()


def finding(connection: psycopg.Connection) -> dict[str, Any]:
    (found,) = findings(connection)
    return found


def events(connection: psycopg.Connection) -> list[tuple[str, str | None, int]]:
    return connection.execute("SELECT event, note, revision FROM finding_events ORDER BY event_id").fetchall()


def by_a_person(connection: psycopg.Connection, state: str, **columns: Any) -> None:
    """As somebody set it."""
    columns |= {"state": state}
    assignments = ", ".join(f"{name} = %({name})s" for name in columns)
    connection.execute(f"UPDATE findings SET {assignments}".encode(), columns)


RESOLVED: dict[str, Any] = {
    "resolved_at": "2026-02-08T12:00Z",
    "resolved_on": DAY,
    "resolved_by": "ann",
    "resolved_because": "mended",
}
ACTS: dict[str, dict[str, Any]] = {
    "acknowledged": {"assigned_to": "ann"},
    "snoozed": {"snoozed_until": "2100-01-01Z"},
    "accepted": {},
    "resolved": RESOLVED,
}


def test_what_a_day_tells_is_kept_with_its_figures_and_what_is_only_suspected_is_not(
    connection: psycopg.Connection,
) -> None:
    suspected = told("suspected", vehicle_id=2, state="suspected", severity="info")
    assert tell(connection, [told(z=7.0, onset_from=None, cause_probability=0.7), suspected]) == 1
    row = finding(connection)
    assert (str(row["finding_id"]), row["rule"], row["state"], row["revision"]) == (lake_id("loss"), "R1", "open", 1)
    assert (row["subject_key"], row["day"], row["opened_on"]) == ("pair/1/11", DAY, DAY)
    expected = told(z=7.0, cause_probability=0.7)
    del expected["finding_id"], expected["closed_on"], expected["state"]
    assert {name: row[name] for name in expected} == expected
    assert events(connection) == [("opened", None, 1)]
    (details,) = connection.execute("SELECT details FROM finding_events").fetchone() or ()
    assert details["day"] == str(DAY)
    assert (details["cost_per_month"], details["currency"], details["severity"]) == (20.0, "EUR", "warning")


def test_the_same_again_changes_nothing(connection: psycopg.Connection) -> None:
    rows = [told(), fault(), closed(told("over", vehicle_id=2), DAY)]
    assert tell(connection, rows) == 3
    before = findings(connection), events(connection)
    assert tell(connection, rows) == 0
    assert (findings(connection), events(connection)) == before


def test_what_closed_before_anybody_saw_it_is_there_as_resolved(connection: psycopg.Connection) -> None:
    tell(connection, [closed(told(), later(3))], later(5))
    row = finding(connection)
    assert (row["state"], row["resolved_because"]) == ("resolved", f"closed by the rule on {later(3)}")
    assert row["resolved_at"] is not None
    assert [event for event, _, _ in events(connection)] == ["opened", "resolved"]
    assert row["revision"] == 2


@pytest.mark.parametrize("state", ["open", "acknowledged", "snoozed"])
def test_it_is_resolved_when_its_rule_closes_it_and_keeps_the_cause_that_was_found(
    connection: psycopg.Connection, state: str
) -> None:
    row = told(cause="charger", cause_probability=0.95)
    tell(connection, [row])
    by_a_person(connection, state, **ACTS.get(state, {}))
    tell(connection, [closed(row, later(4)) | {"excess_kwh": 13.0}], later(4))
    kept = finding(connection)
    assert (kept["state"], kept["resolved_because"]) == ("resolved", f"closed by the rule on {later(4)}")
    assert (kept["snoozed_until"], kept["cause"], kept["excess_kwh"], kept["day"]) == (None, "charger", 13, later(4))
    assert events(connection)[-1] == ("resolved", f"closed by the rule on {later(4)}", 2)


def test_what_comes_back_is_the_same_one(connection: psycopg.Connection) -> None:
    tell(connection, [told()])
    tell(connection, [closed(told(), later(4))], later(4))
    tell(connection, [told()], later(10))
    row = finding(connection)
    assert (row["state"], row["resolved_at"], row["resolved_because"], row["resolved_by"]) == ("open", None, None, None)
    assert events(connection)[-1] == ("reopened", "the rule finds it again", 3)


@pytest.mark.parametrize(("after", "count"), [(14, 1), (15, 2)])
def test_another_one_of_the_lake_is_the_same_within_fourteen_days(
    connection: psycopg.Connection, after: int, count: int
) -> None:
    """Of a restatement, or of a fault of which the lake knows nothing any more."""
    tell(connection, [fault()])
    tell(connection, [closed(fault(), later(2))], later(2))
    tell(connection, [fault("again", opened_on=later(2 + after))], later(2 + after))
    assert len(findings(connection)) == count
    assert [event for event, _, _ in events(connection)][2:] == ["reopened" if count == 1 else "opened"]
    assert {row["state"] for row in findings(connection)[-1:]} == {"open"}


def test_an_id_that_comes_back_after_long_is_another_finding(connection: psycopg.Connection) -> None:
    """The verdict on a pair from its first day has no day of its own."""
    tell(connection, [told("first_day", rule="R2")])
    tell(connection, [], later(1))
    assert finding(connection)["resolved_because"] == "closed by the rule: the pair is not below its peers any more"
    tell(connection, [told("first_day", rule="R2", opened_on=later(30))], later(30))
    assert [row["state"] for row in findings(connection)] == ["resolved", "open"]
    tell(connection, [told("first_day", rule="R2", opened_on=later(30))], later(31))
    assert [row["state"] for row in findings(connection)] == ["resolved", "open"]


@pytest.mark.parametrize("state", ["open", "acknowledged", "snoozed", "accepted"])
def test_what_is_restated_away_resolves_itself_and_its_events_stay(connection: psycopg.Connection, state: str) -> None:
    tell(connection, [told()])
    by_a_person(connection, state, **ACTS.get(state, {}))
    tell(connection, [])
    row = finding(connection)
    why = f"restated away: the data of {DAY} do not show it any more"
    assert (row["state"], row["resolved_because"], row["resolved_by"]) == ("resolved", why, "pipeline")
    assert events(connection) == [("opened", None, 1), ("resolved", why, 2)]
    tell(connection, [])
    assert len(events(connection)) == 2
    tell(connection, [told()])
    assert events(connection)[-1] == ("reopened", "the rule finds it again", 3)


@pytest.mark.parametrize("state", ["acknowledged", "snoozed", "accepted", "resolved"])
def test_what_a_person_did_stays_while_figures_follow(connection: psycopg.Connection, state: str) -> None:
    tell(connection, [told()])
    by_a_person(connection, state, **ACTS[state])
    before = finding(connection)
    tell(connection, [told(points=4.4, cost=7.0, subject="vehicle renamed at meter dock-1")], later(1))
    after = finding(connection)
    assert (after["points"], after["cost"], after["subject"]) == (4.4, 7.0, "vehicle renamed at meter dock-1")
    kept = ("state", "snoozed_until", "assigned_to", "resolved_at", "resolved_because", "resolved_by", "revision")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert len(events(connection)) == 1


def test_what_a_person_resolved_is_open_again_where_the_rule_still_finds_it_after_two_weeks(
    connection: psycopg.Connection,
) -> None:
    tell(connection, [told()])
    by_a_person(connection, "resolved", **RESOLVED)
    tell(connection, [told()], later(14))
    assert finding(connection)["state"] == "resolved"
    tell(connection, [told()], later(15))
    assert finding(connection)["state"] == "open"
    assert events(connection)[-1] == ("reopened", "the rule still finds it, 14 days after it was resolved", 2)


def test_what_a_person_resolved_is_open_again_at_once_where_it_got_worse_or_came_back(
    connection: psycopg.Connection,
) -> None:
    other = told("other", vehicle_id=2)
    tell(connection, [told(), other])
    by_a_person(connection, "resolved", **RESOLVED)
    tell(connection, [told(points=6.0), closed(other, later(1))], later(1))
    tell(connection, [told(points=6.0), other], later(2))
    assert [row["state"] for row in findings(connection)] == ["open", "open"]
    assert {note for _, note, _ in events(connection)[2:]} == {
        "it got worse since it was resolved",
        "the rule finds it again",
    }


@pytest.mark.parametrize(
    ("change", "is_worse"),
    [
        ({"points": 5.9}, False),
        ({"points": 6.0}, True),
        ({"kwh_per_month": 59.0}, False),
        ({"kwh_per_month": 60.0}, True),
        ({"cost_per_month": 60.0}, False),  # of another tariff
        ({"severity": "critical"}, True),
        ({"severity": "info"}, False),
        ({"points": None, "kwh_per_month": None}, False),
    ],
)
def test_it_is_worse_by_half_or_with_a_higher_severity(
    connection: psycopg.Connection, change: dict[str, Any], is_worse: bool
) -> None:
    tell(connection, [told()])
    by_a_person(connection, "snoozed", snoozed_until="2100-01-01Z")
    for day in (1, 2):  # told once
        tell(connection, [told(**change)], later(day))
    assert [event for event, _, _ in events(connection)] == ["opened", *(["worse"] if is_worse else [])]
    assert finding(connection)["state"] == "snoozed"


def test_a_new_loss_of_a_pair_whose_last_one_was_called_normal_is_a_finding_of_its_own(
    connection: psycopg.Connection,
) -> None:
    tell(connection, [told()])
    by_a_person(connection, "accepted")
    tell(connection, [told()], later(1))
    normal = told() | {"state": "accepted", "closed_on": DAY}
    tell(connection, [normal, told("new", opened_on=later(5))], later(5))
    assert [row["state"] for row in findings(connection)] == ["accepted", "open"]


def test_a_restated_opening_keeps_the_id_that_people_know(connection: psycopg.Connection) -> None:
    tell(connection, [told()])
    tell(connection, [told("restated", opened_on=later(2))], later(3))
    row = finding(connection)
    assert (str(row["finding_id"]), str(row["lake_id"])) == (lake_id("loss"), lake_id("restated"))
    assert row["opened_on"] == DAY
    tell(connection, [told()], later(3))
    assert str(finding(connection)["lake_id"]) == lake_id("loss")
    assert len(events(connection)) == 1


def test_a_finding_may_give_way_to_another_one_of_its_subject(connection: psycopg.Connection) -> None:
    """The old one is resolved before the new one opens: of a rule and a subject one is unresolved."""
    tell(connection, [fault()])
    long_after = later(60)
    tell(connection, [fault("new", opened_on=long_after)], long_after)
    assert [row["state"] for row in findings(connection)] == ["resolved", "open"]
    assert findings(connection)[0]["resolved_because"] == (
        f"closed by the rule: it is not found on {long_after} any more"
    )


def test_two_unresolved_ones_of_a_rule_and_a_subject_are_refused(connection: psycopg.Connection) -> None:
    tell(connection, [told()])
    with pytest.raises(psycopg.errors.UniqueViolation, match="findings_unresolved"):
        connection.execute(
            "INSERT INTO findings (finding_id, rule, kind, severity, subject, vehicle_id, meter_id, opened_on, day) "
            "VALUES (gen_random_uuid(), 'R1', 'loss', 'info', 'x', 1, 11, %s, %s)",
            [DAY, DAY],
        )


@pytest.mark.parametrize("statement", ["UPDATE finding_events SET note = 'x'", "DELETE FROM finding_events"])
def test_events_are_neither_changed_nor_deleted(connection: psycopg.Connection, statement: str) -> None:
    tell(connection, [told()])
    with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        connection.execute(statement.encode())
    with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        connection.execute("TRUNCATE finding_events CASCADE")


def test_a_vehicle_fault_is_the_same_at_another_meter(connection: psycopg.Connection) -> None:
    tell(connection, [fault()])
    tell(connection, [fault(meter_id=12)], later(1))
    assert (finding(connection)["meter_id"], finding(connection)["subject_key"]) == (12, "vehicle/1")


def test_days_tell_in_order_and_the_tables_say_when(connection: psycopg.Connection) -> None:
    for day in range(3):
        tell(connection, [told()], later(day))
    assert finding(connection)["day"] == DAY + timedelta(days=2)
