"""What a newly released day changes of the findings that are kept: a pure function of what is kept and what it tells.

Figures follow the day. By itself a finding only goes from what is unresolved to resolved, and from there, within
``SAME_FINDING_DAYS``, back to open. What a person made of it stays.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from warehouse.contract.findings import ACTIVE, PIPELINE, SAME_FINDING_DAYS, WORSE_FACTOR, Event, Rule, Severity, State

Row = Mapping[str, Any]
FIGURES = (
    *("rule_version", "name", "kind", "severity", "subject", "subject_kind", "vehicle_id", "meter_id"),
    *("onset_from", "onset_at", "onset_until", "z", "points", "excess_kwh", "excess_low_kwh", "excess_high_kwh"),
    *("kwh_per_month", "cost", "cost_per_month", "currency", "session_count", "session_ids", "detail"),
)
"""What follows the day that tells of it;"""
CAUSE = ("cause", "cause_probability", "deciding_test")
"""and this too, as long as it is open."""
_SAME = timedelta(days=SAME_FINDING_DAYS)
_SEVERITIES = list(Severity)


class Happened(NamedTuple):
    """An event to be noted."""

    event: Event
    note: str | None = None


class Retold(NamedTuple):
    """A finding as it is now: its columns, and what happened to it."""

    row: dict[str, Any]
    events: tuple[Happened, ...]
    is_new: bool

    @property
    def is_active(self) -> bool:
        """Whether it is unresolved, and not called normal either: of these a rule has one a subject."""
        return self.row["state"] in ACTIVE


def subject_key(row: Row) -> str:
    """As the column of that name: whose a finding is, by the kind and its ids."""
    kind = row["subject_kind"]
    ids = [row[f"{each}_id"] for each in ("vehicle", "meter") if kind in (each, "pair")]
    return "/".join([kind, *(str(each or 0) for each in ids)])


def retold(known: Sequence[Row], told: Iterable[Row], day: date) -> list[Retold]:
    """What is to be written: what is over first, so that no two findings of a subject are unresolved in between.

    ``known``: rows of ``findings``, all that are unresolved, were told of until now or are of the last days, and those
    with an id that is told. ``told``: rows of the mart of ``day`` that are not only suspected.
    """
    of_subject: dict[tuple[str, str], tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for row in known:
        of_subject[row["rule"], row["subject_key"]][0].append(row)
    for row in told:
        of_subject[row["rule"], subject_key(row)][1].append(row)
    taken = {row["finding_id"] for row in known}
    changes: list[Retold | None] = []
    for kept, fresh in of_subject.values():
        same, gone = _matched(kept, fresh, day)
        changes += [_opened(new, day, taken) if old is None else _went_on(old, new, day) for old, new in same]
        changes += [_gone(old, day) for old in gone]
    return sorted((change for change in changes if change), key=lambda change: change.is_active)


def _matched(kept: Sequence[Row], fresh: Sequence[Row], day: date) -> tuple[list[tuple[Row | None, Row]], list[Row]]:
    """What is kept of each that is told, ``None`` for what is new, and what is told of no more.

    By its id in the lake; a restatement may have opened it on another day, and then it is the nearest one that was
    open within ``SAME_FINDING_DAYS``.
    """
    left = [row for row in kept if row["state"] != State.RESOLVED or row["day"] >= day - _SAME]
    same: list[tuple[Row | None, Row]] = []
    others = []
    for new in fresh:
        old = next((row for row in left if str(row["lake_id"]) == str(new["finding_id"])), None)
        if old is None:
            others.append(new)
        else:
            left.remove(old)
            same.append((old, new))
    for new in sorted(others, key=lambda row: row["opened_on"], reverse=True):
        near = [row for row in left if _is_near(row, new, day)]
        old = min(near, key=lambda row: abs(row["opened_on"] - new["opened_on"]), default=None)
        if old is not None:
            left.remove(old)
        same.append((old, new))
    return same, left


def _is_near(old: Row, new: Row, day: date) -> bool:
    until = old["resolved_on"] or old["day"]
    return bool(new["opened_on"] <= until + _SAME and old["opened_on"] <= (new["closed_on"] or day) + _SAME)


def _opened(new: Row, day: date, taken: set[UUID]) -> Retold:
    finding_id = UUID(str(new["finding_id"]))
    if finding_id in taken:
        finding_id = uuid5(finding_id, day.isoformat())
    state = {"open": State.OPEN, "accepted": State.ACCEPTED}.get(new["state"], State.RESOLVED)
    events = [Happened(Event.OPENED)]
    row = _figures(new, day) | {
        "finding_id": finding_id,
        "rule": new["rule"],
        "opened_on": new["opened_on"],
        "state": state,
        "assigned_to": None,
    }
    row |= {name: new[name] for name in CAUSE} | _as_told(new)
    if state is State.ACCEPTED:
        events.append(Happened(Event.ACCEPTED, f"it was accepted as normal on {new['closed_on']}"))
    because = f"closed by the rule on {new['closed_on']}" if state is State.RESOLVED else None
    if because:
        events.append(Happened(Event.RESOLVED, because))
    return Retold(row | _resolution(because, day), tuple(events), is_new=True)


def _went_on(old: Row, new: Row, day: date) -> Retold:
    row = dict(old) | _figures(new, day)
    row["opened_on"] = min(old["opened_on"], new["opened_on"])
    if new["state"] == "open":
        row |= {name: new[name] for name in CAUSE}
        if old["state"] in ACTIVE and _is_worse(old, new):
            return Retold(row | _as_told(new), (Happened(Event.WORSE),), is_new=False)
        why = _why_back(old, new, day) if old["state"] == State.RESOLVED else None
        if why:
            row |= _as_told(new) | _resolution(None, day) | {"state": State.OPEN}
            return Retold(row, (Happened(Event.REOPENED, why),), is_new=False)
    elif new["state"] == "closed" and old["state"] in ACTIVE:
        return _resolved(row, f"closed by the rule on {new['closed_on']}", day)
    return Retold(row, (), is_new=False)


def _why_back(old: Row, new: Row, day: date) -> str | None:
    """Why what was resolved is open again; ``None``: it is not.

    Who resolved it said so of something that the rule still tells of: it needs sessions to see that it is over.
    """
    if old["told_state"] != "open":
        return "the rule finds it again"
    if old["resolved_by"] != PIPELINE:
        if _is_worse(old, new):
            return "it got worse since it was resolved"
        if day - old["resolved_on"] > _SAME:
            return f"the rule still finds it, {SAME_FINDING_DAYS} days after it was resolved"
    return None


def _gone(old: Row, day: date) -> Retold | None:
    row = dict(old) | {"told_state": "gone"}
    if old["state"] == State.RESOLVED:
        return None if old["told_state"] == "gone" else Retold(row, (), is_new=False)
    if old["told_state"] in ("closed", "accepted"):
        because = "it is over, and its sessions are not looked back on any more"
    elif old["rule"] == Rule.BAD_FROM_THE_FIRST_DAY:
        because = "closed by the rule: the pair is not below its peers any more"
    elif day - old["day"] > _SAME:
        because = f"closed by the rule: it is not found on {day} any more"
    else:
        because = f"restated away: the data of {day} do not show it any more"
    return _resolved(row, because, day)


def _resolved(row: dict[str, Any], because: str, day: date) -> Retold:
    row |= _resolution(because, day) | {"state": State.RESOLVED}
    return Retold(row, (Happened(Event.RESOLVED, because),), is_new=False)


def _resolution(because: str | None, day: date) -> dict[str, Any]:
    """When it was resolved is the moment of writing."""
    by = PIPELINE if because else None
    on = day if because else None
    return {"resolved_because": because, "resolved_by": by, "resolved_on": on, "snoozed_until": None}


def _figures(new: Row, day: date) -> dict[str, Any]:
    lake = {"lake_id": UUID(str(new["finding_id"])), "told_state": new["state"], "day": day}
    return {name: new[name] for name in FIGURES} | lake


def _as_told(new: Row) -> dict[str, Any]:
    return {f"told_{name}": new[name] for name in ("severity", "points", "kwh_per_month")}


def _is_worse(old: Row, new: Row) -> bool:
    """Worse than what was told last: a higher severity, or half as much again in points or in kWh a month."""
    before = old["told_severity"] or old["severity"]
    if _SEVERITIES.index(new["severity"]) > _SEVERITIES.index(before):
        return True
    grown = [(old[f"told_{name}"], new[name]) for name in ("points", "kwh_per_month")]
    return any(was and now and now >= WORSE_FACTOR * was for was, now in grown)
