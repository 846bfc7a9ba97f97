"""The simulated fleet is a pure function of seed, vehicle and instant, and its energy belongs together."""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.simulation.charger import MODELS
from warehouse.simulation.draws import Bools, Draws, Floats
from warehouse.simulation.fleet import DEFAULT_SEED, Fleet, MeterColumns, VehicleColumns
from warehouse.simulation.vehicles import draw_vehicles

MIDNIGHT = int(datetime(2026, 5, 4, tzinfo=UTC).timestamp()) // 60
DAY_MINUTES = 1440


def healthy(fleet: Fleet) -> Bools:
    faulty = {fault.vehicle_id for fault in fleet.faults()}
    return np.array([vehicle_id not in faulty for vehicle_id in fleet.vehicle_ids])


def equal(one: MeterColumns | VehicleColumns, other: MeterColumns | VehicleColumns, *, rows: slice) -> None:
    for name in one.__slots__:
        np.testing.assert_array_equal(getattr(one, name)[rows], getattr(other, name), err_msg=name)


@cache
def three_days() -> tuple[MeterColumns, VehicleColumns]:
    fleet = Fleet(90)
    return fleet.meters(MIDNIGHT, 3 * DAY_MINUTES), fleet.vehicles(MIDNIGHT, 3 * DAY_MINUTES)


@settings(max_examples=25)
@given(first=st.integers(0, 3 * DAY_MINUTES - 1), length=st.integers(1, 400))
def test_a_slice_equals_the_same_rows_of_a_larger_range(first: int, length: int) -> None:
    length = min(length, 3 * DAY_MINUTES - first)
    rows = slice(first, first + length)
    meters, vehicles = three_days()
    sliced = Fleet(90)
    equal(meters, sliced.meters(MIDNIGHT + first, length), rows=rows)
    equal(vehicles, sliced.vehicles(MIDNIGHT + first, length), rows=rows)


def test_a_fleet_may_be_asked_in_any_order() -> None:
    fleet = Fleet(90)
    later = fleet.meters(MIDNIGHT + 40 * DAY_MINUTES, 30)
    earlier = fleet.meters(MIDNIGHT, 30)
    equal(earlier, Fleet(90).meters(MIDNIGHT, 30), rows=slice(None))
    equal(later, fleet.meters(MIDNIGHT + 40 * DAY_MINUTES, 30), rows=slice(None))


