"""Draws cards and the lines between them as a picture of known size: numbers here, SVG in ``templates/graph.html``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from warehouse.lake.pages.layered import Box, arrange

CHARACTER = 6.9
"""Width of a character of the pictures' type (11 px, monospaced), with a little to spare for other fonts."""
HEAD, ROW, FOOT = 26.0, 17.0, 6.0
_PADDING = 22.0
_BETWEEN_CARDS = 18.0
_MARGIN = 8.0
_LABELS = 96.0
_BAND_PADDING = 14.0

Point = tuple[float, float]


class Row(NamedTuple):
    """A line of text on a card. ``look`` is its CSS classes, here and below; ``anchor``: its own id, to link to."""

    name: str
    href: str
    look: str = ""
    anchor: str = ""


class Card(NamedTuple):
    """A box with a title, and below it a remark or rows."""

    name: str
    title: str
    rank: int
    href: str = ""
    look: str = ""
    remark: str = ""
    rows: Sequence[Row] = ()

    @property
    def width(self) -> float:
        """As much as its longest text takes, pixels."""
        return _PADDING + CHARACTER * max(
            len(text) for text in (self.title, self.remark, *(row.name for row in self.rows))
        )

    @property
    def height(self) -> float:
        """Pixels."""
        lines = len(self.rows) + bool(self.remark)
        return HEAD + lines * ROW + (FOOT if lines else 0)


class Line(NamedTuple):
    """From one card to another, or from row to row."""

    source: str
    target: str
    source_row: str = ""
    target_row: str = ""
    look: str = ""


class DrawnCard(NamedTuple):
    """A card and its upper left corner, pixels."""

    card: Card
    x: float
    y: float


class DrawnLine(NamedTuple):
    """A line as the path of an SVG."""

    path: str
    look: str


class Band(NamedTuple):
    """A part of a picture, from top to bottom, whose cards belong together."""

    label: str
    y: float
    height: float


@dataclass(frozen=True)
class Picture:
    """Everything in its place."""

    width: float
    height: float
    cards: Sequence[DrawnCard]
    lines: Sequence[DrawnLine]
    bands: Sequence[Band] = ()


def draw_right(cards: Sequence[Card], lines: Sequence[Line]) -> Picture:
    """Ranks from left to right, for cards with rows: lines leave a row at its right and come in at its left."""
    sizes = {card.name: (card.width, card.height) for card in cards}
    canvas = _Canvas(cards, lines, sizes, between_ranks=76.0)

    def place(along: float, across: float) -> Point:
        return along + _MARGIN, across + _MARGIN

    drawn = [DrawnCard(card, *place(*canvas.corner(card))) for card in cards]
    paths = [DrawnLine(_path(canvas.route(line, _offset_of_row), place), line.look) for line in lines]
    return Picture(*place(canvas.along + _MARGIN, canvas.across + _MARGIN), drawn, paths)


def draw_down(cards: Sequence[Card], lines: Sequence[Line], bands: Mapping[str, Sequence[int]]) -> Picture:
    """Ranks from top to bottom, for cards without rows; ``bands`` says which ranks belong together."""
    sizes = {card.name: (card.height, card.width) for card in cards}
    canvas = _Canvas(cards, lines, sizes, between_ranks=40.0)

    def place(along: float, across: float) -> Point:
        return across + _LABELS, along + _BAND_PADDING

    drawn = [DrawnCard(card, *place(*canvas.corner(card))) for card in cards]
    paths = [DrawnLine(_path(canvas.route(line, lambda _card, _row: 0.0), place), line.look) for line in lines]
    drawn_bands = [
        Band(label, canvas.begins[ranks[0]], canvas.ends[ranks[-1]] - canvas.begins[ranks[0]] + 2 * _BAND_PADDING)
        for label, ranks in bands.items()
    ]
    return Picture(*place(canvas.along + _BAND_PADDING, canvas.across + _MARGIN), drawn, paths, drawn_bands)


class _Canvas:
    """Cards arranged by rank, in numbers (along the direction of the ranks, across it)."""

    def __init__(
        self, cards: Sequence[Card], lines: Sequence[Line], sizes: Mapping[str, Point], between_ranks: float
    ) -> None:
        """``sizes`` are the cards' own, along and across."""
        self._cards, self._sizes = {card.name: card for card in cards}, sizes
        boxes = [Box(card.name, card.rank, sizes[card.name][1]) for card in cards]
        self._placed = arrange(boxes, {(line.source, line.target) for line in lines}, _BETWEEN_CARDS)
        self.begins: dict[int, float] = {}
        self.ends: dict[int, float] = {}
        end = -between_ranks
        for rank in sorted({card.rank for card in cards}):
            self.begins[rank] = end + between_ranks
            self.ends[rank] = end = self.begins[rank] + max(sizes[card.name][0] for card in cards if card.rank == rank)
        self.along, self.across = max(end, 0.0), self._placed.breadth

    def corner(self, card: Card) -> Point:
        """Where a card begins."""
        return self.begins[card.rank], self._placed.middles[card.name] - self._sizes[card.name][1] / 2

    def route(self, line: Line, offset: Callable[[Card, str], float]) -> list[Point]:
        """The points that a line goes through: out of a card, in and out of each lane, into a card.

        ``offset`` says how far from a card's middle a line meets it at a row.
        """
        ends = [(self._cards[line.source], line.source_row), (self._cards[line.target], line.target_row)]
        (first, first_row), (last, last_row) = sorted(ends, key=lambda end: end[0].rank)
        points = [(self.begins[first.rank] + self._sizes[first.name][0], self._across(first, first_row, offset))]
        passed = [rank for rank in self.begins if first.rank < rank < last.rank]
        for rank, lane in zip(passed, self._placed.lanes[line.source, line.target], strict=True):
            points += [(self.begins[rank], lane), (self.ends[rank], lane)]
        return [*points, (self.begins[last.rank], self._across(last, last_row, offset))]

    def _across(self, card: Card, row: str, offset: Callable[[Card, str], float]) -> float:
        return self._placed.middles[card.name] + offset(card, row)


def _offset_of_row(card: Card, row: str) -> float:
    names = [each.name for each in card.rows]
    down = HEAD + (names.index(row) + 0.5) * ROW if row else HEAD / 2
    return down - card.height / 2


def _path(points: Sequence[Point], place: Callable[[float, float], Point]) -> str:
    """Curves from rank to rank, straight along the lanes."""

    def at(along: float, across: float) -> str:
        return "{:.1f},{:.1f}".format(*place(along, across))

    parts = [f"M{at(*points[0])}"]
    for index, (begin, end) in enumerate(pairwise(points)):
        half = (begin[0] + end[0]) / 2
        bend = "" if index % 2 else f"C{at(half, begin[1])} {at(half, end[1])} "
        parts.append(f"{bend or 'L'}{at(*end)}")
    return "".join(parts)
