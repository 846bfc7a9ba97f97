"""A pair whose vehicle's clock is off loses more than before: found like that of any other pair."""

from datetime import timedelta

import pytest

from tests.unit.data_faults.drawn_days import days_of
from tests.unit.data_faults.test_lagging_days import LAGS, charges, pair
from tests.unit.losses.made_days import MadeDays
from tests.unit.sessions.drawn import DAY

DAYS, LOSES_FROM = 13, 9
"""R8 opens on the second or third day; 14 sessions later the car gets 0.85 of what the meter counts, 0.9 before."""


@pytest.mark.parametrize("lag", LAGS)
def test_a_loss_of_five_points_behind_a_clock_that_is_off_is_found(lag: timedelta) -> None:
    since = DAY + timedelta(days=LOSES_FROM)
    drawn = pair(charges(DAYS), lambda _instant: lag, lambda instant: 0.9 if instant < since else 0.85)
    days = days_of(drawn, DAYS)
    lake = MadeDays(
        {each.day: each.sessions.charging_sessions for each in days},
        {each.day: each.faults.data_faults for each in days},
    )
    lake.make(each.day for each in days)
    first = next(day for day, states in lake.states().items() if "open" in states)
    assert first - since.date() <= timedelta(days=2)
    (row,) = lake.findings(days[-1].day).iter_rows(named=True)
    assert (row["state"], row["vehicle_id"], row["meter_id"]) == ("open", 1, 1)
    assert row["points"] == pytest.approx(5, abs=0.7)
    assert abs(row["onset_at"] - since) < timedelta(hours=12), "by the clock of the meter"
    expected_kwh = row["dc_kwh"] * (1 / 0.85 - 1 / 0.9)
    assert row["excess_kwh"] == pytest.approx(expected_kwh, rel=0.15)
