"""What a person does to a finding: each act is an event, and the same one again is none."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from warehouse import sqlfiles
from warehouse.contract.audit import Action, Change, SubjectKind
from warehouse.contract.errors import FindingChangedError, InvalidRequestError
from warehouse.contract.findings import ACTIVE, PIPELINE, Event, Rule, State
from warehouse.contract.partitions import LATEST_DAY, midnight
from warehouse.postgres.audit.entries import record
from warehouse.postgres.findings.finding_reads import FindingRow, find_finding
from warehouse.postgres.findings.finding_store import lock_findings
from warehouse.postgres.ledger.day_ledger import request_build
from warehouse.postgres.readings.device_tables import read_table
from warehouse.visible import can_be_seen, is_storable

_PACKAGE = "warehouse.postgres.findings"
LONGEST_NOTE = 2000
LONGEST_NAME = 200
"""Of a person."""


class Act(StrEnum):
    """What a person can do."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    ACCEPT = "accept"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    ASSIGN = "assign"
    NOTE = "note"


_ACTIVE = frozenset(ACTIVE)
_ANY = frozenset(State)
_KEPT = ("current_state", "snoozed_until", "assigned_to", "revision")
"""What the audit log keeps of a finding."""
_RESOLUTION = ("resolved_at", "resolved_because", "resolved_by", "resolved_on")


@dataclass(frozen=True)
class _Meaning:
    event: Event
    possible_in: frozenset[State]
    leads_to: State | None


_MEANINGS = {
    Act.ACKNOWLEDGE: _Meaning(Event.ACKNOWLEDGED, frozenset({State.OPEN, State.SNOOZED}), State.ACKNOWLEDGED),
    Act.SNOOZE: _Meaning(Event.SNOOZED, _ACTIVE, State.SNOOZED),
    Act.ACCEPT: _Meaning(Event.ACCEPTED, _ACTIVE, State.ACCEPTED),
    Act.RESOLVE: _Meaning(Event.RESOLVED, _ACTIVE | {State.ACCEPTED}, State.RESOLVED),
    Act.REOPEN: _Meaning(Event.REOPENED, _ANY - {State.OPEN}, State.OPEN),
    Act.ASSIGN: _Meaning(Event.ASSIGNED, _ANY, None),
    Act.NOTE: _Meaning(Event.NOTED, _ANY, None),
}


def acts_in(state: State) -> tuple[Act, ...]:
    """What a person can do to a finding that stands so."""
    return tuple(act for act, meaning in _MEANINGS.items() if state in meaning.possible_in)


@dataclass(frozen=True)
class Request:
    """An act as somebody asks for it.

    ``until``: of a snooze; ``to``: of an assignment, ``None`` takes it back. ``revision``: of the finding that was
    looked at; without it the act holds for whatever it is now.
    """

    act: Act
    actor: str
    note: str | None = None
    until: datetime | None = None
    to: str | None = None
    revision: int | None = None

    @property
    def details(self) -> dict[str, Any]:
        """What tells it from another act of its kind."""
        if self.until:
            return {"until": self.until.astimezone(UTC).isoformat()}
        return {"to": self.to} if self.act is Act.ASSIGN else {}


def act_on_finding(connection: psycopg.Connection, finding_id: UUID, request: Request) -> FindingRow:
    """Do it, in one transaction; returns the finding as it is then. The same again changes nothing.

    Raises:
        InvalidRequestError: the act says not what it needs, or too much.
        FindingNotFoundError: there is no such finding.
        FindingChangedError: somebody was quicker, or it is not in a state for that; the error has it as it is.
    """
    now = datetime.now(UTC)
    _require_valid(request, now)
    with connection.transaction():
        lock_findings(connection)
        finding = find_finding(connection, finding_id, now)
        if not _is_done(connection, finding, request):
            _require_possible(finding, request)
            _write(connection, finding, request)
            _record(connection, finding, find_finding(connection, finding_id, now), request)
        return find_finding(connection, finding_id, now)


def _require_valid(request: Request, now: datetime) -> None:
    if not _is_name(request.actor):
        raise InvalidRequestError(f"say who does it: a name of at most {LONGEST_NAME} characters, not {PIPELINE}")
    if request.to is not None and not _is_name(request.to):
        raise InvalidRequestError(f"say who is to look after it: a name of at most {LONGEST_NAME} characters")
    if len(request.note or "") > LONGEST_NOTE:
        raise InvalidRequestError(f"a note has at most {LONGEST_NOTE} characters")
    if not all(is_storable(text) for text in (request.actor, request.note or "", request.to or "")):
        raise InvalidRequestError("a text is UTF-8, without NUL characters")
    if request.act is Act.NOTE and not (request.note or "").strip():
        raise InvalidRequestError("a note says something")
    if (request.until is not None) != (request.act is Act.SNOOZE):
        raise InvalidRequestError("a snooze, and nothing else, says until when")
    if request.until and not now < request.until <= midnight(LATEST_DAY):
        raise InvalidRequestError(f"a snooze ends at an instant that is yet to come, before {LATEST_DAY.year}")


