"""Vehicles whose clock is known to be off: their islands meet those of their meter, and keep their own times."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.unit.sessions.drawn import Drawn, Flow, Mapping, Register, at
from warehouse.contract.tables import DeviceKind
from warehouse.sessions.session_day import DaySessions

LAGS = [timedelta(minutes=65), timedelta(hours=-3), timedelta(hours=14)]
CHARGES = [
    Flow(at("14:30"), at("15:30"), 7.4),
    Flow(at("22:10"), at("03:20", 1), 7.4),
    Flow(at("16:00", 1), at("16:50", 1), 7.4),
    Flow(at("22:00", 1), at("22:50", 1), 7.4),
]
END = at("23:59", 2)
MIDNIGHTS = [at("00:00", day) for day in (1, 2, 3)]


def by_the_vehicle(flows: Sequence[Flow], lag: timedelta) -> list[Flow]:
    """What it gets of these charges, at the times that its clock shows: a lag earlier."""
    return [Flow(flow.begin - lag, flow.end - lag, 0.9 * flow.kw) for flow in flows]


def lagging(lag: timedelta, taken_off: timedelta | None = None, flows: Sequence[Flow] = CHARGES) -> Drawn:
    """A pair, 1, whose vehicle is behind by a lag; and a good one, 2."""
    meter = Register(flows, last_at=END)
    late = Register(by_the_vehicle(flows, lag), last_at=END)
    good = Register(by_the_vehicle(flows, timedelta(0)), last_at=END)
    known = lag if taken_off is None else taken_off
    lags = {1: int(known.total_seconds())} if known else {}
    return Drawn({1: meter, 2: meter}, {1: late, 2: good}, (Mapping(1, 1), Mapping(2, 2)), lags=lags)


def of_vehicle(found: DaySessions, vehicle_id: int = 1) -> pl.DataFrame:
    return found.charging_sessions.filter(pl.col("vehicle_id") == vehicle_id)


def near(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= timedelta(seconds=90)


@pytest.mark.parametrize("lag", LAGS)
def test_both_sides_are_one_session_and_each_keeps_the_times_of_its_own_clock(lag: timedelta) -> None:
    found = of_vehicle(lagging(lag).found(until=MIDNIGHTS[-1]))
    assert found["kind"].to_list() == ["charge"] * 4
    assert found["is_qualified"].all()
    assert found["clock_lag_s"].to_list() == [lag.total_seconds()] * 4
    assert found["efficiency_ratio"].to_list() == pytest.approx([0.9] * 4, abs=0.003)
    for row, flow in zip(found.iter_rows(named=True), CHARGES, strict=True):
        assert near(row["ac_started_at"], flow.begin)
        assert near(row["dc_started_at"], flow.begin - lag)
        assert near(row["dc_ended_at"], flow.end - lag)
        assert near(row["started_at"], flow.begin), "a session is told by the clock of the meter"
        assert near(row["ended_at"], flow.end)


@pytest.mark.parametrize("lag", LAGS)
def test_days_give_the_sessions_of_the_whole(lag: timedelta) -> None:
    drawn = lagging(lag)
    parts = pl.concat(of_vehicle(each) for each in drawn.by_parts(*MIDNIGHTS))
    whole = of_vehicle(drawn.found(until=MIDNIGHTS[-1]))
    assert_frame_equal(parts.sort("session_id"), whole.sort("session_id"))


@pytest.mark.parametrize("lag", LAGS)
def test_days_give_what_the_whole_gives_of_a_vehicle_that_charges_elsewhere_over_midnight(lag: timedelta) -> None:
    over_midnight = Flow(at("23:00") + lag, at("01:00", 1) + lag, 7.4)
    drawn = replace(lagging(lag, flows=[over_midnight]), meters={1: Register((), last_at=END)})
    parts = pl.concat(of_vehicle(each) for each in drawn.by_parts(*MIDNIGHTS))
    assert parts["kind"].to_list() == ["dc_only"]
    assert_frame_equal(parts, of_vehicle(drawn.found(until=MIDNIGHTS[-1])))


@pytest.mark.parametrize("lag", LAGS)
def test_energy_is_conserved_each_day(lag: timedelta) -> None:
    drawn = lagging(lag)
    standby = [each.daily_standby for each in drawn.by_parts(*MIDNIGHTS)]
    told = pl.concat(standby).group_by("kind", "device_id").agg(pl.col("session_kwh", "idle_kwh", "between_kwh").sum())
    grew = pl.concat(
        drawn.readings(kind)
        .group_by("device_id")
        .agg(grew_kwh=pl.col("kwh").max() - pl.col("kwh").min())
        .with_columns(kind=pl.lit(kind.value))
        for kind in DeviceKind
    )
    both = told.join(grew, on=["kind", "device_id"])
    assert both.height == 4
    of_parts = both.select(pl.sum_horizontal("session_kwh", "idle_kwh", "between_kwh")).to_series()
    assert of_parts.to_list() == pytest.approx(both["grew_kwh"].to_list(), abs=1e-6)
    assert standby[-1]["carried_out_kwh"].to_list() == pytest.approx([0] * 4, abs=1e-6)


def test_who_has_no_lag_has_the_same_rows_as_without_those_who_have() -> None:
    known, unknown = (lagging(LAGS[0], taken_off=each).by_parts(*MIDNIGHTS) for each in (LAGS[0], timedelta(0)))
    of_good = pl.col("device_id") == 2
    for with_lag, without in zip(known, unknown, strict=True):
        assert_frame_equal(of_vehicle(with_lag, 2), of_vehicle(without, 2))
        assert_frame_equal(with_lag.daily_standby.filter(of_good), without.daily_standby.filter(of_good))
        assert_frame_equal(with_lag.open_islands.filter(of_good), without.open_islands.filter(of_good))
    counts = [sum(of_vehicle(each, vehicle).height for each in days) for days in (known, unknown) for vehicle in (1, 2)]
    assert counts == [4, 4, 7, 4], "the longest charge overlaps itself"


def test_of_one_side_alone_the_vehicle_says_what_was_taken_off() -> None:
    lag = timedelta(hours=2)
    drawn = replace(lagging(lag, flows=CHARGES[:1]), meters={1: Register((), last_at=END)})
    (row,) = of_vehicle(drawn.found(until=MIDNIGHTS[-1])).iter_rows(named=True)
    assert (row["kind"], row["clock_lag_s"]) == ("dc_only", 7200)
    assert near(row["dc_started_at"], CHARGES[0].begin - lag)
    assert near(row["started_at"], CHARGES[0].begin)
    alone = replace(lagging(lag, flows=CHARGES[:1]), vehicles={1: Register((), last_at=END)})
    (row,) = of_vehicle(alone.found(until=MIDNIGHTS[-1])).iter_rows(named=True)
    assert (row["kind"], row["clock_lag_s"]) == ("ac_only", None)


def test_the_voltage_beside_a_vehicle_is_that_of_the_time_by_the_meters_clock() -> None:
    """It is 228 V at the meter while the vehicle charges, and 231 V else."""
    lag = timedelta(hours=2)
    drawn = lagging(lag, flows=CHARGES[:1])
    is_charge = pl.col("ts").is_between(CHARGES[0].begin, CHARGES[0].end)
    volts = (
        Register((), last_at=END)
        .readings()
        .with_columns(
            device_id=pl.lit(1, pl.Int32),
            voltage_volts=pl.when(is_charge).then(228.0).otherwise(231.0).cast(pl.Float32),
        )
    )
    (row,) = of_vehicle(replace(drawn, replaced={DeviceKind.METER: volts}).found(until=MIDNIGHTS[-1])).iter_rows(
        named=True
    )
    assert row["mean_voltage_volts"] == pytest.approx(228, abs=0.2)
    assert row["voltage_before_volts"] == pytest.approx(231, abs=0.2)


def test_a_lag_that_is_not_there_any_more_puts_no_two_charges_together_that_count() -> None:
    """The clock was set: what is taken off moves each charge of the vehicle to the next one of the meter."""
    flows = [Flow(at(f"{hour:02}:00"), at(f"{hour + 1:02}:00"), 7.4) for hour in (8, 10, 12)]
    found = of_vehicle(lagging(timedelta(0), taken_off=timedelta(hours=1, minutes=40), flows=flows).found())
    assert found["kind"].to_list().count("charge") == 2, "they overlap"
    assert not found["is_qualified"].any()
