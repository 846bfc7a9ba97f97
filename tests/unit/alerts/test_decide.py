"""What is told of findings, and what is not."""

from datetime import timedelta
from typing import Any

import pytest

from tests.alerted_findings import NOW, event
from warehouse.alert_settings import AtOnce
from warehouse.alerts.decide import Today, decide
from warehouse.contract.findings import Event
from warehouse.postgres.alerts.alert_events import FindingEvent, Mark, Outcome

OPENED, WORSE, REOPENED, RESOLVED = Event.OPENED, Event.WORSE, Event.REOPENED, Event.RESOLVED
TOLD, STORM, TO_DIGEST, QUIET = Outcome.TOLD, Outcome.STORM, Outcome.TO_DIGEST, Outcome.QUIET
CLOSED = {"state": "resolved"}
LATER, EARLIER = ((NOW + timedelta(days=sign)).isoformat() for sign in (1, -1))


def decided(
    *events: FindingEvent, at_once: AtOnce = AtOnce.ALL, storm: int = 10, told: int = 0, has_storm: bool = False
) -> list[Mark]:
    return decide(events, Today(told, has_storm), at_once, storm)


def outcomes(*events: FindingEvent, **given: Any) -> list[Outcome]:
    return [mark.outcome for mark in decided(*events, **given)]


@pytest.mark.parametrize(
    ("what", "row", "known"),
    [
        (OPENED, {}, None),
        (REOPENED, {}, RESOLVED),
        (REOPENED, {}, None),
        (WORSE, {}, OPENED),
        (WORSE, {"state": "acknowledged"}, OPENED),
        (WORSE, {}, None),
        (RESOLVED, CLOSED, OPENED),
        (RESOLVED, CLOSED, WORSE),
        (RESOLVED, CLOSED, REOPENED),
    ],
)
def test_news_is_told_at_once(what: Event, row: dict[str, Any], known: Event | None) -> None:
    assert outcomes(event(1, what, row=row, told_event=known)) == [TOLD]


@pytest.mark.parametrize("what", [OPENED, REOPENED, WORSE, RESOLVED])
@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"state": "accepted"}, "accepted as normal"),
        ({"state": "snoozed", "snoozed_until": LATER}, "snoozed until 2026-02-09 09:30Z"),
    ],
)
def test_of_what_is_accepted_or_snoozed_nothing_is_told(what: Event, row: dict[str, Any], why: str) -> None:
    (mark,) = decided(event(1, what, row=row, told_event=OPENED))
    assert mark.outcome is QUIET
    assert why in str(mark.why)


@pytest.mark.parametrize("what", [OPENED, WORSE])
def test_a_snooze_that_ran_out_is_none(what: Event) -> None:
    row = {"state": "snoozed", "snoozed_until": EARLIER, "current_state": "open"}
    assert outcomes(event(1, what, row=row)) == [TOLD]


@pytest.mark.parametrize(
    ("before", "until", "outcome"),
    [
        (Event.ACCEPTED, None, QUIET),
        (Event.SNOOZED, None, QUIET),
        (Event.SNOOZED, NOW + timedelta(days=1), QUIET),
        (Event.SNOOZED, NOW - timedelta(days=1), TOLD),
        (Event.ACKNOWLEDGED, None, TOLD),
        (Event.REOPENED, None, TOLD),
    ],
)
def test_what_closes_while_it_was_snoozed_or_accepted_closes_quietly(
    before: Event, until: Any, outcome: Outcome
) -> None:
    closes = event(9, RESOLVED, row=CLOSED, told_event=OPENED, event_before=before, snoozed_until_before=until)
    assert outcomes(closes) == [outcome]


def test_what_people_did_is_in_the_digest() -> None:
    did = (Event.ACKNOWLEDGED, Event.SNOOZED, Event.ACCEPTED, Event.ASSIGNED, Event.NOTED)
    assert outcomes(*(event(number, each) for number, each in enumerate(did))) == [TO_DIGEST] * 5


