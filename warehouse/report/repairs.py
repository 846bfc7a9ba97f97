"""The losses in the order in which they are worth a repair, and what the page says of each."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import polars as pl
from markupsafe import Markup

from warehouse.contract.findings import Rule
from warehouse.report import words
from warehouse.report.blame import Blame, blame
from warehouse.report.pictures import who

FIRST = 10
"""So many are shown with their evidence."""
Finding = Mapping[str, Any]
NAMES = {
    Rule.EXCESS_LOSS: "loses more than before",
    Rule.BAD_FROM_THE_FIRST_DAY: "lost more than its peers from the first day on",
    Rule.LEAKAGE: "leaks between charges",
    Rule.DC_EXCEEDS_AC: "more DC than AC",
    Rule.FROZEN_METER: "meter stands still",
    Rule.MAPPING: "mapped to a wrong meter",
    Rule.CLOCK: "clock is off",
    Rule.SILENCE: "silent",
}


class Repair(NamedTuple):
    """A loss in words."""

    finding_id: str
    place: int
    who: str
    what: str
    severity: str
    cost_per_month: str
    kwh_per_month: str
    share: float
    """Of the largest one that is shown, in what they are sorted by."""
    lost: str
    since: str
    blame: Blame
    detail: str
    picture: Markup | None


def open_losses(findings: pl.DataFrame) -> list[Finding]:
    """Those that are open, the most expensive first: by money a month, then kWh a month. What is not known is last."""
    found = findings.filter(pl.col("kind") == "loss", pl.col("state") == "open")
    by = ["cost_per_month", "kwh_per_month", "points"]
    ordered = found.sort(*by, "opened_on", "finding_id", descending=[True, True, True, False, False], nulls_last=True)
    return list(ordered.iter_rows(named=True))


def repairs(losses: Iterable[Finding], pictures: Mapping[str, Markup]) -> list[Repair]:
    """What is said of these losses, in their order. ``pictures``: SVG by finding."""
    shown = list(losses)
    by = "cost_per_month" if any(each["cost_per_month"] for each in shown) else "kwh_per_month"
    most = max((each[by] or 0.0 for each in shown), default=0.0)
    return [
        Repair(
            finding["finding_id"],
            place,
            who(finding),
            NAMES[finding["rule"]],
            finding["severity"],
            words.money(finding["cost_per_month"], finding["currency"]),
            words.kwh(finding["kwh_per_month"]),
            (finding[by] or 0.0) / most if most else 0.0,
            _lost(finding),
            _since(finding),
            blame(finding),
            finding["detail"],
            pictures.get(finding["finding_id"]),
        )
        for place, finding in enumerate(shown, start=1)
    ]


def _lost(finding: Finding) -> str:
    if finding["excess_kwh"] is None:
        return words.UNKNOWN
    low, high = finding["excess_low_kwh"], finding["excess_high_kwh"]
    between = f" ({words.kwh(low)} to {words.kwh(high)})" if low is not None and high is not None else ""
    cost = "" if finding["cost"] is None else f", {words.money(finding['cost'], finding['currency'])}"
    return f"{words.kwh(finding['excess_kwh'])}{between}{cost}"


def _since(finding: Finding) -> str:
    if finding["onset_at"] is None:
        return "always, as far as it is known"
    earliest, latest = finding["onset_from"], finding["onset_until"]
    between = f", between {words.instant(earliest)} and {words.instant(latest)} UTC" if earliest and latest else ""
    return f"{words.day(finding['onset_at'])}{between}"
