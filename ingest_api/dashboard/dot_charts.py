"""Values over time as dots: paths of SVG, in a box of a thousand by a hundred.

Browsers stretch the box to the page's width; strokes keep their width, so that a dot is a stroke of no length.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from ingest_api.charging.day_schemas import VehicleDay
from ingest_api.findings.finding_schemas import FindingDetails
from warehouse.contract.efficiency import Status

WIDTH, HEIGHT = 1000, 100
_EDGE = 12
"""Room around the dots, in units of the box's width; of its height a third."""


class Dot(NamedTuple):
    """A value at an instant; not telling: it is shown, and judges nothing."""

    at: datetime
    value: float
    is_telling: bool = True


class DotChart(NamedTuple):
    """What is drawn, and the ends of both axes."""

    telling: str
    not_telling: str
    expected_y: float | None
    onset_x: float | None
    low: float
    high: float
    first: datetime
    last: datetime


def efficiency_chart(finding: FindingDetails) -> DotChart | None:
    """The efficiency of each session; ``None``: none has one."""
    sessions = [each for each in finding.evidence.sessions if each.efficiency_ratio is not None]
    dots = [Dot(each.ended_at, each.efficiency_ratio or 0.0, each.is_qualified) for each in sessions]
    return _chart(dots, finding.evidence.expected_ratio, finding.onset_at, step=0.05)


def days_chart(days: Sequence[VehicleDay], threshold: float) -> DotChart | None:
    """The efficiency of each day beside the threshold; a day on which a vehicle only stood by tells nothing."""
    rated = [each for each in days if each.efficiency_ratio is not None and each.status is not Status.LOW_ENERGY]
    return _chart([Dot(_noon(each.day), each.efficiency_ratio or 0.0) for each in rated], threshold, None, step=0.05)


def standby_chart(finding: FindingDetails) -> DotChart | None:
    """The idle power of each day, in watts."""
    days = [each for each in finding.evidence.standby if each.idle_watts is not None]
    return _chart([Dot(_noon(each.day), each.idle_watts or 0.0) for each in days], None, finding.onset_at, step=10.0)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def _chart(dots: Sequence[Dot], expected: float | None, onset: datetime | None, step: float) -> DotChart | None:
    if not dots:
        return None
    values = [each.value for each in dots] + ([] if expected is None else [expected])
    low, high = _down(min(values), step), _down(max(values), step) + step
    first, last = min(each.at for each in dots), max(each.at for each in dots)
    span_s = (last - first).total_seconds()

    def x_of(at: datetime) -> float:
        share = (at - first).total_seconds() / span_s if span_s else 0.5
        return round(_EDGE + share * (WIDTH - 2 * _EDGE), 1)

    def y_of(value: float) -> float:
        edge = _EDGE / 3
        return round(HEIGHT - edge - (value - low) / (high - low) * (HEIGHT - 2 * edge), 1)

    def path(which: bool) -> str:
        return "".join(f"M{x_of(each.at)} {y_of(each.value)}h0" for each in dots if each.is_telling is which)

    return DotChart(
        telling=path(True),  # noqa: FBT003
        not_telling=path(False),  # noqa: FBT003
        expected_y=None if expected is None else y_of(expected),
        onset_x=x_of(onset) if onset and first <= onset <= last else None,
        low=low,
        high=high,
        first=first,
        last=last,
    )


def _down(value: float, step: float) -> float:
    return value // step * step
