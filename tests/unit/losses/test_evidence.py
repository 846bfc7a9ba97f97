"""The evidence of a finding: sessions beside what was expected of them, as numbers and as a picture."""

import re
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.unit.losses.drawn import noisy, rows_of
from tests.unit.losses.test_findings import day_of, followed
from warehouse.losses.evidence import EVIDENCE, evidence
from warehouse.losses.evidence_picture import draw_evidence
from warehouse.losses.schemas import COMMON_MODES

NO_COMMON_MODES = pl.DataFrame(schema=COMMON_MODES)
LOSSES = noisy(1, 70) + np.where(np.arange(70) >= 40, 0.06, 0.0)
ROWS = rows_of(1, LOSSES)


@pytest.fixture(scope="module")
def finding() -> pl.DataFrame:
    return followed(ROWS, range(35, 70))[69].findings


def test_before_the_onset_nothing_is_lost_and_since_then_what_the_finding_says(finding: pl.DataFrame) -> None:
    shown = evidence(ROWS, finding, NO_COMMON_MODES)
    assert shown.schema == EVIDENCE
    assert shown["is_since_onset"].to_list() == [False] * 40 + [True] * 30
    before, since = shown.filter(~pl.col("is_since_onset")), shown.filter("is_since_onset")
    assert before["excess_points"].mean() == pytest.approx(0.0, abs=0.15)
    assert since["excess_points"].mean() == pytest.approx(finding["points"][0], rel=0.02)
    assert since["excess_kwh"].sum() == pytest.approx(finding["excess_kwh"][0])
    assert_frame_equal(
        shown.select("efficiency_ratio"), ROWS.select(efficiency_ratio=pl.col("dc_kwh") / pl.col("ac_kwh"))
    )


def test_what_the_whole_fleet_loses_more_on_a_day_is_expected(finding: pl.DataFrame) -> None:
    common = pl.DataFrame([(day_of(3), 0.1, 500)], COMMON_MODES, orient="row")
    plain, shown = (evidence(ROWS, finding, each) for each in (NO_COMMON_MODES, common))
    less = (plain["excess_kwh"] - shown["excess_kwh"]).to_list()
    assert less == pytest.approx([0.1 * 0.25 * 10 if number == 3 else 0.0 for number in range(70)])


def test_sessions_of_another_pair_are_refused(finding: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="other pairs than vehicle 1 at meter 1"):
        evidence(pl.concat([ROWS, rows_of(2, [0.1])]), finding, NO_COMMON_MODES)


def test_the_picture_marks_each_session_twice_and_the_onset(finding: pl.DataFrame) -> None:
    picture = draw_evidence(evidence(ROWS, finding, NO_COMMON_MODES), finding, "veh-1 at <meter-1>")
    svg = ElementTree.fromstring(picture)  # noqa: S314 - it is ours
    assert svg.attrib["aria-label"].startswith("veh-1 at <meter-1>: ")
    of_class = re.findall(r'class="(\w+)"', picture)
    assert (of_class.count("before"), of_class.count("since")) == (2 * 40, 2 * 30)
    assert (of_class.count("onset"), of_class.count("began"), of_class.count("expected")) == (1, 1, 70)
    assert f"since {day_of(40)}" in picture
    assert len(re.findall(r"(before|since): [+-]\d", picture)) == 2
    for name in ("x", "y", "cx", "cy", "x1", "x2", "y1", "y2"):
        places = [float(each.attrib[name]) for each in svg.iter() if name in each.attrib]
        limit = float(svg.attrib["width" if "x" in name else "height"])
        assert all(0 <= place <= limit for place in places), name


@pytest.mark.parametrize("count", [1, 2])
def test_a_picture_of_few_sessions_is_one_too(finding: pl.DataFrame, count: int) -> None:
    few = evidence(ROWS, finding, NO_COMMON_MODES).tail(count)
    ElementTree.fromstring(draw_evidence(few, finding, "a pair"))  # noqa: S314 - it is ours


def test_no_session_is_no_picture(finding: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="no sessions"):
        draw_evidence(pl.DataFrame(schema=EVIDENCE), finding, "a pair")
