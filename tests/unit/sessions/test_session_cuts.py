"""Wherever the readings are cut, the parts give the sessions of the whole, and no energy is lost or told twice."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.unit.sessions.drawn import DAY, Drawn, Flow, Mapping, Register, at
from warehouse.contract.tables import DeviceKind
from warehouse.sessions.session_day import DaySessions

END = at("12:00", 2)
MINUTES = int((END - DAY).total_seconds() // 60)
BEFORE = "voltage_before_volts"
"""What is read before a session is known as far as it lies on the day, or was carried."""


def minute(number: int) -> datetime:
    return DAY + timedelta(minutes=number)


@st.composite
def flows(draw: st.DrawFn) -> list[Flow]:
    """Charges and bursts, one after the other, with pauses that are sometimes about as long as a session may have."""
    found, now = [], draw(st.integers(0, 600))
    for _ in range(draw(st.integers(1, 6))):
        minutes = draw(st.integers(1, 300))
        begin, end = minute(now), minute(now + minutes) + timedelta(seconds=draw(st.integers(0, 59)))
        found.append(Flow(begin, end, draw(st.sampled_from([0.3, 1.4, 2.3, 7.4, 22.0, 50.0]))))
        now += minutes + draw(st.one_of(st.integers(2, 40), st.integers(100, 700)))
    return [flow for flow in found if flow.end < END]


@st.composite
def lost_readings(draw: st.DrawFn) -> list[tuple[datetime, datetime]]:
    begins = draw(st.lists(st.integers(30, MINUTES - 200), max_size=3))
    return [(minute(begin), minute(begin + draw(st.integers(3, 150)))) for begin in begins]


@st.composite
def fleets(draw: st.DrawFn) -> Drawn:
    """Two meters and three vehicles; one vehicle changes from one meter to the other at some time."""

    def register(own: Sequence[Flow]) -> Register:
        return Register(
            own,
            resolution_kwh=draw(st.sampled_from([0.001, 0.01, 0.1])),
            interval_s=draw(st.sampled_from([60, 60, 300, 900])),
            standby_w=draw(st.sampled_from([0.0, 5.0, 60.0])),
            lost=draw(lost_readings()),
            is_interval=draw(st.booleans()) and draw(st.booleans()),
            last_at=END,
        )

    first, second = draw(flows()), draw(flows())
    elsewhere = draw(flows())
    dc = [flow._replace(kw=flow.kw * 0.9) for flow in first]
    change = minute(draw(st.integers(100, MINUTES - 100)))
    mappings = [Mapping(1, 1), Mapping(2, 2, valid_to=change), Mapping(3, 2, valid_from=change)]
    return Drawn(
        {1: register(first), 2: register(second)},
        {1: register(dc), 2: register([flow._replace(kw=flow.kw * 0.8) for flow in second]), 3: register(elsewhere)},
        mappings,
    )


def increase(drawn: Drawn, begin: datetime, end: datetime) -> dict[tuple[str, int], float]:
    """What each register gained by its steps that end within a time."""
    gained = {}
    for kind in DeviceKind:
        for device, register in (drawn.meters if kind is DeviceKind.METER else drawn.vehicles).items():
            rows = drawn.readings(kind).filter(pl.col("device_id") == device).sort("ts")
            grew = pl.col("kwh") if register.is_interval else pl.col("kwh").diff().fill_null(0)
            steps = rows.with_columns(step=grew).filter(pl.col("ts") >= begin, pl.col("ts") < end)
            gained[str(kind), device] = float(steps["step"].sum())
    return gained


def expect_balance(drawn: Drawn, begin: datetime, end: datetime, found: DaySessions, carried: pl.DataFrame) -> None:
    gained = increase(drawn, begin, end)
    for row in found.daily_standby.iter_rows(named=True):
        key = (row["kind"], row["device_id"])
        told = row["session_kwh"] + row["idle_kwh"] + row["between_kwh"]
        assert told + row["carried_out_kwh"] - row["carried_in_kwh"] == pytest.approx(gained.pop(key), abs=1e-6), key
        side = ("ac_kwh", "meter_id") if row["kind"] == "meter" else ("dc_kwh", "vehicle_id")
        in_sessions = found.charging_sessions.filter(pl.col(side[1]) == row["device_id"])[side[0]].sum()
        assert in_sessions == pytest.approx(row["session_kwh"], abs=1e-6), key
    assert all(each == pytest.approx(0, abs=1e-9) for each in gained.values())
    was = carried["energy_kwh"].sum()
    assert found.daily_standby["carried_in_kwh"].sum() == pytest.approx(was, abs=1e-6)


@pytest.mark.long
@given(fleets(), st.lists(st.integers(60, MINUTES - 60), min_size=1, max_size=3, unique=True).map(sorted))
@settings(deadline=None, max_examples=10, phases=[Phase.explicit, Phase.generate])
def test_parts_give_the_sessions_of_the_whole(drawn: Drawn, cuts: list[int]) -> None:
    ends = [*map(minute, cuts), END + timedelta(minutes=1)]
    parts, whole = drawn.by_parts(*ends), drawn.found(ends[-1])
    together = pl.concat([part.charging_sessions for part in parts]).sort("ended_at", "session_id")
    assert_frame_equal(together.drop(BEFORE), whole.charging_sessions.drop(BEFORE), abs_tol=1e-6)
    islands = ["kind", "device_id", "island_count", "started_at", "ended_at", "energy_kwh"]
    assert_frame_equal(parts[-1].open_islands.select(islands), whole.open_islands.select(islands), abs_tol=1e-6)
    begin, carried = DAY, whole.open_islands.clear()
    for end, part in zip(ends, parts, strict=True):
        expect_balance(drawn, begin, end, part, carried)
        begin, carried = end, part.open_islands


def test_the_last_reading_before_a_cut_says_nothing_of_the_voltage_behind_it() -> None:
    """The vehicle was silent over the cut; of the meter only the register is known when the charge began."""
    charge = Flow(at("12:33"), at("13:52"), 22.0)
    silent = Register([charge], lost=[(at("11:04"), at("13:17"))], resolution_kwh=0.1, last_at=END)
    drawn = Drawn({1: Register([], interval_s=300, last_at=END)}, {1: silent}, [Mapping(1, 1)])
    for each in (drawn.found(END), *drawn.by_parts(at("13:12"), END)[1:]):
        assert each.charging_sessions["started_at"][0] < at("13:12")
        assert each.charging_sessions["voltage_share"].to_list() == [1.0]
