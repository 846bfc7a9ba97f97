"""What people do to findings: once, in order, by whoever was first, and written down."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.integration.postgres.telling import tell
from tests.told_findings import fault, lake_id, later, told
from warehouse.contract.errors import FindingChangedError, FindingNotFoundError, InvalidRequestError
from warehouse.postgres.connection import connect
from warehouse.postgres.findings.acts import LONGEST_NOTE, Act, Request, act_on_finding
from warehouse.postgres.findings.finding_reads import FindingRow, find_finding, list_events

LOSS = UUID(lake_id("loss"))
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(autouse=True)
def _one_finding(connection: psycopg.Connection) -> None:
    tell(connection, [told()])


def do(connection: psycopg.Connection, act: Act, actor: str = "ann", **values: Any) -> FindingRow:
    return act_on_finding(connection, LOSS, Request(act, actor, **values))


def happened(connection: psycopg.Connection) -> list[tuple[str, str, str | None, int]]:
    return [
        (each["actor"], each["event"], each["note"], each["revision"])
        for each in list_events(connection, LOSS)
        if each["actor"] != "pipeline"
    ]


CALLS = [
    (Act.ACKNOWLEDGE, {}, "acknowledged", "acknowledged"),
    (Act.SNOOZE, {"until": TOMORROW}, "snoozed", "snoozed"),
    (Act.ACCEPT, {}, "accepted", "accepted"),
    (Act.RESOLVE, {}, "resolved", "resolved"),
    (Act.ASSIGN, {"to": "ben"}, "open", "assigned"),
    (Act.NOTE, {}, "open", "noted"),
]


@pytest.mark.parametrize(("act", "values", "state", "event"), CALLS, ids=[call[0] for call in CALLS])
def test_an_act_is_done_once_however_often_it_is_sent(
    connection: psycopg.Connection, act: Act, values: dict[str, Any], state: str, event: str
) -> None:
    note = '<b>the fan</b> & "more"'
    for revision in (None, None, 1, 1):
        after = do(connection, act, note=note, revision=revision, **values)
        assert (after["current_state"], after["revision"]) == (state, 2)
    assert happened(connection) == [("ann", event, note, 2)]


def test_each_act_says_what_it_was_about(connection: psycopg.Connection) -> None:
    do(connection, Act.SNOOZE, until=TOMORROW)
    do(connection, Act.ASSIGN, to="ben")
    details = [each["details"] for each in list_events(connection, LOSS)[1:]]
    assert details == [
        {"until": TOMORROW.isoformat(), "day": "2026-02-08", "was": "open"},
        {"to": "ben", "day": "2026-02-08", "was": "snoozed"},
    ]
    row = find_finding(connection, LOSS)
    assert (row["state"], row["snoozed_until"], row["assigned_to"]) == ("snoozed", TOMORROW, "ben")


def test_a_life_of_a_finding(connection: psycopg.Connection) -> None:
    do(connection, Act.ACKNOWLEDGE)
    do(connection, Act.ASSIGN, to="ben")
    do(connection, Act.ASSIGN, to=None)
    row = do(connection, Act.RESOLVE, actor="ben", note="the fan was replaced")
    assert (row["resolved_because"], row["resolved_by"], row["resolved_on"]) == (
        "the fan was replaced",
        "ben",
        row["day"],
    )
    assert row["resolved_at"] is not None
    row = do(connection, Act.REOPEN, note="it was not")
    assert [row[name] for name in ("current_state", "resolved_at", "resolved_because", "resolved_by")] == [
        "open",
        None,
        None,
        None,
    ]
    assert [event for _, event, _, _ in happened(connection)] == [
        *("acknowledged", "assigned", "assigned", "resolved", "reopened")
    ]
    assert [revision for *_, revision in happened(connection)] == [2, 3, 4, 5, 6]


def test_the_same_act_is_another_one_where_something_happened_in_between(connection: psycopg.Connection) -> None:
    do(connection, Act.ACKNOWLEDGE)
    do(connection, Act.REOPEN)
    assert do(connection, Act.ACKNOWLEDGE)["current_state"] == "acknowledged"
    assert [event for _, event, _, _ in happened(connection)] == ["acknowledged", "reopened", "acknowledged"]


@pytest.mark.parametrize(("act", "values", "state", "event"), CALLS, ids=[call[0] for call in CALLS])
def test_who_looked_at_an_older_revision_gets_the_newer_state(
    connection: psycopg.Connection, act: Act, values: dict[str, Any], state: str, event: str
) -> None:
    do(connection, Act.ACKNOWLEDGE, actor="ben")
    with pytest.raises(
        FindingChangedError, match="changed since revision 1: it is at 2 now, and acknowledged"
    ) as told_:
        do(connection, act, revision=1, note="mine", **values)
    assert (told_.value.finding["current_state"], told_.value.finding["revision"]) == ("acknowledged", 2)
    assert happened(connection) == [("ben", "acknowledged", None, 2)]


def test_of_two_who_acknowledge_at_once_one_is_told_that_the_other_was_quicker(
    connection: psycopg.Connection, database_url: str
) -> None:
    def acknowledge(actor: str) -> str:
        with connect(database_url) as own:
            try:
                act_on_finding(own, LOSS, Request(Act.ACKNOWLEDGE, actor, revision=1))
            except FindingChangedError as error:
                assert error.finding["current_state"] == "acknowledged"
                return "late"
        return "first"

    people = [f"person-{number}" for number in range(6)]
    with ThreadPoolExecutor(len(people)) as pool:
        outcomes = list(pool.map(acknowledge, people))
    assert sorted(outcomes) == ["first", *["late"] * 5]
    assert [actor for actor, *_ in happened(connection)] == [people[outcomes.index("first")]]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (Act.ACKNOWLEDGE, Act.ACKNOWLEDGE),
        (Act.ACCEPT, Act.ACCEPT),
        (Act.ACCEPT, Act.ACKNOWLEDGE),
        (Act.RESOLVE, Act.ACCEPT),
        (Act.RESOLVE, Act.RESOLVE),
        (Act.NOTE, Act.REOPEN),
    ],
)
def test_an_act_that_its_state_does_not_allow_is_refused_with_the_state(
    connection: psycopg.Connection, first: Act, then: Act
) -> None:
    before = do(connection, first, actor="ben", note="first")
    with pytest.raises(FindingChangedError, match=f"it is {before['current_state']} already"):
        do(connection, then)
    assert find_finding(connection, LOSS) == before


def test_a_snooze_that_ran_out_is_open(connection: psycopg.Connection) -> None:
    do(connection, Act.SNOOZE, until=TOMORROW)
    just_before, then = TOMORROW - timedelta(microseconds=1), TOMORROW
    assert find_finding(connection, LOSS, just_before)["current_state"] == "snoozed"
    assert find_finding(connection, LOSS, then)["current_state"] == "open"
    connection.execute("UPDATE findings SET snoozed_until = '2026-01-01Z'")
    with pytest.raises(FindingChangedError, match="it is open already"):
        do(connection, Act.REOPEN)
    assert do(connection, Act.NOTE, note="still")["current_state"] == "open"
    assert do(connection, Act.ACKNOWLEDGE)["snoozed_until"] is None


def test_what_was_resolved_is_not_reopened_beside_another_one_of_its_subject(connection: psycopg.Connection) -> None:
    tell(connection, [fault()])
    long_after = later(60)
    tell(connection, [fault("new", opened_on=long_after)], long_after)
    clock = UUID(lake_id("clock"))
    with pytest.raises(FindingChangedError, match="another finding of this rule and subject is open"):
        act_on_finding(connection, clock, Request(Act.REOPEN, "ann"))
    assert find_finding(connection, clock)["state"] == "resolved"


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (Request(Act.ACKNOWLEDGE, " "), "say who does it"),
        (Request(Act.ACKNOWLEDGE, "pipeline"), "not pipeline"),
        (Request(Act.ACKNOWLEDGE, " Pipeline "), "not pipeline"),
        (Request(Act.ACKNOWLEDGE, "\u200b\u202e\u00a0"), "say who does it"),
        (Request(Act.ACKNOWLEDGE, "x" * 201), "at most 200"),
        (Request(Act.ASSIGN, "ann", to=""), "who is to look after it"),
        (Request(Act.ASSIGN, "ann", to=" \t"), "who is to look after it"),
        (Request(Act.ASSIGN, "ann", to="pipeline"), "who is to look after it"),
        (Request(Act.ASSIGN, "ann", to="x" * 201), "at most 200"),
        (Request(Act.NOTE, "ann"), "a note says something"),
        (Request(Act.NOTE, "ann", note="\n "), "a note says something"),
        (Request(Act.NOTE, "ann", note="x" * (LONGEST_NOTE + 1)), "at most 2000"),
        (Request(Act.NOTE, "ann", note="a\0b"), "NUL"),
        (Request(Act.NOTE, "ann", note="\ud800"), "UTF-8"),
        (Request(Act.SNOOZE, "ann"), "until when"),
        (Request(Act.SNOOZE, "ann", until=TOMORROW - timedelta(days=2)), "yet to come"),
        (Request(Act.SNOOZE, "ann", until=datetime(2200, 1, 2, tzinfo=UTC)), "before 2200"),
        (Request(Act.RESOLVE, "ann", until=TOMORROW), "a snooze, and nothing else"),
    ],
    ids=lambda each: getattr(each, "act", None),
)
def test_an_act_that_says_too_little_or_too_much_changes_nothing(
    connection: psycopg.Connection, request_: Request, why: str
) -> None:
    with pytest.raises(InvalidRequestError, match=why):
        act_on_finding(connection, LOSS, request_)
    assert happened(connection) == []


def test_an_unknown_finding_is_told_so(connection: psycopg.Connection) -> None:
    with pytest.raises(FindingNotFoundError, match="no finding has the id"):
        act_on_finding(connection, uuid4(), Request(Act.ACKNOWLEDGE, "ann"))