def _is_name(text: str) -> bool:
    """Whether people see it, and do not take it for the pipeline."""
    return can_be_seen(text) and len(text) <= LONGEST_NAME and text.strip().casefold() != PIPELINE


def _is_done(connection: psycopg.Connection, finding: FindingRow, request: Request) -> bool:
    """Whether this was the last thing that happened to it, or what happened to the revision that was looked at."""
    if request.act is Act.ASSIGN and request.revision is None and finding["assigned_to"] == request.to:
        return True
    parameters = {
        "finding_id": finding["finding_id"],
        "revision": finding["revision"] if request.revision is None else request.revision + 1,
        "actor": request.actor,
        "event": _MEANINGS[request.act].event,
        "note": request.note,
        "details": Jsonb(request.details),
    }
    return connection.execute(sqlfiles.load(_PACKAGE, "find_same_event"), parameters).fetchone() is not None


def _require_possible(finding: FindingRow, request: Request) -> None:
    if request.revision is not None and request.revision != finding["revision"]:
        why = f"it was changed since revision {request.revision}: it is at {finding['revision']} now"
        raise FindingChangedError(f"{why}, and {finding['current_state']}", finding)
    if finding["current_state"] not in _MEANINGS[request.act].possible_in:
        raise FindingChangedError(f"it is {finding['current_state']} already", finding)


def _write(transaction: psycopg.Connection, finding: FindingRow, request: Request) -> None:
    meaning = _MEANINGS[request.act]
    changed: dict[str, Any] = {name: finding[name] for name in ("state", "snoozed_until", "assigned_to", *_RESOLUTION)}
    if request.act is Act.ASSIGN:
        changed["assigned_to"] = request.to
    if meaning.leads_to:
        changed |= dict.fromkeys(_RESOLUTION) | {"state": meaning.leads_to, "snoozed_until": request.until}
    if request.act is Act.RESOLVE:
        because = request.note or f"resolved by {request.actor}"
        resolution = (datetime.now(UTC), because, request.actor, finding["day"])
        changed |= dict(zip(_RESOLUTION, resolution, strict=True))
    finding_id = finding["finding_id"]
    try:
        transaction.execute(sqlfiles.load(_PACKAGE, "change_finding"), {**changed, "finding_id": finding_id})
    except UniqueViolation as error:
        why = "another finding of this rule and subject is open: what comes now is told there"
        raise FindingChangedError(why, finding) from error
    details = {**request.details, "day": finding["day"].isoformat(), "was": finding["current_state"]}
    event = {
        "finding_id": finding_id,
        "actor": request.actor,
        "event": meaning.event,
        "note": request.note,
        "revision": finding["revision"] + 1,
        "details": Jsonb(details),
    }
    _queue_rebuild(transaction, finding, request)
    transaction.execute(sqlfiles.load(_PACKAGE, "add_event"), event)


def _record(transaction: psycopg.Connection, before: FindingRow, after: FindingRow, request: Request) -> None:
    """Who it was is what the request says; the audit log knows who sent that."""
    was, is_now = ({name: each[name] for name in _KEPT} for each in (before, after))
    said = {"who": request.actor, "note": request.note}
    change = Change(SubjectKind.FINDING, str(before["finding_id"]), was, is_now | said)
    record(transaction, Action(f"finding.{request.act}"), change)


def _queue_rebuild(transaction: psycopg.Connection, finding: FindingRow, request: Request) -> None:
    """What people call normal begins a pair's baseline again, from the day on that told of it; taken back, it does not.

    Days after it follow from what it carries on.
    """
    if finding["rule"] != Rule.EXCESS_LOSS:  # the rule that learns of what is accepted
        return
    if request.act is Act.ACCEPT:
        reason = f"a loss of {finding['subject']} was accepted as normal"
        request_build(transaction, finding["day"], reason)
    elif request.act is Act.REOPEN:
        reason = f"a loss of {finding['subject']} is not accepted as normal any more"
        for finding_id, _, _, accepted_on in read_table(transaction, "accepted_losses"):
            if finding_id == str(finding["finding_id"]):
                request_build(transaction, accepted_on, reason)
