"""The limits that SQL compares with say what rounding would."""

import math

import pytest

from ingest_api.analytics.fleet_answers import smallest_shown_as


@pytest.mark.parametrize("limit", [0.0, 0.05, 0.35, 0.85, 0.8512345, 0.9, 1.0, 1.0001])
def test_the_smallest_ratio_that_is_shown_as_a_limit(limit: float) -> None:
    ratio = smallest_shown_as(limit)
    assert round(ratio, 4) >= limit
    assert round(math.nextafter(ratio, -math.inf), 4) < limit
