"""Every fault that is listed shows in the readings, as what it is by the energy rule, and not before it begins."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from warehouse.contract.energy import DeviceSettings, Flag, Sample, Step, steps
from warehouse.simulation.faults import Fault, FaultKind
from warehouse.simulation.fleet import EPOCH, Fleet, MeterColumns, VehicleColumns

DAYS = 30
DAY_MINUTES = 1440
LATE = datetime(2026, 6, 1, tzinfo=UTC)
"""All faults have begun by now."""


class History(NamedTuple):
    """What one faulty vehicle and its meter report in ``DAYS`` days from ``LATE`` on."""

    meters: MeterColumns
    vehicles: VehicleColumns


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(100)


@pytest.fixture(scope="module")
def histories(fleet: Fleet) -> dict[str, History]:
    """By vehicle id. Drawn day by day for the whole fleet, of which the faulty vehicles are kept."""
    numbers = [number(fault) for fault in fleet.faults()]
    meters, vehicles = [], []
    for day in range(DAYS):
        begin = minute(LATE) + day * DAY_MINUTES
        meters.append([column[:, numbers] for column in arrays(fleet.meters(begin, DAY_MINUTES))])
        vehicles.append([column[:, numbers] for column in arrays(fleet.vehicles(begin, DAY_MINUTES))])
    all_meters = [np.concatenate(days) for days in zip(*meters, strict=True)]
    all_vehicles = [np.concatenate(days) for days in zip(*vehicles, strict=True)]
    return {
        fault.vehicle_id: History(
            MeterColumns(*(column[:, place] for column in all_meters)),
            VehicleColumns(*(column[:, place] for column in all_vehicles)),
        )
        for place, fault in enumerate(fleet.faults())
    }


def arrays(columns: MeterColumns | VehicleColumns) -> list[NDArray[Any]]:
    return [getattr(columns, each.name) for each in fields(columns)]


def of_kind(fleet: Fleet, kind: FaultKind) -> list[Fault]:
    return [fault for fault in fleet.faults() if fault.kind is kind]


def number(fault: Fault) -> int:
    return int(fault.vehicle_id.removeprefix("veh-")) - 1


def minute(instant: datetime) -> int:
    return int(instant.timestamp()) // 60


def efficiency(fleet: Fleet, fault: Fault, begin: datetime, days: int) -> float:
    """For registers that only grow."""
    first, last, place = minute(begin), minute(begin) + days * DAY_MINUTES, number(fault)
    dc_kwh = fleet.vehicles(last, 1).kwh[0, place] - fleet.vehicles(first, 1).kwh[0, place]
    ac_kwh = fleet.meters(last, 1).kwh[0, place] - fleet.meters(first, 1).kwh[0, place]
    return float(dc_kwh / ac_kwh)


def shown(fault: Fault, histories: dict[str, History]) -> MeterColumns | VehicleColumns:
    """What the device reports that shows the fault."""
    history = histories[fault.vehicle_id]
    return history.meters if fault.device_id == fault.meter_id else history.vehicles


def booked(columns: MeterColumns | VehicleColumns) -> list[Step]:
    """By the energy rule."""
    instants_s, kwh = columns.instants_s[columns.reported], columns.kwh[columns.reported]
    samples = [
        Sample(datetime.fromtimestamp(instant_s, UTC), each_kwh)
        for instant_s, each_kwh in zip(instants_s.tolist(), kwh.tolist(), strict=True)
    ]
    return steps(samples, DeviceSettings(max_power_kw=400))


def flags(booked_steps: list[Step]) -> set[Flag]:
    return {flag for step in booked_steps for flag in step.flags}


def test_a_hundred_vehicles_have_every_kind_of_fault_and_most_have_none() -> None:
    faults = Fleet(100).faults()
    assert {fault.kind for fault in faults} == set(FaultKind)
    assert len({fault.vehicle_id for fault in faults}) == len(faults) == 8


def test_a_dozen_vehicles_have_a_charger_that_wastes_energy() -> None:
    assert [fault.kind for fault in Fleet(12).faults()] == [FaultKind.INEFFICIENT_CHARGER]


def test_a_fault_names_its_devices_and_leaves_time_to_learn_a_baseline(fleet: Fleet) -> None:
    for fault in fleet.faults():
        assert fault.meter_id == fault.vehicle_id.replace("veh", "meter")
        assert fault.device_id in {fault.meter_id, fault.vehicle_id}
        assert EPOCH + timedelta(days=39) <= fault.since <= EPOCH + timedelta(days=71)
        assert fault.detail


def test_an_inefficient_charger_falls_below_the_threshold_on_its_day(fleet: Fleet) -> None:
    for fault in of_kind(fleet, FaultKind.INEFFICIENT_CHARGER):
        assert efficiency(fleet, fault, fault.since - timedelta(days=10), 10) > 0.88
        assert efficiency(fleet, fault, fault.since, 10) < 0.85


def test_a_degrading_charger_gets_worse_week_by_week(fleet: Fleet) -> None:
    for fault in of_kind(fleet, FaultKind.SLOW_DEGRADATION):
        weeks = [efficiency(fleet, fault, fault.since + timedelta(days=14 * n), 14) for n in range(5)]
        assert weeks == sorted(weeks, reverse=True)
        assert efficiency(fleet, fault, fault.since - timedelta(days=14), 14) > weeks[0] > 0.88
        assert weeks[-1] < 0.86
        assert efficiency(fleet, fault, LATE, 10) < 0.84


def test_leakage_flows_while_nothing_charges(fleet: Fleet) -> None:
    for fault in of_kind(fleet, FaultKind.LEAKAGE):
        for begin, low_w, high_w in ((fault.since - timedelta(days=1), 2, 9), (fault.since, 80, 215)):
            kwh = fleet.meters(minute(begin), DAY_MINUTES).kwh[::30, number(fault)]
            idle_w = np.median(np.diff(kwh)) * 2 * 1000
            assert low_w < idle_w < high_w


def test_a_frozen_meter_stands_still_while_the_vehicle_charges(fleet: Fleet, histories: dict[str, History]) -> None:
    for fault in of_kind(fleet, FaultKind.FROZEN_METER):
        history = histories[fault.vehicle_id]
        ac_kwh, dc_kwh = history.meters.kwh, history.vehicles.kwh
        frozen_hours = (np.diff(ac_kwh[::60]) == 0) & (np.diff(dc_kwh[::60]) >= 0.5)
        assert frozen_hours.sum() >= 5
        assert dc_kwh[-1] - dc_kwh[0] > ac_kwh[-1] - ac_kwh[0]
        assert flags(booked(history.meters)) == set()


def test_a_silent_device_leaves_gaps_of_hours_and_its_register_goes_on(
    fleet: Fleet, histories: dict[str, History]
) -> None:
    for fault in of_kind(fleet, FaultKind.SILENT_DEVICE):
        told = booked(shown(fault, histories))
        gaps = sum(Flag.GAP in step.flags for step in told)
        assert 8 <= gaps <= 24
        assert flags(told) == {Flag.GAP}
        assert 120 * gaps <= (~shown(fault, histories).reported).sum() <= 480 * gaps


def test_a_reset_meter_restarts_at_zero_and_keeps_its_energy(fleet: Fleet, histories: dict[str, History]) -> None:
    for fault in of_kind(fleet, FaultKind.METER_RESET):
        told = booked(histories[fault.vehicle_id].meters)
        assert 2 <= sum(Flag.RESET in step.flags for step in told) <= 10
        assert flags(told) == {Flag.RESET}
        dc_kwh = histories[fault.vehicle_id].vehicles.kwh
        assert 0.88 < (dc_kwh[-1] - dc_kwh[0]) / sum(step.kwh for step in told) < 0.93


def test_a_glitch_is_one_row_and_the_rule_leaves_it_out(fleet: Fleet, histories: dict[str, History]) -> None:
    for fault in of_kind(fleet, FaultKind.GLITCH_ROW):
        told = booked(shown(fault, histories))
        assert 8 <= sum(Flag.GLITCH in step.flags for step in told) <= 24
        assert flags(told) == {Flag.GLITCH}
        kwh = shown(fault, histories).kwh
        assert set(np.round(kwh / np.median(kwh)).tolist()) == {0.0, 1.0, 10.0}


def test_a_fault_spares_the_other_device_of_the_pair(fleet: Fleet, histories: dict[str, History]) -> None:
    for fault in fleet.faults():
        history = histories[fault.vehicle_id]
        other = history.vehicles if fault.device_id == fault.meter_id else history.meters
        assert other.reported.all()
        assert np.diff(other.kwh).min() >= 0
