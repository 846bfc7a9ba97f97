"""What the rules found, held against what the simulated fleet knows of itself."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import polars as pl

from warehouse.contract.findings import Rule
from warehouse.simulation.faults import FaultKind
from warehouse.simulation.truth import KnownFault

RULE_OF = {
    FaultKind.METER_SILENT: Rule.SILENCE,
    FaultKind.VEHICLE_SILENT: Rule.SILENCE,
    FaultKind.METER_CLOCK: Rule.CLOCK,
    FaultKind.VEHICLE_CLOCK: Rule.CLOCK,
    FaultKind.SWAPPED_MAPPING: Rule.MAPPING,
    FaultKind.FROZEN_METER: Rule.FROZEN_METER,
    FaultKind.DEAD_TRANSFORMER: Rule.DC_EXCEEDS_AC,
    FaultKind.LEAKAGE: Rule.LEAKAGE,
}
"""The kinds of fault that are wrong data, and the rule that should find each."""
DAYS_TO_FIND = {
    Rule.SILENCE: 1,
    Rule.CLOCK: 14,
    Rule.MAPPING: 14,
    Rule.FROZEN_METER: 21,
    Rule.DC_EXCEEDS_AC: 14,
    Rule.LEAKAGE: 5,
}
"""A fault counts where it lasted so long within the days that were looked at: some vehicles charge each third day."""
LINGERS_DAYS = 45
"""So long a rule may speak of a fault that is over: as far back as it looks."""


class Known(NamedTuple):
    """A fault of one pair that a rule should find. At a swap both pairs have one."""

    rule: Rule
    kind: FaultKind
    pair: int
    since: datetime
    until: datetime | None
    size: float


class Found(NamedTuple):
    """A known fault, and what was found of it."""

    known: Known
    opened_on: date | None
    is_right: bool
    """Whether the lag, the named meter or the watts are those of the fault."""


class Score(NamedTuple):
    """What came of one fleet."""

    found: list[Found]
    false: list[dict[str, object]]
    """Rows of ``data_faults`` that opened where nothing was wrong; R9 aside, as cut-off devices are silent in truth."""
    charger_years: float


def known_faults(faults: Iterable[KnownFault]) -> list[Known]:
    """The faults of the data by pair."""
    known = []
    for fault in faults:
        rule, number = RULE_OF.get(fault.kind), _number(fault.device_id)
        if rule is None:
            continue
        for pair in (number, number - 1) if fault.kind is FaultKind.SWAPPED_MAPPING else (number,):
            known.append(Known(rule, fault.kind, pair, fault.since, fault.until, fault.size))
    return known


def score(faults: Iterable[KnownFault], rows: pl.DataFrame, pairs: int, first: date, last: date) -> Score:
    """Hold the rows of ``data_faults`` of all days (with ``day``) against the known faults of ``pairs`` pairs."""
    known = known_faults(faults)
    opened = rows.filter(pl.col("state").is_in(["opened", "reopened"])).sort("day").to_dicts()
    found = [_found(each, opened, rows) for each in known if _could_be_found(each, first, last)]
    false = [
        row for row in opened if row["rule"] != Rule.SILENCE.value and not any(_explains(each, row) for each in known)
    ]
    return Score(found, false, pairs * ((last - first).days + 1) / 365)


def _could_be_found(known: Known, first: date, last: date) -> bool:
    end = datetime.combine(last, time.max, UTC)
    until = min(known.until or end, end)
    return known.since.date() > first and until - known.since >= timedelta(days=DAYS_TO_FIND[known.rule])


def _found(known: Known, opened: Sequence[dict[str, object]], rows: pl.DataFrame) -> Found:
    for row in opened:
        if row["rule"] == known.rule.value and _explains(known, row):
            return Found(known, row["day"], _is_right(known, row))  # type: ignore[arg-type]
    return Found(known, None, is_right=False)


def _explains(known: Known, row: dict[str, object]) -> bool:
    day = row["day"]
    assert isinstance(day, date)
    began, ended = known.since.date(), known.until.date() if known.until else date.max - timedelta(days=LINGERS_DAYS)
    is_here = row["rule"] == known.rule.value and int(str(row["subject"]).split()[-1]) == known.pair
    return is_here and began <= day <= ended + timedelta(days=LINGERS_DAYS)


def _is_right(known: Known, row: dict[str, object]) -> bool:
    observed = row["observed"]
    assert isinstance(observed, float)
    if known.rule is Rule.CLOCK:
        lag_s = known.size if known.kind is FaultKind.METER_CLOCK else -known.size
        return abs(observed - lag_s) <= 60
    if known.rule is Rule.MAPPING:
        other = row["other_meter_id"]
        return isinstance(other, int) and abs(other - known.pair) == 1
    if known.rule is Rule.LEAKAGE:
        return abs(observed - known.size) <= max(5, 0.1 * known.size)
    return True


def _number(device_id: str) -> int:
    return int(device_id.rsplit("-", 1)[-1])
