"""Draws the evidence of a finding: what each session delivered beside what was expected, and the difference."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from warehouse.template import fill

WIDTH, LEFT, RIGHT = 760.0, 64.0, 20.0
UPPER, LOWER = (64.0, 214.0), (258.0, 388.0)
"""From top to bottom: the efficiencies, and below them the differences."""
HEIGHT = 440.0
MOST_TICKS = 5
STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Between lines of a scale, in points."""
MARGIN_POINTS = 1.0
DEVIATIONS = 2.0
"""The band around what is expected: 19 of 20 sessions lie in it."""


class Tick(NamedTuple):
    """A line of a scale, and what it says."""

    at: float
    text: str


class Mark(NamedTuple):
    """A session: where it lies from the left, and what was expected and observed from the top."""

    x: float
    observed_y: float
    expected_y: float
    excess_y: float
    is_since: bool
    said: str


def draw_evidence(evidence: pl.DataFrame, finding: pl.DataFrame, title: str) -> str:
    """The picture as SVG, in light and dark, of fixed width.

    ``evidence``: rows of ``EVIDENCE``; ``finding``: its row of ``LOSS_FINDINGS``; ``title``: who it is about.

    Raises:
        ValueError: there is no session to be shown.
    """
    if evidence.is_empty():
        raise ValueError("the finding has no sessions that could be shown")
    (told,) = finding.iter_rows(named=True)
    first, last = evidence["ended_at"][0], evidence["ended_at"][-1]
    x = _scale((_seconds(first), _seconds(last)), (LEFT, WIDTH - RIGHT))
    observed = evidence.select(pl.col("efficiency_ratio", "expected_ratio") * 100)
    upper_range, lower_range = _range(observed.iter_columns()), _range([evidence["excess_points"], pl.Series([0.0])])
    upper, lower = _scale(upper_range, UPPER[::-1]), _scale(lower_range, LOWER[::-1])
    band = DEVIATIONS * float(evidence["deviation_points"].median() or 0.0)  # type: ignore[arg-type]
    onset = [min(max(_seconds(told[name] or first), _seconds(first)), _seconds(last)) for name in _ONSET]
    return fill(
        "warehouse.losses",
        "evidence.svg",
        title=title,
        said=_said(told),
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        upper=UPPER,
        lower=LOWER,
        days=[Tick(x(_seconds(day)), f"{day:%-d %b}") for day in _days(first, last)],
        percents=[Tick(upper(value), f"{value:g} %") for value in _values(upper_range)],
        points=[Tick(lower(value), f"{value:+g}" if value else "0") for value in _values(lower_range)],
        marks=[_mark(row, x, upper, lower) for row in evidence.iter_rows(named=True)],
        band=(lower(min(band, lower_range[1])), lower(max(-band, lower_range[0]))),
        onset=[x(instant) for instant in onset],
        means=_means(evidence, x(onset[1]), lower),
    )


_ONSET = ("onset_from", "onset_at", "onset_until")


def _said(told: dict[str, object]) -> str:
    onset_from, onset_until = told["onset_from"], told["onset_until"]
    between = (
        f" (between {onset_from:%Y-%m-%d %H:%M} and {onset_until:%Y-%m-%d %H:%M} UTC)"
        if onset_from and onset_until
        else ""
    )
    return (
        f"{told['points']:.1f} points less since {told['onset_at']:%Y-%m-%d}{between}; "
        f"{told['excess_kwh']:.0f} kWh lost in {told['session_count']} sessions"
    )


def _mark(row: dict[str, float], x: Callable[[float], float], *ys: Callable[[float], float]) -> Mark:
    upper, lower = ys
    ended_at: datetime = row["ended_at"]  # type: ignore[assignment]
    observed, expected = 100 * row["efficiency_ratio"], 100 * row["expected_ratio"]
    return Mark(
        x(_seconds(ended_at)),
        upper(observed),
        upper(expected),
        lower(row["excess_points"]),
        bool(row["is_since_onset"]),
        f"{ended_at:%Y-%m-%d %H:%M}: {observed:.1f} %, expected {expected:.1f} %, {row['dc_kwh']:.1f} kWh",
    )


class Mean(NamedTuple):
    """The mean difference before or since the onset: from one side to the other, how high, and in words."""

    from_x: float
    to_x: float
    y: float
    text: str


def _means(evidence: pl.DataFrame, onset_x: float, lower: Callable[[float], float]) -> list[Mean]:
    parts = ((False, LEFT, onset_x, "before"), (True, onset_x, WIDTH - RIGHT, "since"))
    means = []
    for is_since, from_x, to_x, when in parts:
        part = evidence.filter(pl.col("is_since_onset") == is_since)
        if not part.is_empty():
            points = _points_of_sums(part)
            means.append(Mean(from_x, to_x, lower(points), f"{when}: {round(points, 1) + 0.0:+.1f} points"))
    return means


def _points_of_sums(part: pl.DataFrame) -> float:
    """As the finding's own points: the efficiencies are ratios of sums, expected and observed."""
    dc = pl.col("dc_kwh")
    expected, observed = (dc.sum() / (dc / pl.col(name)).sum() for name in ("expected_ratio", "efficiency_ratio"))
    return float(part.select(100 * (expected - observed)).item())


def _scale(values: tuple[float, float], places: tuple[float, float]) -> Callable[[float], float]:
    (low, high), (begin, end) = values, places
    return lambda value: begin + (value - low) / ((high - low) or 1.0) * (end - begin)


def _range(series: Iterable[pl.Series]) -> tuple[float, float]:
    values = pl.concat([each.alias("value") for each in series])
    return float(values.min()) - MARGIN_POINTS, float(values.max()) + MARGIN_POINTS  # type: ignore[arg-type]


def _values(limits: tuple[float, float]) -> list[float]:
    low, high = limits
    step = next((step for step in STEPS if (high - low) / step <= MOST_TICKS), STEPS[-1])
    first = int(low // step) + 1
    return [step * number for number in range(first, int(high // step) + 1)]


def _days(first: datetime, last: datetime) -> list[datetime]:
    """Midnights (UTC) at even distances."""
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=1)
    apart = max(1, -(-(last - midnight).days // MOST_TICKS))
    return [midnight + timedelta(days=apart * n) for n in range((last - midnight).days // apart + 1)]


def _seconds(instant: datetime) -> float:
    return instant.timestamp()
