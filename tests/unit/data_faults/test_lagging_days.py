"""A clock that R8 found to be off, day by day: from the next day on its lag is taken off, and R8 goes on seeing it."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import polars as pl
import pytest

from tests.unit.data_faults.drawn_days import DrawnDay, days_of
from tests.unit.sessions.drawn import DAY, PAIR, Drawn, Flow, Register
from warehouse.data_faults.clock import clock_lags

CHARGES_A_DAY = 3
SHIFTS_MINUTES = (17, 83, 5, 52, 40, 95, 31, 71, 64, 11, 88)
LASTS_MINUTES = (50, 74, 61, 93, 55, 82, 68)
"""Of charges one after the other: no two days are alike, so that one lag alone puts them together."""
MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
NONE = timedelta(0)
LAGS = [65 * MINUTE, *(pytest.param(lag, marks=pytest.mark.long) for lag in (-3 * HOUR, 14 * HOUR))]


def charges(days: int, a_day: int = CHARGES_A_DAY) -> list[Flow]:
    """So many a day, of about an hour."""
    begins = [
        DAY + timedelta(hours=24 / a_day) * number + MINUTE * SHIFTS_MINUTES[number % len(SHIFTS_MINUTES)]
        for number in range(a_day * days)
    ]
    lasts = [MINUTE * LASTS_MINUTES[number % len(LASTS_MINUTES)] for number in range(len(begins))]
    return [Flow(begin, begin + each, 7.4) for begin, each in zip(begins, lasts, strict=True)]


def pair(
    flows: list[Flow],
    lag_at: Callable[[datetime], timedelta],
    efficiency: Callable[[datetime], float],
    interval: timedelta = 5 * MINUTE,
) -> Drawn:
    """A pair of which the vehicle's clock is behind by a lag; its registers are read until the last day ends."""
    dc = [
        Flow(flow.begin - lag_at(flow.begin), flow.end - lag_at(flow.begin), efficiency(flow.begin) * flow.kw)
        for flow in flows
    ]
    days = math.ceil((flows[-1].end - DAY) / timedelta(days=1))
    end, interval_s = DAY + timedelta(days=days) - interval, int(interval.total_seconds())
    registers = [Register(each, interval_s=interval_s, last_at=end) for each in (flows, dc)]
    return Drawn({1: registers[0]}, {1: registers[1]}, PAIR)


@cache
def made(lags: tuple[tuple[int, timedelta], ...], days: int = 9, *, takes_lags_off: bool = True) -> list[DrawnDay]:
    """``lags``: from which day on it is behind by how much."""

    def lag_at(instant: datetime) -> timedelta:
        return [lag for day, lag in lags if instant >= DAY + timedelta(days=day)][-1]

    return days_of(pair(charges(days), lag_at, lambda _instant: 0.9), days, takes_lags_off=takes_lags_off)


def found_lags(days: list[DrawnDay]) -> list[float]:
    """What each day knows at its end, minutes; not a number: nothing."""
    found = [clock_lags(each.faults.data_faults)["clock_lag_s"] for each in days]
    return [lag[0] / 60 if lag.len() else float("nan") for lag in found]


def kinds(days: list[DrawnDay]) -> list[set[str]]:
    return [set(each.sessions.charging_sessions["kind"]) for each in days]


def rules(days: list[DrawnDay]) -> set[str]:
    return {rule for each in days for rule in each.faults.data_faults["rule"]}


@pytest.mark.parametrize("lag", LAGS)
def test_from_the_day_after_it_opened_all_sessions_are_whole(lag: timedelta) -> None:
    days = made(((0, lag),))
    minutes = lag / MINUTE
    known = [found == pytest.approx(minutes, abs=0.5) for found in found_lags(days)]
    opened = known.index(True)
    assert opened <= 2
    assert known == [False] * opened + [True] * (len(days) - opened), "it does not close by what it corrects"
    assert all(each & {"ac_only", "dc_only"} for each in kinds(days)[1 : opened + 1])
    for each in days[opened + 2 :]:
        sessions = each.sessions.charging_sessions
        assert set(sessions["kind"]) == {"charge"}
        assert sessions["is_qualified"].all()
        assert sessions["clock_lag_s"].to_list() == pytest.approx([60 * minutes] * sessions.height, abs=30)
        assert sessions["efficiency_ratio"].to_list() == pytest.approx([0.9] * sessions.height, abs=0.01)
    states = [each.faults.data_faults["state"].to_list() for each in days[opened:]]
    assert states == [["opened"], *[["open"]] * (len(states) - 1)]
    assert rules(days) == {"R8"}, "and nothing else is reported of it"


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("right_since", [5, pytest.param(9, marks=pytest.mark.long)])
def test_r8_opens_and_closes_on_the_same_days_as_if_nothing_was_taken_off(lag: timedelta, right_since: int) -> None:
    lags = ((0, lag), (right_since, NONE))
    taken_off, left_on = (made(lags, takes_lags_off=each) for each in (True, False))
    known = pytest.approx(found_lags(left_on), abs=0.5, nan_ok=True)
    assert found_lags(taken_off) == known


def test_a_clock_that_is_right_again_closes_and_the_correction_ends() -> None:
    days = made(((0, 3 * HOUR), (5, NONE)), days=10)
    known = [each == pytest.approx(180, abs=0.5) for each in found_lags(days)]
    assert known[2:5] == [True] * 3
    ended = known.index(False, 4)
    assert ended in (5, 6), "with three sessions that agree without it"
    assert known[ended:] == [False] * (len(days) - ended)
    for each in days[ended + 2 :]:
        sessions = each.sessions.charging_sessions
        assert set(sessions["kind"]) == {"charge"}
        assert sessions["clock_lag_s"].null_count() == sessions.height
        assert sessions["is_qualified"].all()
    assert rules(days) == {"R8"}


def test_a_lag_that_changes_is_followed() -> None:
    days = made(((0, 65 * MINUTE), (5, 3 * HOUR)), days=10)
    assert found_lags(days)[4] == pytest.approx(65, abs=0.5)
    assert found_lags(days)[-3:] == pytest.approx([180] * 3, abs=0.5)
    assert kinds(days)[-1] == {"charge"}
    assert days[-1].sessions.charging_sessions["clock_lag_s"].to_list() == pytest.approx([10800] * 3, abs=30)
    (row,) = days[-1].faults.data_faults.iter_rows(named=True)
    assert (row["rule"], row["opened_on"]) == ("R8", days[2].day), "it is the same one all the time"


@pytest.mark.long
def test_no_session_is_told_twice_and_none_is_lost_while_lags_come_and_go() -> None:
    for lags in (((0, 14 * HOUR), (5, NONE)), ((0, -14 * HOUR), (4, 3 * HOUR)), ((0, NONE), (2, 65 * MINUTE))):
        days = made(lags, days=8)
        sessions = pl.concat(each.sessions.charging_sessions for each in days)
        assert sessions["session_id"].is_unique().all()
        drawn_kwh = sum(7.4 * (flow.end - flow.begin) / HOUR for flow in charges(8))
        told = pl.concat(each.sessions.daily_standby for each in days).filter(pl.col("kind") == "meter")
        open_kwh = days[-1].sessions.daily_standby.filter(pl.col("kind") == "meter")["carried_out_kwh"].sum()
        assert float(sessions["ac_kwh"].sum()) == pytest.approx(float(told["session_kwh"].sum()), abs=1e-6)
        assert float(sessions["ac_kwh"].sum()) + float(open_kwh) == pytest.approx(drawn_kwh, abs=0.1)
