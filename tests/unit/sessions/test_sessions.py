"""Sessions and standby of charges drawn by hand: what is found is what was drawn."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from tests.unit.sessions.drawn import LONG_BEFORE, PAIR, Drawn, Flow, Mapping, Register, at
from warehouse.contract.tables import DeviceKind
from warehouse.sessions.schemas import OPEN_ISLANDS
from warehouse.sessions.session_day import DaySessions, sessions_until


def pair(*flows: Flow, efficiency: float = 0.9, meter: dict[str, object] | None = None, **both: object) -> Drawn:
    """A meter and a vehicle that charge together."""
    dc = [flow._replace(kw=flow.kw * efficiency) for flow in flows]
    ac_settings = {**both, **(meter or {})}
    return Drawn({1: Register(flows, **ac_settings)}, {1: Register(dc, **both)}, PAIR)  # type: ignore[arg-type]


def only(found: DaySessions) -> dict[str, Any]:
    """The one session that was found."""
    assert found.charging_sessions.height == 1, found.charging_sessions
    return found.charging_sessions.row(0, named=True)


def kinds(found: DaySessions) -> list[str]:
    return found.charging_sessions["kind"].to_list()


def near(instant: object, expected: datetime, seconds: float = 90) -> bool:
    assert isinstance(instant, datetime)
    return abs(instant - expected) <= timedelta(seconds=seconds)


def standby_of(found: DaySessions, kind: str, device_id: int = 1) -> dict[str, Any]:
    rows = found.daily_standby.filter(pl.col("kind") == kind, pl.col("device_id") == device_id)
    return rows.row(0, named=True)


@pytest.mark.parametrize(("resolution_kwh", "within"), [(0.001, 0.003), (0.01, 0.02), (0.1, 0.12)])
def test_a_charge_is_one_session_with_what_both_sides_counted(resolution_kwh: float, within: float) -> None:
    found = pair(Flow(at("10:00"), at("12:30"), 7.4), resolution_kwh=resolution_kwh).found()
    session = only(found)
    assert (session["kind"], session["meter_id"], session["vehicle_id"]) == ("charge", 1, 1)
    assert session["ac_kwh"] == pytest.approx(18.5, abs=within)
    assert session["dc_kwh"] == pytest.approx(16.65, abs=within)
    assert session["efficiency_ratio"] == pytest.approx(session["dc_kwh"] / session["ac_kwh"])
    assert near(session["ac_started_at"], at("10:00"), 60)
    assert near(session["dc_started_at"], at("10:00"), 60)
    assert near(session["ended_at"], at("12:30"), 60)
    assert session["ac_plateau_kw"] == pytest.approx(7.4, rel=0.02)
    assert session["dc_mean_kw"] == pytest.approx(6.66, rel=0.02)
    assert (session["ac_coverage"], session["dc_coverage"]) == (1.0, 1.0)
    assert (session["mean_voltage_volts"], session["voltage_before_volts"], session["voltage_share"]) == (230, 230, 1)
    assert (session["soc_start_percent"], session["mean_battery_temp_celsius"]) == (50, 20)
    assert session["is_qualified"]


def test_a_slow_charge_on_a_coarse_register_is_found_whole() -> None:
    """At 2.3 kW a register of 0.1 kWh stands still for 2.6 minutes at a time: power by the minute finds nothing."""
    found = pair(Flow(at("09:07"), at("13:41"), 2.3), resolution_kwh=0.1).found()
    session = only(found)
    assert session["ac_kwh"] == pytest.approx(2.3 * 274 / 60, abs=0.11)
    assert near(session["ac_started_at"], at("09:07"), 150)
    assert near(session["ac_ended_at"], at("13:41"), 190)
    assert session["ac_plateau_kw"] == pytest.approx(2.3, rel=0.15)


def test_a_pause_of_nine_minutes_is_within_a_session_and_one_of_eleven_parts_two() -> None:
    def with_pause(minutes: int) -> DaySessions:
        first, second = at("10:00"), at("11:00") + timedelta(minutes=minutes)
        return pair(Flow(first, at("11:00"), 7.4), Flow(second, second + timedelta(hours=1), 7.4)).found()

    assert only(with_pause(9))["ac_hours"] == pytest.approx(2.15, abs=0.02)
    parted = with_pause(11).charging_sessions
    assert parted["ac_kwh"].to_list() == pytest.approx([7.4, 7.4], abs=0.002)
    assert near(parted["ac_started_at"][1], at("11:11"), 5)


def test_the_resolution_that_is_declared_says_how_long_a_register_may_stand_still() -> None:
    """A tick of 0.1 kWh stays unseen for 12 minutes at the least power of a charge: these add to the pause."""
    charges = Flow(at("10:00"), at("11:00"), 7.4), Flow(at("11:15"), at("12:15"), 7.4)
    assert len(kinds(pair(*charges, resolution_kwh=0.001).found())) == 2
    assert len(kinds(pair(*charges, resolution_kwh=0.1).found())) == 1


def test_the_interval_that_is_declared_says_how_many_readings_are_expected() -> None:
    charge = Flow(at("10:00"), at("12:00"), 7.4)
    every_five = Register([charge], interval_s=300)
    drawn = Drawn({1: every_five}, {1: Register([charge._replace(kw=6.6)])}, PAIR)
    assert (only(drawn.found())["ac_coverage"], only(drawn.found())["is_qualified"]) == (1.0, True)
    inputs = drawn.inputs(LONG_BEFORE, at("00:00", 1), pl.DataFrame(schema=OPEN_ISLANDS))
    a_minute = inputs.devices[DeviceKind.METER].with_columns(expected_interval_s=pl.lit(60, pl.Int32))
    promised_more = inputs._replace(devices={**inputs.devices, DeviceKind.METER: a_minute})
    session = only(sessions_until(promised_more, at("00:00", 1)))
    assert session["ac_coverage"] == pytest.approx(0.2, abs=0.01)
    assert not session["is_qualified"]


def test_a_charge_over_midnight_is_one_session_of_the_day_on_which_it_ends() -> None:
    flow = Flow(at("22:10"), at("02:40", 1), 7.4)
    drawn = pair(flow, last_at=at("12:00", 1), meter={"standby_w": 20.0})
    first, second = drawn.by_parts(at("00:00", 1), at("00:00", 2))
    assert first.charging_sessions.is_empty()
    assert first.open_islands["energy_kwh"].to_list() == pytest.approx([7.4 * 110 / 60, 6.66 * 110 / 60], abs=0.2)
    session = only(second)
    assert session["ac_kwh"] == pytest.approx((7.4 + 0.02) * 4.5, abs=0.003)
    assert session["dc_kwh"] == pytest.approx(6.66 * 4.5, abs=0.003)
    assert near(session["started_at"], at("22:10"), 60)
    assert near(session["ended_at"], at("02:40", 1), 60)
    assert second.open_islands["island_count"].sum() == 0
    meter = standby_of(second, "meter")
    assert meter["carried_in_kwh"] == pytest.approx(first.open_islands["energy_kwh"][0])
    assert meter["idle_watts"] == pytest.approx(20, abs=0.3)


@pytest.mark.parametrize("kw", [22.0, 150.0])
def test_a_strong_charge_after_hours_at_rest_is_not_joined_to_the_one_before(kw: float) -> None:
    """Its first step, told from the last change of the register, would be active for all those hours."""
    found = pair(Flow(at("08:00"), at("08:30"), kw), Flow(at("10:00"), at("10:30"), kw)).found()
    assert found.charging_sessions["ac_kwh"].to_list() == pytest.approx([kw / 2, kw / 2], abs=0.002)


def test_a_pause_of_the_meter_alone_is_within_the_session_of_both() -> None:
    ac = Register([Flow(at("10:00"), at("11:00"), 7.4), Flow(at("11:15"), at("12:00"), 7.4)])
    dc = Register([Flow(at("10:00"), at("12:00"), 5.8)])
    session = only(Drawn({1: ac}, {1: dc}, PAIR).found())
    assert (session["ac_island_count"], session["dc_island_count"]) == (2, 1)
    assert session["ac_hours"] == pytest.approx(1.75, abs=0.01), "the pause is left out"
    assert session["ac_kwh"] == pytest.approx(7.4 * 1.75, abs=0.002)


def test_one_side_alone_is_a_kind_of_its_own_and_has_no_ratio() -> None:
    preheating = Drawn({1: Register([Flow(at("06:00"), at("06:30"), 4)])}, {1: Register(())}, PAIR).found()
    assert (only(preheating)["kind"], only(preheating)["efficiency_ratio"]) == ("ac_only", None)
    assert only(preheating)["vehicle_id"] == 1
    elsewhere = Drawn({1: Register(())}, {1: Register([Flow(at("14:00"), at("15:00"), 50)])}, PAIR).found()
    assert (only(elsewhere)["kind"], only(elsewhere)["efficiency_ratio"]) == ("dc_only", None)
    assert (only(elsewhere)["meter_id"], only(elsewhere)["mean_voltage_volts"]) == (1, 230), "of the meter at home"
    assert not only(elsewhere)["is_qualified"]


def test_growth_by_braking_is_dc_alone_and_the_charge_behind_it_keeps_its_own() -> None:
    """A register of a vehicle may count what braking brings back: bursts of seconds, here for two minutes each."""
    bursts = [Flow(at(f"07:{minute:02}"), at(f"07:{minute + 1:02}"), 12) for minute in range(0, 50, 4)]
    charge = Flow(at("09:00"), at("10:00"), 6.5)
    drawn = Drawn({1: Register([charge._replace(kw=7.4)])}, {1: Register([*bursts, charge])}, PAIR)
    found = drawn.found()
    assert kinds(found) == ["dc_only", "charge"]
    assert found.charging_sessions["dc_kwh"].to_list() == pytest.approx([13 * 0.2, 6.5], abs=0.002)


def test_less_than_a_fifth_of_a_kilowatt_hour_is_no_session_and_is_told_as_energy_between() -> None:
    found = pair(Flow(at("10:00"), at("10:03"), 3.6), meter={"standby_w": 5.0}).found()
    assert found.charging_sessions.is_empty()
    assert standby_of(found, "meter")["between_kwh"] == pytest.approx(0.18, abs=0.003)
    assert standby_of(found, "meter")["idle_watts"] == pytest.approx(5, abs=0.2)


def test_two_vehicles_one_after_the_other_at_one_charger_are_two_sessions() -> None:
    """They change over within the pause that one session may have."""
    ac = Register([Flow(at("10:00"), at("11:00"), 11), Flow(at("11:04"), at("12:00"), 11)])
    first = Register([Flow(at("10:00"), at("11:00"), 10)])
    second = Register([Flow(at("11:04"), at("12:00"), 9)])
    mappings = (Mapping(1, 1, valid_to=at("11:02")), Mapping(2, 1, valid_from=at("11:02")))
    found = Drawn({1: ac}, {1: first, 2: second}, mappings).found().charging_sessions
    assert found["vehicle_id"].to_list() == [1, 2]
    assert found["efficiency_ratio"].to_list() == pytest.approx([10 / 11, 9 / 11], abs=0.001)


def test_a_change_of_mapping_within_a_charge_cuts_both_sides_at_one_instant() -> None:
    mappings = (Mapping(1, 1, valid_to=at("11:00.5")), Mapping(1, 1, valid_from=at("11:00.5")))
    charge = pair(Flow(at("10:00"), at("12:00"), 7.4))
    found = Drawn(charge.meters, charge.vehicles, mappings).found().charging_sessions
    assert found["kind"].to_list() == ["charge", "charge"]
    assert found["ac_kwh"].sum() == pytest.approx(14.8, abs=0.002)
    assert found["efficiency_ratio"].to_list() == pytest.approx([0.9, 0.9], abs=0.001)


def test_two_vehicles_on_one_meter_at_one_time_are_shown_and_judged_by_nothing() -> None:
    ac = Register([Flow(at("10:00"), at("11:00"), 11)])
    vehicles = {1: Register([Flow(at("10:00"), at("11:00"), 5)]), 2: Register([Flow(at("10:00"), at("11:00"), 4)])}
    found = Drawn({1: ac}, vehicles, (Mapping(1, 1), Mapping(2, 1))).found().charging_sessions
    assert set(found["kind"]) == {"shared_meter"}
    assert found["ac_kwh"].sum() == pytest.approx(11, abs=0.002)
    assert found["dc_kwh"].sum() == pytest.approx(9, abs=0.002)
    assert not found["is_qualified"].any()


def test_a_meter_of_fifteen_minutes_beside_a_vehicle_of_one() -> None:
    charge = Flow(at("10:05"), at("13:05"), 7.4)
    ac = Register([charge], interval_s=900)
    dc = Register([charge._replace(kw=6.6)])
    session = only(Drawn({1: ac}, {1: dc}, PAIR).found())
    assert session["kind"] == "charge"
    assert session["ac_kwh"] == pytest.approx(22.2, abs=0.002)
    assert near(session["ac_started_at"], at("10:05"), 60)
    assert session["ac_coverage"] == 1.0


def test_devices_that_report_intervals_have_the_same_sessions() -> None:
    charge = Flow(at("10:00"), at("12:00"), 7.4)
    session = only(pair(charge, is_interval=True).found())
    assert session["ac_kwh"] == pytest.approx(14.8, abs=0.002)
    assert near(session["ac_started_at"], at("10:00"), 5)


def test_lost_readings_within_a_charge_cut_nothing_and_cost_coverage() -> None:
    lost = [(at("10:30"), at("11:14"))]
    session = only(pair(Flow(at("10:00"), at("12:00"), 7.4), meter={"lost": lost}).found())
    assert session["ac_kwh"] == pytest.approx(14.8, abs=0.002)
    assert session["ac_island_count"] == 1
    assert session["ac_coverage"] == pytest.approx(76 / 120, abs=0.01)
    assert session["dc_coverage"] == 1
    assert not session["is_qualified"]


def test_flags_of_the_energy_rule_within_a_session_are_told_and_its_register_goes_on_behind_them() -> None:
    """A meter is replaced in the middle of a charge: the new one begins at 10 kWh, and that step books nothing."""
    drawn = pair(Flow(at("10:00"), at("12:00"), 6.0))
    readings = drawn.readings(DeviceKind.METER)
    kwh = readings.filter(pl.col("ts") == at("11:00"))["kwh"][0]
    replaced = readings.with_columns(
        pl.when(pl.col("ts") > at("11:00")).then(pl.col("kwh") - kwh + 10).otherwise("kwh")
    )
    step = {
        "kind": "meter",
        "device_id": 1,
        "ts": at("11:01"),
        "before_ts": at("11:00"),
        "before_kwh": kwh,
        "kwh": 10.1,
        "energy_kwh": 0.0,
        "flag": "rebase",
    }
    found = Drawn(drawn.meters, drawn.vehicles, PAIR, [step], {DeviceKind.METER: replaced}).found()
    session = only(found)
    assert session["ac_kwh"] == pytest.approx(12 - 0.1, abs=0.002)
    assert (session["ac_flags"], session["dc_flags"]) == ("rebase", "")
    assert not session["is_qualified"], "what flowed in that step is not known"


def test_a_corrupt_reading_within_a_session_is_left_out() -> None:
    drawn = pair(Flow(at("10:00"), at("12:00"), 6.0))
    is_corrupt = pl.col("ts") == at("11:00")
    corrupt = drawn.readings(DeviceKind.METER).with_columns(pl.when(~is_corrupt).then("kwh").otherwise(0.0))
    glitch = {"kind": "meter", "device_id": 1, "ts": at("11:00"), "kwh": 0.0, "energy_kwh": 0.0, "flag": "glitch"}
    session = only(Drawn(drawn.meters, drawn.vehicles, PAIR, [glitch], {DeviceKind.METER: corrupt}).found())
    assert session["ac_kwh"] == pytest.approx(12, abs=0.002)
    assert (session["ac_flags"], session["is_qualified"]) == ("glitch", True)


def test_more_dc_than_ac_beyond_what_registers_err_is_implausible() -> None:
    assert kinds(pair(Flow(at("10:00"), at("12:00"), 7.4), efficiency=1.2).found()) == ["implausible"]
    assert kinds(pair(Flow(at("10:00"), at("12:00"), 7.4), efficiency=0.95).found()) == ["charge"]


def test_a_charge_of_two_days_is_cut() -> None:
    drawn = pair(Flow(at("01:00"), at("01:00", 2), 2.0), last_at=at("12:00", 2))
    found = drawn.found(at("00:00", 3)).charging_sessions
    assert set(found["kind"]) == {"cut"}
    meter = found.filter(pl.col("ac_kwh").is_not_null())
    assert meter.height == 2
    assert meter["ac_kwh"].to_list() == pytest.approx([72, 24], abs=0.1)
    assert meter["ac_kwh"].sum() == pytest.approx(96, abs=0.002)


def test_a_session_is_told_when_its_quiet_time_has_run_out_and_waits_for_the_other_side() -> None:
    charge = Flow(at("10:00"), at("12:00"), 7.4)
    drawn = pair(charge)
    assert drawn.found(at("12:09")).charging_sessions.is_empty()
    assert drawn.found(at("12:12")).charging_sessions.height == 1
    silent = Drawn(drawn.meters, {1: Register([charge._replace(kw=6.6)], lost=[(at("10:30"), at("20:00"))])}, PAIR)
    assert silent.found(at("19:00")).charging_sessions.is_empty(), "the vehicle may have charged on"
    session = only(silent.found())
    assert (session["kind"], session["dc_kwh"]) == ("charge", pytest.approx(13.2, abs=0.01))


def test_standby_is_what_was_drawn_between_sessions() -> None:
    found = pair(Flow(at("10:00"), at("12:00"), 7.4), meter={"standby_w": 30.0}).found()
    meter = standby_of(found, "meter")
    assert meter["idle_watts"] == pytest.approx(30, abs=0.2)
    assert meter["idle_hours"] == pytest.approx(24 - 2 - 2 / 6, abs=0.06)
    assert meter["idle_span_count"] == 2
    assert meter["idle_kwh"] + meter["between_kwh"] + meter["session_kwh"] == pytest.approx(
        14.8 + 30 / 1000 * 23 + 30 / 1000 * 59 / 60, abs=0.002
    )
    assert standby_of(found, "vehicle")["idle_kwh"] == 0
