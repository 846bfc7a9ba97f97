"""The simulated fleet is a pure function of seed, device and instant, and its energy belongs together."""

from dataclasses import fields
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.simulation.clock import EPOCH
from warehouse.simulation.draws import Draws
from warehouse.simulation.fleet import DEFAULT_SEED, Columns, Fleet, MeterColumns, VehicleColumns
from warehouse.simulation.layout import lay_out
from warehouse.simulation.traits import draw_chargers

MIDNIGHT = int(datetime(2026, 5, 4, tzinfo=UTC).timestamp()) // 60
DAY_MINUTES = 1440
MIDNIGHT_DAY = (datetime(2026, 5, 4, tzinfo=UTC) - EPOCH).days


def equal(one: Columns, other: Columns, *, rows: slice = slice(None), devices: slice = slice(None)) -> None:
    for field in fields(one):
        whole, part = getattr(one, field.name), getattr(other, field.name)
        np.testing.assert_array_equal(whole[rows, devices], part, err_msg=field.name)


def small() -> Fleet:
    """A depot and six pairs, all with faults."""
    return Fleet(20, depot_share=1.0, fault_share=1.0)


@cache
def three_days() -> tuple[MeterColumns, VehicleColumns]:
    fleet = small()
    return fleet.meters(MIDNIGHT, 3 * DAY_MINUTES), fleet.vehicles(MIDNIGHT, 3 * DAY_MINUTES)


@cache
def healthy() -> Fleet:
    return Fleet(100, fault_share=0.0)


@settings(max_examples=25)
@given(first=st.integers(0, 3 * DAY_MINUTES - 1), length=st.integers(1, 400))
def test_a_slice_equals_the_same_rows_of_a_larger_range(first: int, length: int) -> None:
    length = min(length, 3 * DAY_MINUTES - first)
    rows = slice(first, first + length)
    meters, vehicles = three_days()
    sliced = small()
    equal(meters, sliced.meters(MIDNIGHT + first, length), rows=rows)
    equal(vehicles, sliced.vehicles(MIDNIGHT + first, length), rows=rows)


def test_some_devices_report_what_they_report_among_all() -> None:
    fleet = small()
    some = np.array([2, 9, 13], dtype=np.int64)
    meters, vehicles = fleet.meters(MIDNIGHT, 90), fleet.vehicles(MIDNIGHT, 90)
    for field in fields(meters):
        few = getattr(fleet.meters(MIDNIGHT, 90, some), field.name)
        np.testing.assert_array_equal(getattr(meters, field.name)[:, some], few, err_msg=field.name)
    for field in fields(vehicles):
        few = getattr(fleet.vehicles(MIDNIGHT, 90, some), field.name)
        np.testing.assert_array_equal(getattr(vehicles, field.name)[:, some], few, err_msg=field.name)


def test_a_fleet_may_be_asked_in_any_order() -> None:
    fleet = small()
    later = fleet.meters(MIDNIGHT + 40 * DAY_MINUTES, 30)
    earlier = fleet.meters(MIDNIGHT, 30)
    equal(earlier, small().meters(MIDNIGHT, 30))
    equal(later, fleet.meters(MIDNIGHT + 40 * DAY_MINUTES, 30))


