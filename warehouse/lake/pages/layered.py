"""Arranges boxes in ranks so that the links between them cross little and bend little.

A link that passes ranks gets a lane in each, like a thin box, so that it goes between the boxes and not behind them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise
from statistics import fmean
from typing import NamedTuple

Link = tuple[str, str]

_LANE_BREADTH = 10.0
_SWEEPS = 12
"""Orders and places settle in fewer; a graph of some dozen boxes takes a few milliseconds."""


class Box(NamedTuple):
    """Something with a place: the rank is given, where in its rank is to be found. ``breadth`` is its size along it."""

    name: str
    rank: int
    breadth: float


@dataclass(frozen=True)
class Arrangement:
    """The middle of each box along its rank, and of each link's lanes in the ranks it passes, from 0 to ``breadth``."""

    middles: Mapping[str, float]
    lanes: Mapping[Link, tuple[float, ...]]
    breadth: float


def arrange(boxes: Sequence[Box], links: Collection[Link], gap: float) -> Arrangement:
    """Find a place for each box. Links join boxes of different ranks; the same input gives the same places."""
    grid = _Grid(boxes, links)
    grid.order()
    middles = grid.place(gap)
    low = min((middles[name] - each.breadth / 2 for name, each in grid.cells.items()), default=0.0)
    high = max((middles[name] + each.breadth / 2 for name, each in grid.cells.items()), default=0.0)
    return Arrangement(
        middles={each.name: middles[each.name] - low for each in boxes},
        lanes={link: tuple(middles[name] - low for name in names) for link, names in grid.lanes.items()},
        breadth=high - low,
    )


class _Grid:
    """Boxes and lanes by rank, in an order that ``order`` makes better."""

    def __init__(self, boxes: Sequence[Box], links: Collection[Link]) -> None:
        self.cells = {each.name: each for each in boxes}
        self.lanes: dict[Link, tuple[str, ...]] = {}
        self._neighbours: dict[str, list[str]] = defaultdict(list)
        for link in sorted(links):
            self._add(link)
        self._ranks: dict[int, list[str]] = defaultdict(list)
        for name, cell in self.cells.items():
            self._ranks[cell.rank].append(name)

    def order(self) -> None:
        """Put each cell near the mean place of its neighbours, up and down the ranks; the best order stays."""
        best, fewest = dict(self._ranks), self._crossings()
        for sweep in range(_SWEEPS):
            for rank in sorted(self._ranks, reverse=sweep % 2 == 1):
                looked_at = rank + (1 if sweep % 2 else -1)
                place = {name: at / len(names) for names in self._ranks.values() for at, name in enumerate(names)}
                wanted = {
                    name: fmean(
                        [place[each] for each in self._neighbours[name] if self.cells[each].rank == looked_at]
                        or [place[name]]
                    )
                    for name in self._ranks[rank]
                }
                self._ranks[rank] = sorted(self._ranks[rank], key=wanted.__getitem__)
            if (crossings := self._crossings()) < fewest:
                best, fewest = dict(self._ranks), crossings
        self._ranks = best

    def place(self, gap: float) -> dict[str, float]:
        """The middle of each cell: as near to its neighbours' middle as the order and the breadths allow."""
        middles: dict[str, float] = {}
        for names in self._ranks.values():
            middles |= zip(names, self._spread(names, [0.0] * len(names), gap), strict=True)
        for sweep in range(_SWEEPS):
            for rank in sorted(self._ranks, reverse=sweep % 2 == 1):
                names = self._ranks[rank]
                wanted = [
                    fmean([middles[each] for each in self._neighbours[name]] or [middles[name]]) for name in names
                ]
                middles |= zip(names, self._spread(names, wanted, gap), strict=True)
        return middles

    def _add(self, link: Link) -> None:
        source, target = sorted(link, key=lambda name: self.cells[name].rank)
        between = range(self.cells[source].rank + 1, self.cells[target].rank)
        lanes = tuple(f"{source} > {target} @ {rank}" for rank in between)
        for name, rank in zip(lanes, between, strict=True):
            self.cells[name] = Box(name, rank, _LANE_BREADTH)
        for one, other in pairwise([source, *lanes, target]):
            self._neighbours[one].append(other)
            self._neighbours[other].append(one)
        self.lanes[link] = lanes

    def _crossings(self) -> int:
        place = {name: at for names in self._ranks.values() for at, name in enumerate(names)}
        segments: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for name, neighbours in self._neighbours.items():
            rank = self.cells[name].rank
            segments[rank] += [(place[name], place[each]) for each in neighbours if self.cells[each].rank > rank]
        return sum(
            (one[0] - other[0]) * (one[1] - other[1]) < 0
            for of_rank in segments.values()
            for one, other in combinations(of_rank, 2)
        )

    def _spread(self, names: Sequence[str], wanted: Sequence[float], gap: float) -> list[float]:
        """The places nearest to the wanted ones (least squares) that keep the order and overlap nowhere.

        Less the room before each cell, places only have to rise: neighbours that do not are averaged.
        """
        breadths = [self.cells[name].breadth for name in names]
        room = list(accumulate(((a + b) / 2 + gap for a, b in pairwise(breadths)), initial=0.0))
        blocks: list[list[float]] = []
        for want, before in zip(wanted, room, strict=True):
            blocks.append([want - before])
            while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
                blocks[-2:] = [blocks[-2] + blocks[-1]]
        return [fmean(block) + before for before, block in zip(room, (b for b in blocks for _ in b), strict=True)]
