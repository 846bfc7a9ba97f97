"""A finding in lines for people."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestration.cli.terminal import shown_instant
from warehouse.contract.finding_fields import subject_words
from warehouse.counted import counted
from warehouse.postgres.findings.finding_reads import FindingRow
from warehouse.visible import visible

SHORT_ID = 8
"""Characters of an id that a list shows: enough to name a finding by."""


def in_short(finding: FindingRow) -> Iterator[str]:
    """Two lines: which finding of whom, and what it costs."""
    which = f"{str(finding['finding_id'])[:SHORT_ID]} {finding['severity']} {finding['rule']} {finding['name']}"
    yield f"{which}, {_state(finding)}: {visible(subject_words(finding))}"
    yield f"    {_costs(finding)}{visible(finding['detail'])}"


def in_full(finding: FindingRow, events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Everything that a person asks of one finding, a line each, and then what happened to it."""
    cause = finding["cause"]
    probability = finding["cause_probability"]
    sure = "" if probability is None else f" (probability {probability:.2f})"
    said = {
        "finding": str(finding["finding_id"]),
        "rule": f"{finding['rule']} {finding['name']}, version {finding['rule_version']}",
        "state": f"{_state(finding)}, revision {finding['revision']}",
        "severity": finding["severity"],
        "subject": subject_words(finding),
        "since": _since(finding),
        "what": finding["detail"],
        "energy": _energy(finding),
        "costs": _costs(finding).removesuffix("; "),
        "cause": f"{cause.replace('_', ' ')}{sure}" if cause else "",
        "to decide": finding["deciding_test"] or "",
        "told on": f"{finding['day']}, the newest day that tells of it",
    }
    for name, value in said.items():
        if value:
            yield f"{name:<10} {visible(value)}"
    yield "events"
    for each in events:
        note = f": {visible(each['note'])}" if each["note"] else ""
        yield f"    {shown_instant(each['happened_at'])} {visible(each['actor'])} {each['event']}{note}"


def _state(finding: FindingRow) -> str:
    state = str(finding["current_state"])
    if state == "snoozed":
        state += f" until {shown_instant(finding['snoozed_until'])}"
    if finding["assigned_to"]:
        state += f", {visible(finding['assigned_to'])}'s"
    if finding["resolved_because"]:
        state += f" ({visible(finding['resolved_because'])})"
    return state


def _since(finding: FindingRow) -> str:
    opened = f"found on {finding['opened_on']}"
    if finding["onset_at"] is None:
        return opened
    begin, end = finding["onset_from"], finding["onset_until"]
    between = f", between {shown_instant(begin)} and {shown_instant(end)}" if begin and end else ""
    return f"{shown_instant(finding['onset_at'])}{between}; {opened}"


def _energy(finding: FindingRow) -> str:
    if finding["excess_kwh"] is None:
        return ""
    low, high = finding["excess_low_kwh"], finding["excess_high_kwh"]
    between = "" if low is None or high is None else f" ({low:,.1f} to {high:,.1f})"
    sessions = f" in {counted(finding['session_count'], 'session')}" if finding["session_count"] else ""
    return f"{finding['excess_kwh']:,.1f} kWh lost{between}{sessions}"


def _costs(finding: FindingRow) -> str:
    """What it costs, with a semicolon behind; nothing where it wastes no energy that is known."""
    kwh, cost, currency = finding["kwh_per_month"], finding["cost_per_month"], finding["currency"]
    if kwh is None:
        return ""
    energy = f"{kwh:,.1f} kWh a month"
    return f"{energy}; " if cost is None else f"{cost:,.2f} {currency} a month, {energy}; "