@pytest.mark.parametrize(("limit", "value"), [("VEHICLE_DAYS_OF_A_PAGE", 270), ("LONGEST_PAGE_DAYS", 7)])
def test_pages_of_another_length_carry_the_same_registers(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    expected = Fleet(90).meters(MIDNIGHT, 10)
    monkeypatch.setattr(f"warehouse.simulation.registers.{limit}", value)
    equal(expected, Fleet(90).meters(MIDNIGHT, 10), rows=slice(None))


@pytest.mark.parametrize("fewer", [1, 11, 130])
def test_more_vehicles_leave_the_first_ones_as_they_are(fewer: int) -> None:
    small, large = Fleet(fewer), Fleet(400)
    for name in MeterColumns.__slots__:
        few, many = getattr(small.meters(MIDNIGHT, 60), name), getattr(large.meters(MIDNIGHT, 60), name)
        np.testing.assert_array_equal(few, many[:, :fewer], err_msg=name)
    for name in VehicleColumns.__slots__:
        few, many = getattr(small.vehicles(MIDNIGHT, 60), name), getattr(large.vehicles(MIDNIGHT, 60), name)
        np.testing.assert_array_equal(few, many[:, :fewer], err_msg=name)
    assert small.faults() == large.faults()[: len(small.faults())]


def test_another_seed_is_another_fleet() -> None:
    assert (Fleet(50, seed=1).meters(MIDNIGHT, 1).kwh != Fleet(50, seed=2).meters(MIDNIGHT, 1).kwh).all()


def test_each_vehicle_has_its_own_meter() -> None:
    assert Fleet(3).mappings() == [
        {"vehicleId": "veh-00001", "meterId": "meter-00001"},
        {"vehicleId": "veh-00002", "meterId": "meter-00002"},
        {"vehicleId": "veh-00003", "meterId": "meter-00003"},
    ]


def test_registers_without_a_fault_never_go_back_nor_faster_than_the_charger() -> None:
    fleet = Fleet(100)
    sound = healthy(fleet)
    models = draw_vehicles(Draws(DEFAULT_SEED), fleet.size).model
    power_kw = np.array([MODELS[model].ac_kw for model in models.tolist()])
    drawn_kwh = np.diff(fleet.meters(MIDNIGHT, 5 * DAY_MINUTES).kwh[:, sound], axis=0)
    delivered_kwh = np.diff(fleet.vehicles(MIDNIGHT, 5 * DAY_MINUTES).kwh[:, sound], axis=0)
    most_kwh = power_kw[sound] / 60 + 0.0025  # standby, and the last digit
    assert drawn_kwh.min() >= 0
    assert delivered_kwh.min() >= 0
    assert (drawn_kwh <= most_kwh).all()
    assert (delivered_kwh <= most_kwh).all()


def test_registers_begin_at_plausible_values_and_show_watt_hours() -> None:
    fleet = Fleet(300)
    kwh = fleet.meters(MIDNIGHT, 1).kwh[0, healthy(fleet)]
    assert kwh.min() > 300
    assert 20_000 < kwh.max() < 50_000
    assert (np.round(kwh, 3) == kwh).all()


def efficiencies(fleet: Fleet, chosen: Bools) -> Floats:
    """Of windows of 24 h that begin at any hour, where the vehicle has charged."""
    found = []
    for window in range(30):
        begin = MIDNIGHT + window * (DAY_MINUTES + 71)
        end = begin + DAY_MINUTES - 1
        ac_kwh = (fleet.meters(end, 1).kwh - fleet.meters(begin, 1).kwh)[0, chosen]
        dc_kwh = (fleet.vehicles(end, 1).kwh - fleet.vehicles(begin, 1).kwh)[0, chosen]
        found.append((dc_kwh / np.maximum(ac_kwh, 0.001))[ac_kwh >= 6])
    return np.concatenate(found)


def test_the_energy_of_both_sides_belongs_together() -> None:
    fleet = Fleet(100)
    found = efficiencies(fleet, healthy(fleet))
    assert len(found) > 2_000
    assert found.min() > 0.86
    assert found.max() < 0.94  # the two devices report at different seconds: an edge of the window may fall between
    assert np.percentile(found, 99) < 0.93
    assert 0.90 < np.median(found) < 0.92


def test_somebody_charges_at_every_hour_and_most_within_any_day() -> None:
    fleet = Fleet(300)
    kwh = fleet.meters(MIDNIGHT, DAY_MINUTES + 1).kwh
    charging = np.diff(kwh, axis=0) * 60 > 0.5
    assert charging.any(axis=1).all()
    assert charging.any(axis=0).mean() > 0.9


def test_what_the_sensors_show_is_plausible() -> None:
    fleet = Fleet(300)
    meters, vehicles = fleet.meters(MIDNIGHT, 2 * DAY_MINUTES), fleet.vehicles(MIDNIGHT, 2 * DAY_MINUTES)
    assert vehicles.soc_percent.min() > 0
    assert vehicles.soc_percent.max() <= 100
    assert np.ptp(vehicles.soc_percent, axis=0).max() > 40
    assert -10 < np.nanmin(vehicles.battery_celsius) < np.nanmax(vehicles.battery_celsius) < 45
    assert 215 < np.nanmin(meters.voltage_volts) < np.nanmax(meters.voltage_volts) < 240
    for column in (meters.voltage_volts, vehicles.battery_celsius):
        absent = np.isnan(column)
        assert 0 < absent.all(axis=0).sum() < 20
        assert (absent.all(axis=0) == absent.any(axis=0)).all()


def test_charging_shows_on_every_sensor() -> None:
    fleet = Fleet(60)
    meters, vehicles = fleet.meters(MIDNIGHT, DAY_MINUTES), fleet.vehicles(MIDNIGHT, DAY_MINUTES)
    delivered_kwh = vehicles.kwh[-1] - vehicles.kwh[0]
    column = int(
        np.argmax(delivered_kwh * np.isfinite(meters.voltage_volts[0]) * np.isfinite(vehicles.battery_celsius[0]))
    )
    minute = int(np.argmax(np.diff(vehicles.kwh[:, column])))
    assert vehicles.soc_percent[minute + 20, column] > vehicles.soc_percent[minute, column]
    charging = np.diff(meters.kwh[:, column]) * 60 > 3
    assert meters.voltage_volts[1:, column][charging].mean() < meters.voltage_volts[1:, column][~charging].mean()
    assert (
        vehicles.battery_celsius[1:, column][charging].mean() > vehicles.battery_celsius[1:, column][~charging].mean()
    )


def test_devices_report_each_minute_at_a_second_of_their_own() -> None:
    instants_s = Fleet(600).meters(MIDNIGHT, 3).instants_s
    assert (np.diff(instants_s, axis=0) == 60).all()
    assert len(np.unique(instants_s[0] % 60)) == 60


def test_there_is_no_history_before_the_first_of_january() -> None:
    new_year = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) // 60
    assert Fleet(5).meters(new_year, 1).kwh.shape == (1, 5)
    with pytest.raises(ValueError, match="2026-01-01"):
        Fleet(5).meters(new_year - 1, 1)


def test_a_fleet_has_a_vehicle() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Fleet(0)
