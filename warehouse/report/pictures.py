"""The evidence of the losses to repair first, as pictures."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl
from markupsafe import Markup

from warehouse.contract.findings import Rule
from warehouse.losses.evidence import evidence
from warehouse.losses.evidence_picture import draw_evidence
from warehouse.losses.explained import last_known
from warehouse.losses.loss_day import compared
from warehouse.losses.sample import PAIR
from warehouse.losses.schemas import LOSS_FINDINGS
from warehouse.report import words
from warehouse.report.charts import Value, draw_bars
from warehouse.report.lake_facts import TREND_DAYS, read_faults, read_idle_power, read_samples, read_whole

Finding = Mapping[str, Any]


def pictures(connection: duckdb.DuckDBPyConnection, findings: list[Finding]) -> dict[str, Markup]:
    """The pictures as SVG, by finding: of excess losses their sessions, of leakage the idle power.

    ``findings``: rows of ``list_findings.sql``. One that has nothing to be shown has no picture.
    """
    drawn: dict[str, Markup] = {}
    for rule, draw in _OF_RULES.items():
        of_rule = [each for each in findings if each["rule"] == rule]
        if of_rule:
            drawn |= draw(connection, of_rule)
    return drawn


def who(finding: Finding) -> str:
    """The devices of a finding in words."""
    vehicle = words.device(finding["vehicle_external_id"], finding["vehicle_name"])
    meter = words.device(finding["meter_external_id"], finding["meter_name"])
    return {"vehicle": vehicle, "meter": meter}.get(finding["subject_kind"], f"{vehicle} at {meter}")


def _sessions(connection: duckdb.DuckDBPyConnection, findings: list[Finding]) -> dict[str, Markup]:
    meters = sorted({each["meter_id"] for each in findings})
    samples = read_samples(connection, meters)
    faults = last_known(read_faults(connection))
    common = read_whole(connection, "common_modes")
    known = read_whole(connection, "loss_findings")
    # A day that was built before a column was there has none in its file.
    known = known.with_columns(
        pl.lit(None, LOSS_FINDINGS[name]).alias(name) for name in LOSS_FINDINGS if name not in known.columns
    )
    drawn = {}
    for finding in findings:
        told = known.filter(pl.col("finding_id") == finding["finding_id"])
        of_pair = samples.filter(*(pl.col(name) == finding[name] for name in PAIR))
        sessions = compared(of_pair, faults) if told.height == 1 else of_pair.clear()
        if not sessions.is_empty():
            shown = evidence(sessions, told, common)
            svg = draw_evidence(shown, told.select(LOSS_FINDINGS.names()), who(finding))
            drawn[finding["finding_id"]] = Markup(svg)  # noqa: S704 - what comes from outside was escaped
    return drawn


def _idle_power(connection: duckdb.DuckDBPyConnection, findings: list[Finding]) -> dict[str, Markup]:
    meters = sorted({each["meter_id"] for each in findings})
    power = read_idle_power(connection, meters)
    drawn = {}
    for finding in findings:
        of_meter = power.filter(pl.col("meter_id") == finding["meter_id"])
        if not of_meter.is_empty():
            watts: dict[date, float | None] = dict(of_meter.select("day", "idle_watts").iter_rows())
            last: date = finding["day"]
            days = [last - timedelta(days=back) for back in reversed(range(TREND_DAYS))]
            began = finding["onset_at"].date() if finding["onset_at"] else None
            line = (days.index(began), "it began") if began in days else None
            values = [_of_day(each, watts.get(each)) for each in days]
            title = f"{who(finding)}: mean power between charges, W"
            drawn[finding["finding_id"]] = draw_bars(title, values, line)
    return drawn


def _of_day(day: date, watts: float | None) -> Value:
    said = f"{words.day(day)}: " + ("no idle hours" if watts is None else f"{watts:.0f} W")
    return Value(words.short_day(day), watts, said)


_OF_RULES: Mapping[str, Callable[[duckdb.DuckDBPyConnection, list[Finding]], dict[str, Markup]]] = {
    Rule.EXCESS_LOSS: _sessions,
    Rule.LEAKAGE: _idle_power,
}
