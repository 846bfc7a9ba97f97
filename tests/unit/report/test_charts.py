"""Bars: all in their place, with a scale that a person can read."""

from xml.etree import ElementTree

import pytest

from warehouse.report.charts import BASE, HEIGHT, MOST_LABELS, TOP, WIDTH, Value, draw_bars

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*values: float | None, part: float = 0.0) -> ElementTree.Element:
    bars = [Value(f"{place}", value, f"{value} kWh", part) for place, value in enumerate(values)]
    return ElementTree.fromstring(draw_bars("kWh", bars))  # noqa: S314 - it is ours


def heights(picture: ElementTree.Element, look: str = "whole") -> list[float]:
    return [float(each.attrib["height"]) for each in picture.iter(f"{SVG}rect") if each.attrib["class"] == look]


def test_a_bar_is_as_high_as_its_value() -> None:
    assert heights(drawn(10.0, 5.0, 0.0)) == [BASE - TOP, (BASE - TOP) / 2, 0.0]


def test_a_place_without_a_value_has_no_bar_and_keeps_its_label() -> None:
    picture = drawn(1.0, None, 1.0)
    assert len(heights(picture)) == 2
    assert {"0", "1", "2"} <= {each.text for each in picture.iter(f"{SVG}text")}


def test_a_part_is_never_larger_than_its_bar() -> None:
    assert heights(drawn(10.0, 5.0, part=7.0), "part") == [pytest.approx(0.7 * (BASE - TOP)), (BASE - TOP) / 2]


@pytest.mark.parametrize("top", [0.0, 1e-9, 0.004, 0.1, 0.3, 1.0, 7.0, 99.9, 100.0, 100.1, 12_345.0, 1e9])
@pytest.mark.parametrize("count", [1, 2, 31, 300])
def test_everything_is_inside_the_picture(top: float, count: int) -> None:
    picture = drawn(*(top * place / count for place in range(1, count + 1)), -top)
    for name in ("x", "y", "x1", "x2", "y1", "y2"):
        places = [float(each.attrib[name]) for each in picture.iter() if name in each.attrib]
        assert all(0 <= place <= (WIDTH if "x" in name else HEIGHT) for place in places), name
    assert max(heights(picture)) <= BASE - TOP + 0.1
    labels = [each for each in picture.iter(f"{SVG}text") if each.attrib.get("text-anchor") == "middle"]
    assert 0 < len(labels) <= MOST_LABELS


@pytest.mark.parametrize(
    ("top", "ticks"),
    [(0.0, ["0", "1"]), (7.0, ["0", "2", "4", "6", "8"]), (99.0, ["0", "50", "100"]), (3.0, ["0", "1", "2", "3"])],
)
def test_the_scale_has_round_numbers(top: float, ticks: list[str]) -> None:
    texts = [each.text for each in drawn(top).iter(f"{SVG}text") if each.attrib.get("text-anchor") == "end"]
    assert texts == ticks


def test_nothing_is_no_picture() -> None:
    with pytest.raises(ValueError, match="no values"):
        draw_bars("kWh", [])