def test_of_several_events_of_a_finding_one_is_told() -> None:
    marks = decided(event(1, OPENED), event(2, WORSE), event(3, Event.NOTED), event(4, WORSE))
    assert [mark.outcome for mark in marks] == [TOLD, QUIET, TO_DIGEST, QUIET]
    assert outcomes(event(1, WORSE, told_event=OPENED), event(2, WORSE, told_event=OPENED)) == [QUIET, TOLD]


def test_what_a_restatement_closes_and_opens_again_is_no_news() -> None:
    """A day that is restated twice."""
    known: dict[str, Any] = {"told_event": OPENED}
    closed_and_back = [event(1, RESOLVED, **known), event(2, REOPENED, **known)]
    assert outcomes(*closed_and_back, event(3, RESOLVED, **known), event(4, REOPENED, **known)) == [QUIET] * 4
    back_and_closed = [event(n, e, row=CLOSED, told_event=RESOLVED) for n, e in ((1, REOPENED), (2, RESOLVED))]
    assert outcomes(*back_and_closed) == [QUIET] * 2
    worse_too = [*closed_and_back, event(3, WORSE, **known)]
    assert outcomes(*worse_too) == [QUIET, QUIET, TOLD]


def test_what_came_and_went_before_anybody_looked_is_in_the_digest() -> None:
    gone = [event(1, OPENED, row=CLOSED), event(2, RESOLVED, row=CLOSED)]
    assert outcomes(*gone) == [QUIET, TO_DIGEST]


def test_what_gets_worse_twice_a_day_is_told_once() -> None:
    assert outcomes(event(5, WORSE, told_event=WORSE, is_told_worse_today=True)) == [TO_DIGEST]
    assert outcomes(event(5, WORSE, told_event=WORSE)) == [TOLD]


@pytest.mark.parametrize(
    ("at_once", "row", "outcome"),
    [
        (AtOnce.ALL, {"kind": "data"}, TOLD),
        (AtOnce.ALL, {"severity": "critical"}, TOLD),
        (AtOnce.ALL, {"severity": "info"}, TO_DIGEST),
        (AtOnce.LOSS, {"kind": "data"}, TO_DIGEST),
        (AtOnce.LOSS, {"kind": "loss"}, TOLD),
        (AtOnce.NONE, {"severity": "critical"}, TO_DIGEST),
    ],
)
def test_what_is_told_at_once_can_be_chosen(at_once: AtOnce, row: dict[str, Any], outcome: Outcome) -> None:
    assert outcomes(event(1, OPENED, row=row), at_once=at_once) == [outcome]


def test_what_was_told_when_it_opened_is_told_when_it_closes() -> None:
    closes = event(2, RESOLVED, row={**CLOSED, "severity": "info"}, told_event=OPENED)
    assert outcomes(closes) == [TOLD]


def many(count: int) -> list[FindingEvent]:
    return [event(number, OPENED, number) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("count", "told", "has_storm", "outcome"),
    [
        (10, 0, False, TOLD),
        (11, 0, False, STORM),
        (1, 9, False, TOLD),
        (2, 9, False, STORM),
        (1, 10, False, STORM),
        (1, 10, True, TO_DIGEST),
        (11, 0, True, TO_DIGEST),
        (3, 0, True, TOLD),
    ],
)
def test_more_than_so_many_a_day_are_one_message(count: int, told: int, has_storm: bool, outcome: Outcome) -> None:
    assert outcomes(*many(count), told=told, has_storm=has_storm) == [outcome] * count


def test_what_is_quiet_makes_no_storm() -> None:
    quiet = [event(number, WORSE, number, {"state": "accepted"}) for number in range(50)]
    assert outcomes(*quiet, *[event(99, OPENED, 99)]) == [QUIET] * 50 + [TOLD]


def test_nothing_is_nothing() -> None:
    assert decided() == []
