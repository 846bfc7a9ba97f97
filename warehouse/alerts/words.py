"""Findings in words, and as JSON has them: of one, of many at once, and of a day."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any

from pydantic.alias_generators import to_camel

from warehouse.alerts.message import Message
from warehouse.contract.finding_fields import finding_fields, subject_words
from warehouse.contract.findings import PIPELINE, Event
from warehouse.counted import counted
from warehouse.postgres.alerts.alert_events import FindingEvent
from warehouse.visible import one_line

PATH = "/v1/findings"
"""Where the API has them."""
MOST_NAMED = 10
"""Findings in a message of many; the others are counted."""
_MOST_CHARACTERS = 500
"""Of a text that others wrote: a name, a note."""

_HEADLINES = {
    Event.OPENED: "New finding",
    Event.REOPENED: "Back again",
    Event.WORSE: "Got worse",
    Event.RESOLVED: "Closed",
}
_COUNTED = {
    Event.OPENED: "new",
    Event.REOPENED: "back again",
    Event.WORSE: "worse",
    Event.RESOLVED: "closed",
    Event.ACKNOWLEDGED: "acknowledged",
    Event.SNOOZED: "snoozed",
    Event.ACCEPTED: "accepted as normal",
    Event.ASSIGNED: "assigned",
    Event.NOTED: "noted",
}


def finding_message(event: FindingEvent, now: datetime) -> Message:
    """One finding that opened, came back, got worse or closed."""
    headline = f"{_HEADLINES[Event(event.event)]}: {_what(event)}"
    worth = _worth(event)
    return Message(
        kind=f"finding.{event.event}",
        subject=f"Fleetwatt: {headline}{f', {worth}' if worth else ''}",
        text="\n".join([f"{headline}.", *_details(event)]),
        fields={"event": _event_fields(event), "finding": _finding_fields(event)},
        at=now,
        key=f"finding_{event.finding_id}_{event.event}_{event.event_id}",
    )


def storm_message(events: Sequence[FindingEvent], storm: int, now: datetime) -> Message:
    """Many findings at once."""
    counts = _counts(events)
    headline = f"{counted(len(events), 'finding')} at once: {_counted_words(counts)}"
    why = f"They are one message, because there would be more than {storm} today (FLEET_ALERT_STORM)."
    return Message(
        kind="finding.storm",
        subject=f"Fleetwatt: {headline}",
        text="\n".join([f"{headline}.", why, *_listed(events)]),
        fields={"counts": counts, "findings": [_finding_fields(each) for each in _costliest(events)]},
        at=now,
        key=storm_key(now.date()),
    )


def digest_message(events: Sequence[FindingEvent], still_open: Sequence[Mapping[str, Any]], now: datetime) -> Message:
    """What was not told at once, and what is open; ``still_open``: its numbers by currency."""
    counts = _counts(events)
    opened = f"{_open_words(still_open)}."
    headline = f"Daily digest: {_counted_words(counts)}"
    return Message(
        kind="finding.digest",
        subject=f"Fleetwatt: {headline}",
        text="\n".join([f"{headline}.", opened, *_listed(events)]),
        fields={
            "counts": counts,
            "open": [
                {
                    "findings": row["findings"],
                    "costPerMonth": _rounded(row["cost_per_month"]),
                    "kwhPerMonth": _rounded(row["kwh_per_month"]),
                    "currency": row["currency"],
                }
                for row in still_open
            ],
            "findings": [_finding_fields(each) for each in _costliest(events)],
        },
        at=now,
        key=digest_key(now.date()),
    )


def storm_key(day: date) -> str:
    """Of the one message for many that a day may have."""
    return f"finding_storm_{day}"


def digest_key(day: date) -> str:
    """Of a day's digest."""
    return f"finding_digest_{day}"


def _what(event: FindingEvent) -> str:
    finding = event.finding
    name = finding["name"].replace("_", " ")
    rule = f"{name} ({finding['rule']})" if name else finding["rule"]
    return one_line(f"{rule} of {subject_words(_with_devices(event))}", _MOST_CHARACTERS)


def _with_devices(event: FindingEvent) -> dict[str, Any]:
    return {**event.finding, "vehicle_external_id": event.vehicle, "meter_external_id": event.meter}


