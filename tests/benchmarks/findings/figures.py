"""Figures of a rule: recall, delay, false alarms with their upper bound, errors of onset and energy."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

import polars as pl

from tests.benchmarks.findings.injected import Injected

NEAR_DAYS = 3.0
NEAR_ENERGY = 0.25
DRIFT_DAYS = 60.0


class Found(NamedTuple):
    """What became of a known loss."""

    loss: Injected
    delay_days: float | None
    """None: it was never found."""
    delay_sessions: int | None
    onset_days: float | None = None
    """Of the onset that was told, less the true one."""
    energy_error: float | None = None
    """Of the energy that was told, as a share of the true one."""
    is_in_interval: bool | None = None
    """Whether the true energy lies within two standard deviations of it."""


class Trial(NamedTuple):
    """One rule on one fleet."""

    rule: str
    found: Sequence[Found]
    alarms: int
    false: int
    healthy_years: float
    """Pair-years without a loss."""


def trial_of_findings(
    findings: pl.DataFrame, sessions: pl.DataFrame, losses: Sequence[Injected], healthy_years: float
) -> Trial:
    """Hold findings against what is known. A finding is true that opens on a pair after its loss began."""
    since = {each.vehicle_id: each for each in losses}
    first: dict[int, dict[str, object]] = {}
    false = 0
    for row in findings.sort("last_ended_at_opened").iter_rows(named=True):
        loss = since.get(row["vehicle_id"])
        if loss is None or row["last_ended_at_opened"] < loss.since:
            false += 1
        else:
            first.setdefault(loss.vehicle_id, row)
    of_pair = sessions.filter("is_qualified").partition_by("vehicle_id", as_dict=True)
    found = [_found(each, first.get(each.vehicle_id), of_pair.get((each.vehicle_id,))) for each in losses]
    return Trial("R1", found, findings.height, false, healthy_years)


def _found(loss: Injected, row: dict[str, object] | None, sessions: pl.DataFrame | None) -> Found:
    if row is None or sessions is None:
        return Found(loss, None, None)
    opened_at, onset_at, last_at = (row[name] for name in ("last_ended_at_opened", "onset_at", "last_ended_at"))
    excess, deviation = row["excess_kwh"], row["excess_deviation_kwh"]
    assert isinstance(opened_at, datetime)
    assert isinstance(onset_at, datetime)
    assert isinstance(last_at, datetime)
    assert isinstance(excess, float)
    assert isinstance(deviation, float)
    since = pl.col("started_at") >= loss.since
    count = sessions.filter(since, pl.col("ended_at") <= opened_at).height
    true_kwh = float(sessions.filter(pl.col("ended_at") <= last_at)["true_excess_kwh"].sum())
    return Found(
        loss,
        _days(opened_at - loss.since),
        count,
        _days(onset_at - loss.since),
        excess / true_kwh - 1,
        abs(excess - true_kwh) <= 2 * deviation,
    )


def trial_of_alarms(
    rule: str, alarms: pl.DataFrame, sessions: pl.DataFrame, losses: Sequence[Injected], healthy_years: float
) -> Trial:
    """The same of a rule that only says when."""
    since = {each.vehicle_id: each for each in losses}
    first: dict[int, datetime] = {}
    false = 0
    for vehicle_id, alarm_at in alarms.iter_rows():
        loss = since.get(vehicle_id)
        if loss is None or alarm_at < loss.since:
            false += 1
        else:
            first.setdefault(vehicle_id, alarm_at)
    of_pair = sessions.filter("is_qualified").partition_by("vehicle_id", as_dict=True)
    found = []
    for each in losses:
        alarm = first.get(each.vehicle_id)
        rows = of_pair.get((each.vehicle_id,))
        if alarm is None or rows is None:
            found.append(Found(each, None, None))
        else:
            count = rows.filter(pl.col("started_at") >= each.since, pl.col("ended_at") <= alarm).height
            found.append(Found(each, _days(alarm - each.since), count))
    return Trial(rule, found, alarms.height, false, healthy_years)


def lines(trials: Sequence[Trial]) -> Iterable[dict[str, object]]:
    """One line a rule and size, and one for the rule in all."""
    for rule in dict.fromkeys(each.rule for each in trials):
        of_rule = [each for each in trials if each.rule == rule]
        found = [each for trial in of_rule for each in trial.found]
        for name in dict.fromkeys(each.loss.name for each in found):
            yield {"rule": rule, "loss": name, **_of_losses([each for each in found if each.loss.name == name])}
        alarms, false = sum(each.alarms for each in of_rule), sum(each.false for each in of_rule)
        years = sum(each.healthy_years for each in of_rule)
        yield {
            "rule": rule,
            "loss": "all",
            "alarms": alarms,
            "precision": _rounded((alarms - false) / alarms) if alarms else None,
            "false": false,
            "pair_years": _rounded(years),
            "false_per_100_years": _rounded(100 * false / years),
            "upper_95": _rounded(100 * poisson_upper(false) / years),
        }


def _of_losses(found: Sequence[Found]) -> dict[str, object]:
    hit = [each for each in found if each.delay_days is not None]
    onsets = [each.onset_days for each in hit if each.onset_days is not None]
    energies = [each.energy_error for each in hit if each.energy_error is not None]
    inside = [each.is_in_interval for each in hit if each.is_in_interval is not None]
    sessions = [each.delay_sessions for each in hit if each.delay_sessions is not None]
    days = [each.delay_days for each in hit if each.delay_days is not None]
    return {
        "known": len(found),
        "recall": _rounded(len(hit) / len(found)),
        "recall_60_days": _rounded(sum(each <= DRIFT_DAYS for each in days) / len(found)),
        "delay_sessions": median(sessions) if sessions else None,
        "delay_days": _rounded(median(days)) if days else None,
        "onset_within_3_days": _share(abs(each) <= NEAR_DAYS for each in onsets),
        "kwh_within_25_percent": _share(abs(each) <= NEAR_ENERGY for each in energies),
        "kwh_in_interval": _share(inside),
    }


def poisson_upper(count: int, share: float = 0.975) -> float:
    """The exact upper bound of a Poisson mean of which ``count`` were seen (Garwood 1936): of a two-sided interval of
    95 %."""

    def at_most(mean: float) -> float:
        return math.fsum(math.exp(each * math.log(mean) - mean - math.lgamma(each + 1)) for each in range(count + 1))

    low, high = 1e-9, count + 10 * math.sqrt(count + 1) + 10
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(middle) > 1 - share else (low, middle)
    return high


def table(rows: Sequence[dict[str, object]]) -> str:
    """For people."""
    heads = list(dict.fromkeys(name for row in rows for name in row))
    written = [heads, *(["" if row.get(head) is None else str(row[head]) for head in heads] for row in rows)]
    widths = [max(len(row[place]) for row in written) for place in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in written)


def _share(of: Iterable[bool]) -> float | None:
    each = list(of)
    return _rounded(sum(each) / len(each)) if each else None


def _days(span: timedelta) -> float:
    return span.total_seconds() / 86_400


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
