"""How long something lasts, as it is written."""

from datetime import timedelta

import pytest

from warehouse.contract.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30m", timedelta(minutes=30)), ("24h", timedelta(hours=24)), ("90d", timedelta(days=90)), ("0h", timedelta(0))],
)
def test_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "90", "d", "-1d", "1.5h", "1 d", "90D", "1h30m", "123456d", "9\n0d", "٣d", "1d\n"]
)
def test_what_is_none_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a number of minutes, hours or days: 30m, 24h, 90d$"):
        parse_duration(text)
