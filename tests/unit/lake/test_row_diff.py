"""Rows are the same where float64 alone makes them differ, within lists too; whole numbers are exact."""

from typing import Any

import pytest

from warehouse.lake.unit_tests.row_diff import difference

NOT_EXACT = 0.1 + 0.2


def differs(expected: Any, got: Any) -> bool:
    return bool(difference(["value"], [], [(expected,)], [(got,)], lambda row: [str(each) for each in row]))


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (0.3, NOT_EXACT),
        (float("nan"), float("nan")),
        ([0.3, None, float("nan")], [NOT_EXACT, None, float("nan")]),
        ({"kwh": 0.3, "bins": [0.3]}, {"kwh": NOT_EXACT, "bins": [NOT_EXACT]}),
        (10**12, 10**12),
    ],
)
def test_the_same(expected: Any, got: Any) -> None:
    assert not differs(expected, got)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (10**12, 10**12 + 1),
        ([0.3], [0.3, 0.3]),
        ([1], None),
        ({"kwh": 0.3}, {"kwh": 0.31}),
        ({"kwh": 0.3}, {"dc_kwh": 0.3}),
        (0.0, None),
    ],
)
def test_another(expected: Any, got: Any) -> None:
    assert differs(expected, got)
