"""The marts over several days: what a week lost, and whether a vehicle charges worse than it did."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake
from tests.lake_folder import newest_file, put_next

DAYS = [DAY + timedelta(days=number) for number in range(-30, 1)]


MARTS = ("weekly_vehicle_losses", "vehicle_trend_28_days")
DAILY = "daily_vehicle_efficiency"


def day_of(folder: Path, ratio: float) -> Path:
    """The file of a day of two vehicles: the first charges at this ratio, the second stands by."""
    lake = HandMadeLake(folder)
    lake.pairs(1, 2)
    for number, ac_kwh, dc_kwh in ((1, 10.0, 10.0 * ratio), (2, 0.5, 0.0)):
        lake.energy("meter", number, 8, ac_kwh)
        lake.energy("vehicle", number, 8, dc_kwh)
    lake.write()
    lake.build_up_to(DAILY)
    return newest_file(lake.lake, DAILY, DAY)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> HandMadeLake:
    """A month: the first vehicle charges at 0.92, and on the last two days at 0.80."""
    folder = tmp_path_factory.mktemp("month")
    good, bad = (day_of(folder / str(ratio), ratio) for ratio in (0.92, 0.80))
    lake = HandMadeLake(folder / "lake")
    for day in DAYS:
        with lake.lake.aside(DAILY, day) as written:
            shutil.copy(bad if day > DAY - timedelta(days=2) else good, written)
            put_next(lake.lake, DAILY, day, written)
    for day in (DAYS[0], DAYS[2], DAY):
        lake.build(*MARTS, day=day)
    return lake


def test_a_week_is_the_seven_days_that_end_on_the_day(lake: HandMadeLake) -> None:
    week = lake.row("weekly_vehicle_losses", vehicle_id=1)
    assert (week["mapped_day_count"], week["rated_day_count"], week["low_day_count"]) == (7, 7, 2)
    assert (week["ac_kwh"], week["dc_kwh"]) == pytest.approx((70, 5 * 9.2 + 2 * 8))
    assert week["efficiency_ratio"] == pytest.approx((5 * 9.2 + 2 * 8) / 70)
    assert week["lost_kwh"] == pytest.approx(5 * 0.8 + 2 * 2)
    assert week["lost_against_threshold_kwh"] == pytest.approx(2 * (10 - 8 / 0.85))
    assert week["lost_against_target_kwh"] == pytest.approx(2 * (10 - 8 / 0.9))
    assert week["standby_kwh"] == 0


def test_a_week_of_standing_by_loses_nothing_and_has_no_ratio(lake: HandMadeLake) -> None:
    week = lake.row("weekly_vehicle_losses", vehicle_id=2)
    assert (week["mapped_day_count"], week["rated_day_count"]) == (7, 0)
    assert (week["ac_kwh"], week["efficiency_ratio"], week["lost_kwh"]) == (None, None, None)
    assert (week["lost_against_target_kwh"], week["standby_kwh"]) == (0, pytest.approx(3.5))


def test_the_first_days_have_what_there_is(lake: HandMadeLake) -> None:
    assert lake.row("weekly_vehicle_losses", DAYS[2], vehicle_id=1)["mapped_day_count"] == 3
    trend = lake.row("vehicle_trend_28_days", DAYS[2], vehicle_id=1)
    assert (trend["recent_day_count"], trend["earlier_day_count"]) == (3, 0)
    assert (trend["recent_ratio"], trend["earlier_ratio"], trend["change_of_ratio"]) == (
        pytest.approx(0.92),
        None,
        None,
    )


def test_the_trend_is_the_last_week_beside_the_three_before_it(lake: HandMadeLake) -> None:
    trend = lake.row("vehicle_trend_28_days", vehicle_id=1)
    assert (trend["recent_day_count"], trend["earlier_day_count"]) == (7, 21)
    assert trend["recent_ratio"] == pytest.approx((5 * 9.2 + 2 * 8) / 70)
    assert trend["earlier_ratio"] == pytest.approx(0.92)
    assert trend["change_of_ratio"] == pytest.approx((5 * 9.2 + 2 * 8) / 70 - 0.92)
    assert (trend["lowest_ratio"], trend["lowest_on"]) == (0.8, DAY - timedelta(days=1))
    assert lake.row("vehicle_trend_28_days", vehicle_id=2)["lowest_on"] is None


@pytest.mark.parametrize("day", [DAYS[0], DAY], ids=["first", "last"])
def test_their_checks_hold(lake: HandMadeLake, day: date) -> None:
    assert lake.failing("weekly_vehicle_losses", "vehicle_trend_28_days", day=day) == {}


def test_a_week_that_lost_something_is_found(lake: HandMadeLake, tmp_path: Path) -> None:
    changed = lake.copy(tmp_path / "lake")
    changed.change(
        "weekly_vehicle_losses", "SELECT * REPLACE (lost_against_target_kwh + 1 AS lost_against_target_kwh) FROM file"
    )
    assert set(changed.failing("weekly_vehicle_losses")) == {"week_adds_up"}


def test_both_are_held_to_the_days_that_they_declare_by_their_text() -> None:
    found = {name: (CATALOG.models[name].lookback_days, CATALOG.models[name].is_day_proved) for name in CATALOG.models}
    assert {name: days for name, (days, _) in found.items() if days} == {
        "weekly_vehicle_losses": 6,
        "vehicle_trend_28_days": 27,
    }
    assert all(is_proved for _, is_proved in found.values())
