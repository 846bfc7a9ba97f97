"""The points of a series: how many, how far apart, where."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_api.series.grid import MOST_POINTS, MOST_STEP_S, grid_of
from warehouse.contract.errors import InvalidRequestError

NOW = datetime(2026, 2, 8, 12, 0, 30, tzinfo=UTC)


def test_by_default_it_is_a_point_a_minute_of_the_last_day() -> None:
    grid = grid_of(None, None, None, NOW)
    assert grid == (datetime(2026, 2, 7, 12, tzinfo=UTC), 60, 1441)
    assert grid.end == datetime(2026, 2, 8, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "step_s"), [(1, 60), (1.3, 60), (1.5, 300), (6.9, 300), (7, 900), (20, 900), (30, 1800), (80, 3600)]
)
def test_the_step_is_as_short_as_the_points_allow(days: float, step_s: int) -> None:
    assert grid_of(NOW - timedelta(days=days), NOW, None, NOW).step_s == step_s


@given(
    st.integers(86_400, 7_226_582_400).map(lambda seconds: datetime.fromtimestamp(seconds + 0.25, UTC)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=83)),
    st.none() | st.integers(60, 3600),
)
def test_points_cover_the_span_and_are_never_too_many(start: datetime, length: timedelta, step_s: int | None) -> None:
    try:
        grid = grid_of(start, start + length, step_s, NOW)
    except InvalidRequestError:
        assert step_s is not None
        return
    assert 0 < grid.points <= MOST_POINTS
    assert timedelta(0) <= start - grid.start < timedelta(seconds=grid.step_s)
    assert timedelta(0) <= grid.end - (start + length) < timedelta(seconds=grid.step_s)
    assert len(grid.edges_us) == grid.points + 1


@pytest.mark.parametrize(
    ("since", "until", "step_s", "says"),
    [
        (NOW, NOW, None, "before to"),
        (NOW, NOW - timedelta(days=1), None, "before to"),
        (NOW + timedelta(days=1), None, None, "before to"),
        (NOW - timedelta(days=3650), NOW, None, "1999 hours or less"),
        (NOW - timedelta(days=2), NOW, 60, "a step of 87 s or more"),
    ],
)
def test_a_span_that_cannot_be_answered_is_refused_with_what_can(
    since: datetime, until: datetime | None, step_s: int | None, says: str
) -> None:
    with pytest.raises(InvalidRequestError, match=says):
        grid_of(since, until, step_s, NOW)


def test_what_is_asked_for_instead_is_answered() -> None:
    start = NOW - timedelta(days=2)
    assert grid_of(start, NOW, 87, NOW).points <= MOST_POINTS
    assert grid_of(NOW - timedelta(hours=1999), NOW, None, NOW).step_s == MOST_STEP_S
