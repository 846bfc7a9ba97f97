"""Which events of findings are told at once, which wait for the digest, and which are nobody's business. Pure.

People are told what changes for them: of each finding one thing at a time, and the same thing once. So a finding that a
restatement closes and opens again is no news, and neither is one that opened and closed before anybody looked.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from warehouse.alert_settings import AtOnce
from warehouse.contract.findings import Event, Severity, State
from warehouse.postgres.alerts.alert_events import FindingEvent, Mark, Outcome

NEWS = (Event.OPENED, Event.REOPENED, Event.WORSE, Event.RESOLVED)
"""What is told at once. The other events are what people did, who know of it: they are in the digest."""


@dataclass(frozen=True)
class Today:
    """What the day has had. ``told``: messages of single findings; ``has_storm``: one for many."""

    told: int = 0
    has_storm: bool = False


class _News(NamedTuple):
    """What is new of a finding: an event of it, or none and why."""

    event: FindingEvent | None
    why: str = ""
    is_for_digest: bool = False


def decide(events: Sequence[FindingEvent], today: Today, at_once: AtOnce, storm: int) -> list[Mark]:
    """What becomes of each event, oldest first; ``events``: those that nobody has looked at.

    With more than ``storm`` messages of single findings a day, all that come at once are one message, and what comes
    later that day waits for the digest.
    """
    of_finding: dict[str, list[FindingEvent]] = defaultdict(list)
    for event in events:
        of_finding[event.finding["finding_id"]].append(event)
    marks = [mark for each in of_finding.values() for mark in _of_one(each, at_once)]
    count = sum(mark.outcome is Outcome.TOLD for mark in marks)
    if count and today.told + count > storm:
        instead = Outcome.TO_DIGEST if today.has_storm else Outcome.STORM
        marks = [Mark(mark.event, instead) if mark.outcome is Outcome.TOLD else mark for mark in marks]
    return sorted(marks, key=lambda mark: mark.event.event_id)


def _of_one(events: Sequence[FindingEvent], at_once: AtOnce) -> Iterator[Mark]:
    for event in events:
        if event.event not in NEWS:
            yield Mark(event, Outcome.TO_DIGEST)
    happened = [event for event in events if event.event in NEWS]
    if not happened:
        return
    new = _news(happened)
    for event in happened:
        if event is not new.event:
            yield Mark(event, Outcome.QUIET, new.why or "it is told with a later event of the finding")
        elif new.is_for_digest or not _is_urgent(event, at_once):
            yield Mark(event, Outcome.TO_DIGEST)
        else:
            yield Mark(event, Outcome.TOLD)


def _news(happened: Sequence[FindingEvent]) -> _News:
    last = happened[-1]
    if why := _why_quiet(last):
        return _News(None, why)
    knows_it_open = last.told_event in (Event.OPENED, Event.REOPENED, Event.WORSE)
    if last.finding["current_state"] == State.RESOLVED:
        if last.told_event == Event.RESOLVED:
            return _News(None, "it is known to be closed")
        return _News(last, is_for_digest=not knows_it_open)
    worse = _last_of(happened, Event.WORSE)
    if not knows_it_open:
        return _News(_last_of(happened, Event.OPENED) or _last_of(happened, Event.REOPENED) or worse or last)
    if worse is None:
        return _News(None, "it is known to be open")
    return _News(worse, is_for_digest=worse.is_told_worse_today)


def _why_quiet(last: FindingEvent) -> str:
    """Of a finding that somebody wants to hear nothing of, or wanted to until it closed."""
    state, before, until = last.finding["current_state"], last.event_before, last.snoozed_until_before
    if state == State.ACCEPTED:
        return "it is accepted as normal"
    if state == State.SNOOZED:
        return f"it is snoozed until {datetime.fromisoformat(last.finding['snoozed_until']):%Y-%m-%d %H:%M}Z"
    if state == State.RESOLVED and before == Event.ACCEPTED:
        return "it was accepted as normal"
    if state == State.RESOLVED and before == Event.SNOOZED and (until is None or until > last.happened_at):
        return "it was snoozed when it closed"
    return ""


def _is_urgent(event: FindingEvent, at_once: AtOnce) -> bool:
    is_of_interest = at_once is AtOnce.ALL or (at_once is AtOnce.LOSS and event.finding["kind"] == "loss")
    # What was told at once when it opened is told so when it closes, whatever it has become.
    return is_of_interest and (event.finding["severity"] != Severity.INFO or event.told_event is not None)


def _last_of(happened: Sequence[FindingEvent], what: Event) -> FindingEvent | None:
    return next((event for event in reversed(happened) if event.event == what), None)
