"""Bars that the server draws: shares of a whole, and how many have which ratio; in a box of a thousand by a hundred."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from ingest_api.analytics.fleet_answers import Bin

WIDTH, HEIGHT = 1000, 100
_GAP = 6
"""Between the bars of a histogram."""


class Share(NamedTuple):
    """A part of a whole: where it begins in the box, and how wide it is there."""

    name: str
    amount: float
    x: float
    width: float


def shares(amounts: Mapping[str, float]) -> list[Share]:
    """Each amount beside the ones before it; empty where there is nothing to share."""
    whole = sum(amounts.values())
    if whole <= 0:
        return []
    ends = [0.0, *accumulate(WIDTH * amount / whole for amount in amounts.values())]
    return [
        Share(name, amount, round(begin, 2), round(end - begin, 2))
        for (name, amount), begin, end in zip(amounts.items(), ends, ends[1:], strict=False)
    ]


class Bar(NamedTuple):
    """Vehicles whose ratio lies in ``[from_ratio, to_ratio)``; ``None`` is open."""

    from_ratio: float | None
    to_ratio: float | None
    vehicles: int
    is_low: bool
    x: float
    y: float
    width: float
    height: float


class Histogram(NamedTuple):
    """Bars from the first that has somebody to the last, and where the threshold lies between them."""

    bars: Sequence[Bar]
    low: float
    high: float
    most: int
    threshold_x: float


def histogram(bins: Sequence[Bin], threshold: float) -> Histogram | None:
    """How the vehicles' ratios are spread; ``None``: no vehicle has one."""
    found = [place for place, each in enumerate(bins) if each.vehicles or _holds(each, threshold)]
    if not any(each.vehicles for each in bins):
        return None
    shown = bins[found[0] : found[-1] + 1]
    step = 1 / (len(bins) - 2)
    low = shown[0].from_ratio if shown[0].from_ratio is not None else (shown[0].to_ratio or 0.0) - step
    high = low + step * len(shown)
    width, most = WIDTH / len(shown), max(each.vehicles for each in shown)
    bars = [
        Bar(
            *(each.from_ratio, each.to_ratio, each.vehicles),
            is_low=each.to_ratio is not None and each.to_ratio <= threshold,
            x=round(place * width + _GAP / 2, 2),
            y=round(HEIGHT - HEIGHT * each.vehicles / most, 2),
            width=round(width - _GAP, 2),
            height=round(HEIGHT * each.vehicles / most, 2),
        )
        for place, each in enumerate(shown)
    ]
    return Histogram(bars, low, high, most, round(WIDTH * (threshold - low) / (high - low), 2))


def _holds(each: Bin, ratio: float) -> bool:
    return (each.from_ratio or 0.0) <= ratio < (each.to_ratio if each.to_ratio is not None else ratio)
