"""The quality of the data: faults that are open, gaps, days that are missing, and energy that is nobody's."""

from datetime import timedelta
from typing import Any, NamedTuple

import polars as pl

from warehouse.contract.findings import Rule
from warehouse.report import words
from warehouse.report.lake_facts import Facts
from warehouse.report.pictures import who
from warehouse.report.repairs import FIRST, NAMES
from warehouse.report.tables import Table, table_of

_SHOWN_KWH = 0.05
"""Less is 0.0 on the page."""


class FaultsOfRule(NamedTuple):
    """Open faults that one rule found."""

    rule: str
    name: str
    fault_count: int
    table: Table


class Gaps(NamedTuple):
    """Silences that ended in the period."""

    gap_count: int
    device_count: int
    duration: str
    table: Table


def faults(findings: pl.DataFrame) -> list[FaultsOfRule]:
    """Open faults of the data, by rule: those of most devices first."""
    found = findings.filter(pl.col("kind") == "data", pl.col("state") == "open")
    newest_first = found.sort("opened_on", "finding_id", descending=[True, False])
    parts = []
    for rule, of_rule in newest_first.partition_by("rule", as_dict=True).items():
        rows: list[dict[str, Any]] = [
            {"who": who(each), "since": words.day(each["onset_at"]), "detail": each["detail"]}
            for each in of_rule.iter_rows(named=True)
        ]
        parts.append(FaultsOfRule(str(rule[0]), NAMES[Rule(str(rule[0]))], of_rule.height, table_of(rows, FIRST)))
    return sorted(parts, key=lambda part: (-part.fault_count, part.rule))


def gaps(found: pl.DataFrame) -> Gaps:
    """``found``: as ``list_gaps.sql`` has them."""
    rows: list[dict[str, Any]] = [
        {
            "who": f"{each['kind']} {words.device(each['external_id'], each['display_name'])}",
            "gap_count": each["gap_count"],
            "duration": words.duration(each["gap_minutes"]),
            "last": words.instant(each["last_ended_at"]),
            "kwh": words.kwh(each["energy_kwh"]),
        }
        for each in found.iter_rows(named=True)
    ]
    minutes = float(found["gap_minutes"].sum())
    return Gaps(int(found["gap_count"].sum()), found.height, words.duration(minutes), table_of(rows, FIRST))


def missing_days(facts: Facts) -> list[str]:
    """The days of the period that are not in the lake."""
    days = {facts.period.first + timedelta(days=number) for number in range(facts.period.day_count)}
    return [words.short_day(day) for day in sorted(days.difference(facts.days))]


def unmapped(fleet_days: pl.DataFrame) -> str:
    """A sentence on energy of devices that were mapped to nobody; empty where there is none."""
    ac, dc = (float(fleet_days[f"unmapped_{name}_kwh"].sum()) for name in ("ac", "dc"))
    if max(ac, dc) < _SHOWN_KWH:
        return ""
    return (
        f"Nobody's: {words.kwh(ac)} were counted by meters that were mapped to no vehicle then, and {words.kwh(dc)} "
        "reached vehicles that no meter was mapped to. No loss can be told of them."
    )
