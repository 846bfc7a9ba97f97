"""Which days the simulated fleet's history begins with, at any hour of the day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from orchestration.local.fleet_history import first_closed_day

GRACE = timedelta(hours=2)


@pytest.mark.parametrize(
    ("now", "first"),
    [
        pytest.param(datetime(2026, 2, 8, 1, 59, tzinfo=UTC), date(2026, 2, 4), id="yesterday is not closed yet"),
        pytest.param(datetime(2026, 2, 8, 2, 0, tzinfo=UTC), date(2026, 2, 5), id="yesterday has just closed"),
        pytest.param(datetime(2026, 2, 8, 23, 59, tzinfo=UTC), date(2026, 2, 5), id="late in the evening"),
        pytest.param(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), date(2026, 2, 26), id="over the end of February"),
    ],
)
def test_the_latest_three_closed_days(now: datetime, first: date) -> None:
    assert first_closed_day(now, GRACE, 3) == first


def test_not_before_the_fleet_began() -> None:
    assert first_closed_day(datetime(2026, 1, 3, 12, tzinfo=UTC), GRACE, 30) == date(2026, 1, 1)
