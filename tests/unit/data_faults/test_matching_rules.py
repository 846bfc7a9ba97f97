"""R8 and R7 on sessions made by hand: clocks that are off, and vehicles that are mapped to the wrong meter."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.unit.data_faults.made import Made, apart, at, ever, found_in, open_rules, session
from warehouse.data_faults.clock import Edges

KWH = [9.0, 14.0, 11.0, 18.0, 8.0, 13.0, 16.0, 10.0, 12.0, 15.0, 17.0, 9.5]
HOURS = [17.1, 18.4, 16.2, 19.3, 17.7, 18.9, 16.8, 17.4, 19.0, 18.1, 16.5, 17.9]
"""When charges of successive days begin."""


def healthy(first: int, last: int, meter: int = 1, vehicle: int = 1, shift: int = 0) -> list[dict[str, object]]:
    return [
        session(
            meter, vehicle, at(day, HOURS[(day + shift) % 12]), KWH[(day + shift) % 12], 0.9 * KWH[(day + shift) % 12]
        )
        for day in range(first, last)
    ]


def lagging(first: int, last: int, lag: timedelta) -> list[dict[str, object]]:
    return [
        row
        for day in range(first, last)
        for row in apart(1, 1, at(day, HOURS[day % 12]), KWH[day % 12], 0.9 * KWH[day % 12], lag)
    ]


@pytest.mark.parametrize("lag", [timedelta(hours=2), timedelta(hours=-6.5), timedelta(seconds=7198)])
def test_a_clock_that_is_off_opens_once_with_its_lag_and_closes_when_it_is_right_again(lag: timedelta) -> None:
    made = Made(sessions=[*healthy(0, 8), *lagging(8, 16, lag), *healthy(16, 24)])
    found = made.days(24)
    opened = [day for day, each in enumerate(found) if ("R8", "vehicle 1") in open_rules(each)]
    assert opened == list(range(opened[0], opened[-1] + 1))
    assert 11 <= opened[0] <= 14, "within six sessions of its onset"
    assert 17 <= opened[-1] <= 20, "and it closes within five that agree"
    first = found[opened[0]].data_faults.row(0, named=True)
    assert first["observed"] == pytest.approx(lag.total_seconds(), abs=1)
    assert first["state"] == "opened"
    assert found[opened[1]].data_faults["state"].to_list() == ["open"]
    assert first["onset_at"].date() == at(8, HOURS[8] - lag.total_seconds() / 3600).date()
    assert first["onset_after"] < first["onset_at"]
    assert ever(found) == {("R8", "vehicle 1")}, "and nothing else is reported of it"


def test_a_lag_within_one_session_is_found_though_the_sides_overlap() -> None:
    hour = timedelta(hours=1)
    rows = []
    for day in range(8):
        start, lasts = at(day, HOURS[day]), timedelta(hours=KWH[day] / 3.7)
        edges: dict[str, Any] = {
            "dc_started_at": start - hour,
            "dc_ended_at": start - hour + lasts,
            "ac_ended_at": start + lasts,
        }
        rows.append(session(1, 1, start, KWH[day], 0.9 * KWH[day], **edges))
    found = Made(sessions=rows).at_once(8)
    assert open_rules(found) == [("R8", "vehicle 1")]
    assert found.data_faults["observed"][0] == pytest.approx(3600, abs=1)


def test_ten_minutes_are_no_lag_and_five_sessions_are_too_few() -> None:
    assert found_in(lagging(0, 12, timedelta(minutes=9.9)), 12) == set()
    assert found_in(lagging(0, 5, timedelta(hours=2)), 12) == set()
    assert found_in(lagging(0, 6, timedelta(hours=2)), 12) == {("R8", "vehicle 1")}


def test_lags_that_differ_are_no_clock() -> None:
    rows = [row for day in range(12) for row in lagging(day, day + 1, timedelta(hours=1 + 0.5 * (day % 7)))]
    assert found_in(rows, 12) == set()


def test_the_lag_is_the_median_of_starts_and_ends() -> None:
    start = np.array([0, 100, 300]) * 60_000_000
    end = start + np.array([50, 70, 30]) * 60_000_000
    late = np.array([-1, 0, 2]) * 1_000_000
    edges = Edges(start + 3_600_000_000 + late, end + 3_600_000_000 + late, start, end, tolerance_us=240e6)
    assert edges.constant_lag(50_400_000_000) == 3_600_000_000
    assert [places.tolist() for places in edges.agreeing(3_600_000_000)] == [[0, 1, 2], [0, 1, 2]]
    assert edges.constant_lag(3_000_000_000) is None


def test_two_vehicles_at_each_others_meter_are_both_named() -> None:
    pairs = ((1, 1), (2, 2), (3, 3))
    rows = [*healthy(0, 8), *healthy(0, 8, 2, 2, shift=5), *healthy(0, 20, 3, 3, shift=3)]
    for day in range(8, 20):
        for vehicle, meter, shift in ((1, 2, 0), (2, 1, 5)):
            kwh, start = KWH[(day + shift) % 12], at(day, HOURS[(day + shift) % 12] + 4 * shift / 5)
            there = session(meter, meter, start, kwh, None)
            away: dict[str, Any] = {"dc_ended_at": there["ac_ended_at"], "mean_voltage_volts": 231.0}
            rows += [there, session(vehicle, vehicle, start, None, 0.9 * kwh, **away)]
    found = Made(pairs=pairs, sessions=rows).at_once(15)
    assert open_rules(found) == [("R7", "vehicle 1"), ("R7", "vehicle 2")]
    assert found.data_faults["other_meter_id"].to_list() == [2, 1]
    assert found.data_faults["meter_id"].to_list() == [1, 2]
    assert [
        text.partition(" begin and end with those of ")[2].partition(",")[0] for text in found.data_faults["detail"]
    ] == [
        "meter 2",
        "meter 1",
    ]
    assert found_in(rows, 12, pairs=pairs) == set(), "four sessions say nothing yet"
    mapped_right = [*healthy(20, 24), *healthy(20, 24, 2, 2, shift=5)]
    assert found_in([*rows, *mapped_right], 24, pairs=pairs) == set(), "four that agree say it is right again"


def test_vehicles_of_a_depot_that_all_begin_at_ten_are_at_their_own_meters() -> None:
    """One charges elsewhere more often than not: no meter is named that had its own vehicle then."""
    pairs = tuple((number, number) for number in range(1, 6))
    rows = [session(each, each, at(day, 22), 20, 18) for day in range(14) for each in range(2, 6)]
    rows += [session(1, 1, at(day, 22), None, 18, mean_voltage_volts=231.0) for day in range(14)]
    assert found_in(rows, 14, pairs=pairs) == set()


def test_a_meter_of_fifteen_minutes_may_differ_by_half_an_hour() -> None:
    late = timedelta(minutes=25)
    rows = [
        session(1, 1, at(day, HOURS[day]), KWH[day], 0.9 * KWH[day], ac_started_at=at(day, HOURS[day]) + late)
        for day in range(12)
    ]
    assert found_in(rows, 12, interval_s=900) == set()
