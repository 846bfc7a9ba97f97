"""The page itself: what is known of a period, in sentences, tables and pictures. A pure function of the facts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl
from markupsafe import Markup

from warehouse.counted import counted
from warehouse.report import words
from warehouse.report.costs import costs, energy, trend
from warehouse.report.lake_facts import Facts
from warehouse.report.method import LIMITS, MEASURED, SENTENCES
from warehouse.report.new_fleet import readiness
from warehouse.report.pictures import who
from warehouse.report.quality import faults, gaps, missing_days, unmapped
from warehouse.report.repairs import FIRST, NAMES, Finding, open_losses, repairs
from warehouse.report.standby import standby
from warehouse.report.tables import Table, table_of
from warehouse.template import fill


class Tile(NamedTuple):
    """A figure at the top of the page."""

    figure: str
    label: str
    remark: str = ""


def report_page(facts: Facts, pictures: Mapping[str, Markup], written_from: str) -> str:
    """The page as HTML, whole: no file beside it, no script.

    ``pictures``: SVG by finding; ``written_from``: a sentence on the state of the lake.
    """
    losses = open_losses(facts.findings)
    told = repairs(losses, pictures)
    return fill(
        "warehouse.report",
        "report.html",
        facts=facts,
        title=f"Charging losses, {facts.period.words}",
        written_from=written_from,
        headline=_headline(facts, losses),
        tiles=_tiles(facts, losses),
        new=_new_table(facts),
        over=_over_table(facts),
        costs=costs(facts.fleet_days),
        charts=[each for each in (_trend_of(facts), energy(facts.fleet_days, facts.period)) if each],
        first=told[:FIRST],
        others=table_of([each._asdict() for each in told[FIRST:]]),
        suspected_count=_count(facts.findings, "loss", "suspected"),
        faults=faults(facts.findings),
        gaps=gaps(facts.gaps),
        missing_days=missing_days(facts),
        unmapped=unmapped(facts.fleet_days),
        standby=standby(facts.standby),
        ready=readiness(facts.pairs, facts.period.last),
        sentences=SENTENCES,
        measured=MEASURED,
        limits=LIMITS,
        words=words,
    )


def _headline(facts: Facts, losses: list[Finding]) -> str:
    if not facts.has_findings:
        return "Findings of the last day were never looked for."
    if not losses:
        return "No loss is open."
    kwh, month = _total(losses, "kwh_per_month"), _month_of(losses)
    said = f"{counted(len(losses), 'loss is', 'losses are')} open."
    if kwh is not None:
        said += f" {'It costs' if len(losses) == 1 else 'Together they cost'} {month} a month."
    if len(losses) > FIRST and kwh:
        first = _total(losses[:FIRST], "kwh_per_month") or 0.0
        said += f" Repairing the first {FIRST} saves {words.percent(first / kwh)} of that energy."
    unknown = sum(1 for each in losses if each["kwh_per_month"] is None)
    if unknown:
        said += f" How much {counted(unknown, 'of them loses', 'of them lose')} is not known."
    return said


def _month_of(losses: list[Finding]) -> str:
    cost, kwh = _total(losses, "cost_per_month"), _total(losses, "kwh_per_month")
    return words.kwh(kwh) if cost is None else f"{words.money(cost, _currency(losses))}, {words.kwh(kwh)},"


def _tiles(facts: Facts, losses: list[Finding]) -> list[Tile]:
    cost, kwh = _total(losses, "cost_per_month"), _total(losses, "kwh_per_month")
    if not losses:
        lost = Tile(words.kwh(0.0), "lost a month", "by what is open")
    elif cost is None:
        lost = Tile(words.kwh(kwh), "lost a month", "no price is known")
    else:
        lost = Tile(words.money(cost, _currency(losses)), "lost a month", words.kwh(kwh))
    ac, dc = (float(facts.fleet_days[name].sum()) for name in ("metered_ac_kwh", "delivered_dc_kwh"))
    new_count = sum(1 for each in _new(facts) if each["kind"] == "loss")
    devices = f"{counted(facts.vehicle_count, 'vehicle')}, {counted(facts.meter_count, 'meter')}"
    fault_count = _count(facts.findings, "data", "open")
    return [
        lost,
        Tile(f"{len(losses):,}", "open loss" if len(losses) == 1 else "open losses", f"{new_count:,} new"),
        Tile(words.kwh(ac), "metered (AC)", f"{words.kwh(dc)} reached batteries (DC)"),
        Tile(f"{fault_count:,}", f"open {'fault' if fault_count == 1 else 'faults'} of the data", devices),
    ]


def _new(facts: Facts) -> list[Finding]:
    """What opened in the period and is open: losses first, the most expensive first."""
    is_new = (pl.col("opened_on") >= facts.period.first) & ~pl.col("finding_id").is_in(list(facts.told_before))
    found = facts.findings.filter(pl.col("state") == "open", is_new).sort(
        *("kind", "cost_per_month", "kwh_per_month", "opened_on", "finding_id"),
        descending=[True, True, True, True, False],
        nulls_last=True,
    )
    return list(found.iter_rows(named=True))


def _new_table(facts: Facts) -> Table:
    return table_of(
        [
            {
                "day": words.short_day(each["opened_on"]),
                "who": who(each),
                "what": NAMES[each["rule"]],
                "cost": words.money(each["cost_per_month"], each["currency"]) if each["kind"] == "loss" else "",
                "kwh": words.kwh(each["kwh_per_month"]) if each["kind"] == "loss" else "",
            }
            for each in _new(facts)
        ]
    )


def _over_table(facts: Facts) -> Table:
    is_over = pl.col("state").is_in(["closed", "accepted"]) & (pl.col("closed_on") >= facts.period.first)
    rows: list[dict[str, Any]] = [
        {
            "day": words.short_day(each["closed_on"]),
            "who": who(each),
            "what": NAMES[each["rule"]],
            "why": "accepted as normal" if each["state"] == "accepted" else "as before again",
            "lost": words.kwh(each["excess_kwh"]) if each["kind"] == "loss" else "",
        }
        for each in facts.findings.filter(is_over).sort("closed_on", "finding_id").iter_rows(named=True)
    ]
    return table_of(rows)


def _trend_of(facts: Facts) -> Markup | None:
    return trend(facts.losses_by_day, facts.period.last)


def _currency(losses: list[Finding]) -> str | None:
    return next((each["currency"] for each in losses if each["currency"]), None)


def _total(losses: list[Finding], column: str) -> float | None:
    """The sum of what is known; ``None``: of nothing it is."""
    known = [each[column] for each in losses if each[column] is not None]
    return sum(known) if known else None


def _count(findings: pl.DataFrame, kind: str, state: str) -> int:
    return findings.filter(pl.col("kind") == kind, pl.col("state") == state).height