def _details(event: FindingEvent) -> Iterator[str]:
    finding = event.finding
    yield f"Severity: {finding['severity']}; {finding['current_state']}; opened on {finding['opened_on']}."
    if finding["onset_at"]:
        interval = [_day(finding[name]) for name in ("onset_from", "onset_until")]
        between = f" (between {interval[0]} and {interval[1]})" if all(interval) else ""
        yield f"It began on {_day(finding['onset_at'])}{between}."
    if worth := ", ".join(filter(None, [_worth(event), _since(event)])):
        yield f"It costs {worth}."
    if finding["cause"]:
        probability = _number(finding["cause_probability"])
        sure = f" ({probability:.0%})" if probability is not None else ""
        yield f"Cause: {_free(finding['cause'])}{sure}."
    if finding["deciding_test"]:
        yield f"What would decide it: {_free(finding['deciding_test'])}"
    if finding["detail"]:
        yield _free(finding["detail"])
    if event.actor != PIPELINE or event.note:
        by = "" if event.actor == PIPELINE else f"By {_free(event.actor)}: "
        yield f"{by}{_free(event.note or event.event)}"
    yield f"More: {PATH}/{event.finding_id}"


def _worth(event: FindingEvent) -> str:
    """What it costs a month: money where a tariff is known, else energy."""
    cost, kwh = (_number(event.finding[name]) for name in ("cost_per_month", "kwh_per_month"))
    if cost is not None and event.finding["currency"]:
        return f"{cost:,.2f} {_free(event.finding['currency'])} a month"
    return "" if kwh is None else f"{kwh:,.1f} kWh a month"


def _since(event: FindingEvent) -> str:
    finding = event.finding
    kwh, low, high = (_number(finding[name]) for name in ("excess_kwh", "excess_low_kwh", "excess_high_kwh"))
    if kwh is None:
        return ""
    interval = f" ({low:,.1f} to {high:,.1f})" if low is not None and high is not None else ""
    return f"{kwh:,.1f} kWh{interval} until now"


def _counts(events: Sequence[FindingEvent]) -> dict[str, int]:
    counts = Counter(event.event for event in events)
    return {event.value: counts[event] for event in Event if counts[event]}


def _counted_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {_COUNTED[Event(event)]}" for event, count in counts.items())


def _open_words(still_open: Sequence[Mapping[str, Any]]) -> str:
    findings = sum(row["findings"] for row in still_open)
    costs = [f"{row['cost_per_month']:,.2f} {row['currency']}" for row in still_open if row["cost_per_month"]]
    costing = f"; losses cost {' and '.join(costs)} a month" if costs else ""
    return f"Open: {counted(findings, 'finding')}{costing}"


def _listed(events: Sequence[FindingEvent]) -> Iterator[str]:
    named = _costliest(events)
    for event in named:
        worth = _worth(event)
        yield f"- {_COUNTED[Event(event.event)]}: {_what(event)}{f', {worth}' if worth else ''}"
    findings = {event.finding_id for event in events}
    more = f"{counted(len(findings) - len(named), 'more finding')}; " if len(findings) > len(named) else ""
    yield f"{more}all of them: {PATH}"


def _costliest(events: Sequence[FindingEvent]) -> list[FindingEvent]:
    """The newest event of each finding; the costliest first."""
    newest = {event.finding_id: event for event in events}

    def cost(event: FindingEvent) -> tuple[float, float]:
        return tuple(_number(event.finding[name]) or 0.0 for name in ("cost_per_month", "kwh_per_month"))  # type: ignore[return-value]

    return sorted(newest.values(), key=cost, reverse=True)[:MOST_NAMED]


def _finding_fields(event: FindingEvent) -> dict[str, Any]:
    """By the names of the API."""
    said = {to_camel(name): value for name, value in finding_fields(_with_devices(event)).items()}
    said["path"] = f"{PATH}/{event.finding_id}"
    return {key: _number(value) if isinstance(value, float) else value for key, value in said.items()}


def _event_fields(event: FindingEvent) -> dict[str, Any]:
    return {
        "id": event.event_id,
        "event": event.event,
        "actor": event.actor,
        "note": event.note,
        "at": event.happened_at.isoformat(),
    }


def _number(value: Any) -> float | None:
    """``None`` for what is no number, which JSON does not have; PostgreSQL's JSON writes it as a text."""
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _rounded(total: float | None) -> float | None:
    """Of a sum, whose last digits are only how it was summed."""
    number = _number(total)
    return None if number is None else round(number, 2)


def _day(instant: str | None) -> str:
    return instant[:10] if instant else ""


def _free(text: str) -> str:
    return one_line(text, _MOST_CHARACTERS)
