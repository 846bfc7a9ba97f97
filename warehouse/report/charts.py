"""Bars as a picture of known size: numbers here, SVG in ``templates/bars.svg``. Colours are those of the page."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup

from warehouse.template import fill

WIDTH, HEIGHT = 760.0, 210.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 14.0, 26.0, 34.0
BASE = HEIGHT - BOTTOM
MOST_TICKS = 4
MOST_LABELS = 15
WIDEST_BAR = 46.0
_FILLED = 0.72
"""Of the place of a bar, the rest parts it from its neighbours."""
_STEPS = (1.0, 2.0, 5.0, 10.0)


class Value(NamedTuple):
    """What a bar shows; ``part``: how much of it is set apart; ``None`` is a place without a bar."""

    label: str
    value: float | None
    said: str
    part: float = 0.0


class Bar(NamedTuple):
    """A bar in its place, pixels."""

    x: float
    y: float
    height: float
    part_height: float
    said: str


class Mark(NamedTuple):
    """Where a line or a text stands, pixels, and what it says."""

    at: float
    text: str


def draw_bars(title: str, values: Sequence[Value], line: tuple[int, str] | None = None) -> Markup:
    """The picture as SVG. ``title``: what the bars show, with their unit; ``line``: before which bar one stands, and
    what it says. A value below 0 is a bar of no height.

    Raises:
        ValueError: there is nothing to be shown.
    """
    if not values:
        raise ValueError("there are no values that could be shown")
    top_value = max(each.value or 0.0 for each in values)
    step = _step(top_value)
    tick_count = max(1, ceil(top_value / step - 1e-9))
    pixels = (BASE - TOP) / (tick_count * step)
    apart = (WIDTH - LEFT - RIGHT) / len(values)
    width = min(WIDEST_BAR, _FILLED * apart)
    middles = [LEFT + apart * (place + 0.5) for place in range(len(values))]
    every = ceil(len(values) / MOST_LABELS)
    labelled = range((len(values) - 1) % every, len(values), every)
    svg = fill(
        "warehouse.report",
        "bars.svg",
        title=title,
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        base=BASE,
        bar_width=width,
        bars=[
            _bar(middle - width / 2, each.value, each.part, pixels, each.said)
            for middle, each in zip(middles, values, strict=True)
            if each.value is not None
        ],
        labels=[Mark(middles[place], values[place].label) for place in labelled],
        ticks=[Mark(BASE - number * step * pixels, f"{number * step:,g}") for number in range(tick_count + 1)],
        line=Mark(LEFT + apart * line[0], line[1]) if line else None,
    )
    return Markup(svg)  # noqa: S704 - what comes from outside was escaped


def _bar(x: float, value: float, part: float, pixels: float, said: str) -> Bar:
    height = max(0.0, value) * pixels
    return Bar(x, BASE - height, height, min(height, max(0.0, part) * pixels), said)


def _step(top_value: float) -> float:
    """Between the lines of the scale: 1, 2 or 5 times a power of ten."""
    if top_value <= 0:
        return 1.0
    rough = top_value / MOST_TICKS
    power = 10.0 ** floor(log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))
