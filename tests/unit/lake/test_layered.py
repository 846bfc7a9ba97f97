"""Where boxes go: in their rank, over no other, links through lanes, and no crossing that need not be."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from warehouse.lake.pages.layered import Arrangement, Box, Link, arrange

GAP = 5.0


def order(placed: Arrangement, *names: str) -> list[str]:
    return sorted(names, key=placed.middles.__getitem__)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Link]]:
    boxes = [
        Box(f"b{number}", draw(st.integers(0, 4)), draw(st.floats(1, 100))) for number in range(draw(st.integers(0, 9)))
    ]
    pairs = [(one.name, other.name) for one in boxes for other in boxes if one.rank < other.rank]
    return boxes, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


@given(graphs())
def test_no_two_boxes_of_a_rank_come_nearer_than_the_gap_and_all_lie_within(
    graph: tuple[list[Box], list[Link]],
) -> None:
    boxes, links = graph
    placed = arrange(boxes, links, GAP)
    for one, other in combinations(boxes, 2):
        if one.rank == other.rank:
            apart = abs(placed.middles[one.name] - placed.middles[other.name])
            assert apart >= (one.breadth + other.breadth) / 2 + GAP - 1e-6
    for each in boxes:
        assert each.breadth / 2 - 1e-6 <= placed.middles[each.name] <= placed.breadth - each.breadth / 2 + 1e-6
    ranks = {each.name: each.rank for each in boxes}
    assert {link: len(lanes) for link, lanes in placed.lanes.items()} == {
        (source, target): ranks[target] - ranks[source] - 1 for source, target in links
    }


@given(graphs())
def test_the_same_graph_is_drawn_the_same(graph: tuple[list[Box], list[Link]]) -> None:
    boxes, links = graph
    assert arrange(boxes, links, GAP) == arrange(boxes, list(reversed(links)), GAP)


def test_what_can_be_drawn_without_a_crossing_is() -> None:
    boxes = [Box(name, 0, 10) for name in "abc"] + [Box(name, 1, 10) for name in "xyz"]
    placed = arrange(boxes, [("a", "z"), ("b", "x"), ("c", "y")], GAP)
    above = order(placed, "a", "b", "c")
    assert order(placed, "x", "y", "z") == [{"a": "z", "b": "x", "c": "y"}[name] for name in above]


def test_a_box_is_in_the_middle_of_what_it_is_linked_to() -> None:
    boxes = [Box("a", 0, 10), Box("b", 0, 30), Box("one", 1, 10)]
    placed = arrange(boxes, [("a", "one"), ("b", "one")], GAP)
    assert placed.middles["one"] == (placed.middles["a"] + placed.middles["b"]) / 2


def test_a_link_that_passes_a_rank_goes_around_its_boxes() -> None:
    boxes = [Box("first", 0, 10), Box("between", 1, 40), Box("last", 2, 10)]
    placed = arrange(boxes, [("first", "last"), ("first", "between"), ("between", "last")], GAP)
    (lane,) = placed.lanes["first", "last"]
    assert abs(lane - placed.middles["between"]) >= 20 + GAP