@pytest.mark.parametrize(("limit", "value"), [("VEHICLE_DAYS_OF_A_PAGE", 60), ("LONGEST_PAGE_DAYS", 7)])
def test_pages_of_another_length_carry_the_same_registers(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    meters, vehicles = small().meters(MIDNIGHT, 10), small().vehicles(MIDNIGHT, 10)
    monkeypatch.setattr(f"warehouse.simulation.world.{limit}", value)
    equal(meters, small().meters(MIDNIGHT, 10))
    equal(vehicles, small().vehicles(MIDNIGHT, 10))


def test_pages_are_as_long_however_far_a_fleet_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = small().meters(MIDNIGHT, 10)
    monkeypatch.setattr("warehouse.simulation.world.LONGEST_PAGE_DAYS", 3)
    fleet = small()
    # At most instants two days of their own last at the sites of a fleet.
    assert {fleet.world.page(day, day + 1).days for day in range(MIDNIGHT_DAY)} == {3}
    equal(expected, fleet.meters(MIDNIGHT, 10))


@pytest.mark.parametrize("fewer", [1, 11, 60])
def test_more_pairs_leave_the_first_ones_as_they_are(fewer: int) -> None:
    few, many = Fleet(fewer, fault_share=0.7), Fleet(90, fault_share=0.7)
    equal(many.meters(MIDNIGHT, 60), few.meters(MIDNIGHT, 60), devices=slice(fewer))
    equal(many.vehicles(MIDNIGHT, 60), few.vehicles(MIDNIGHT, 60), devices=slice(fewer))
    assert [each for each in many.faults() if int(each.device_id[-5:]) <= fewer] == few.faults()


def test_more_depots_leave_the_first_ones_as_they_are() -> None:
    few, many = Fleet(28, depot_share=0.5), Fleet(56, depot_share=0.5)
    assert (len(few.meter_ids), len(many.meter_ids)) == (24, 48)
    equal(many.meters(MIDNIGHT, 60), few.meters(MIDNIGHT, 60), devices=slice(24))
    equal(many.vehicles(MIDNIGHT, 60), few.vehicles(MIDNIGHT, 60), devices=slice(28))


def test_another_seed_is_another_fleet_that_reports_at_the_same_instants() -> None:
    one, other = Fleet(50, seed=1).meters(MIDNIGHT, 1), Fleet(50, seed=2).meters(MIDNIGHT, 1)
    assert (one.kwh != other.kwh).all()
    np.testing.assert_array_equal(one.instants_s, other.instants_s)


def test_each_vehicle_has_its_own_meter() -> None:
    assert Fleet(3).mappings() == [
        {"vehicleId": "veh-00001", "meterId": "meter-00001"},
        {"vehicleId": "veh-00002", "meterId": "meter-00002"},
        {"vehicleId": "veh-00003", "meterId": "meter-00003"},
    ]


def test_registers_without_a_fault_never_go_back_nor_faster_than_the_charger() -> None:
    fleet = healthy()
    chargers = draw_chargers(Draws(DEFAULT_SEED), lay_out(fleet.size, 0.0))
    meters, vehicles = fleet.meters(MIDNIGHT, 5 * DAY_MINUTES), fleet.vehicles(MIDNIGHT, 5 * DAY_MINUTES)
    for columns, resolution_kwh in ((meters, 0.1), (vehicles, 0.1)):
        grown_kwh, hours = np.diff(columns.kwh, axis=0), np.diff(columns.instants_s, axis=0) / 3600
        assert grown_kwh.min() >= 0
        most_kw = 1.15 * np.maximum(chargers.ac_kw, 45.0)  # or that of a charger elsewhere
        assert (grown_kwh <= most_kw * hours + resolution_kwh + 1e-9).all()


def test_registers_begin_at_plausible_values_and_show_whole_steps() -> None:
    fleet = Fleet(300, fault_share=0.0)
    for kwh in (fleet.meters(MIDNIGHT, 1).kwh[0], fleet.vehicles(MIDNIGHT, 1).kwh[0]):
        assert kwh.min() > 300
        assert 20_000 < kwh.max() < 50_000
        assert (np.round(kwh, 3) == kwh).all()
        digits = [f"{each:.3f}".rstrip("0").partition(".")[2] for each in kwh.tolist()]
        assert {len(each) for each in digits} >= {1, 2, 3}


def test_somebody_charges_at_every_hour() -> None:
    fleet = Fleet(300)
    kwh = fleet.meters(MIDNIGHT, DAY_MINUTES + 1).kwh[::60]
    charging = np.diff(kwh, axis=0) > 1
    assert charging.any(axis=1).all()
    assert 0.5 < charging.any(axis=0).mean() < 0.9  # the others rest


def test_what_the_sensors_show_is_plausible() -> None:
    fleet = Fleet(300)
    meters, vehicles = fleet.meters(MIDNIGHT, 2 * DAY_MINUTES), fleet.vehicles(MIDNIGHT, 2 * DAY_MINUTES)
    assert vehicles.soc_percent.min() > 5
    assert vehicles.soc_percent.max() == 100
    assert np.ptp(vehicles.soc_percent, axis=0).max() > 40
    assert -10 < np.nanmin(vehicles.battery_celsius) < np.nanmax(vehicles.battery_celsius) < 40
    assert 215 < np.nanmin(meters.voltage_volts) < np.nanmax(meters.voltage_volts) < 240
    for column in (meters.voltage_volts, vehicles.battery_celsius):
        absent = np.isnan(column)
        assert 0 < absent.all(axis=0).sum() < 60
        assert (absent.all(axis=0) == absent.any(axis=0)).all()


def test_charging_shows_on_every_sensor() -> None:
    fleet = healthy()
    meters, vehicles = fleet.meters(MIDNIGHT, DAY_MINUTES), fleet.vehicles(MIDNIGHT, DAY_MINUTES)
    delivered_kwh = vehicles.kwh[-1] - vehicles.kwh[0]
    has_both = np.isfinite(meters.voltage_volts[0]) & np.isfinite(vehicles.battery_celsius[0])
    column = int(np.argmax(delivered_kwh * has_both))
    power_kw = np.diff(meters.kwh[::10, column]) * 6
    charging = np.repeat(power_kw > 2, 10)
    soc = vehicles.soc_percent[: len(charging), column]
    assert soc[charging][-1] > soc[charging][0]
    volts, celsius = (each[: len(charging), column] for each in (meters.voltage_volts, vehicles.battery_celsius))
    assert volts[charging].mean() < volts[~charging].mean()
    assert celsius[charging].max() > celsius[~charging].mean()


def test_devices_report_each_minute_around_a_second_of_their_own() -> None:
    instants_s = Fleet(600).meters(MIDNIGHT, 30).instants_s
    assert np.abs(np.diff(instants_s, axis=0) - 60).max() == 3
    assert (np.ptp(instants_s % 60, axis=0) <= 3).all()
    assert len(np.unique(instants_s % 60)) > 50


def test_few_readings_are_lost_and_fewer_sent_twice() -> None:
    columns = Fleet(600, fault_share=0.0).vehicles(MIDNIGHT, DAY_MINUTES)
    assert 0.0008 < (~columns.reported).mean() < 0.006
    assert 0.0001 < columns.repeated.mean() < 0.001
    late = columns.due_s > columns.instants_s
    assert 0 < late.mean() < 0.004
    assert (columns.due_s[late] // 86_400 == columns.instants_s[late] // 86_400).all()


def test_there_is_no_history_before_the_first_of_january() -> None:
    new_year = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) // 60
    assert Fleet(5).meters(new_year, 1).kwh.shape == (1, 5)
    with pytest.raises(ValueError, match="2026-01-01"):
        Fleet(5).meters(new_year - 1, 1)


def test_a_fleet_has_a_vehicle() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Fleet(0)
