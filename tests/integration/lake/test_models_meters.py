"""What a meter's charging was worth: all of its vehicles together, each kWh of AC once."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.lake.hand_made_lake import HandMadeLake, at

METERS, VEHICLES = "daily_meter_efficiency", "daily_vehicle_efficiency"


@pytest.fixture
def lake(tmp_path: Path) -> HandMadeLake:
    return HandMadeLake(tmp_path / "lake")


def build(lake: HandMadeLake) -> dict[int, dict[str, Any]]:
    """The day's meters by id, whose checks hold."""
    lake.write()
    lake.build_up_to(METERS)
    assert lake.failing(METERS) == {}
    return {row["meter_id"]: row for row in lake.rows(METERS)}


def test_a_meter_of_one_vehicle_is_rated_as_that_vehicle(lake: HandMadeLake) -> None:
    lake.pairs(1, 2, 3)
    for number, ac_kwh, dc_kwh in ((1, 10.0, 9.2), (2, 10.0, 8.0), (3, 0.5, 0.1)):
        for kind, kwh in (("meter", ac_kwh), ("vehicle", dc_kwh)):
            lake.energy(kind, number, 8, kwh, dip_count=1)
    meters = build(lake)
    for number, meter in meters.items():
        vehicle = lake.row(VEHICLES, vehicle_id=number)
        assert meter["vehicle_external_ids"] == [f"vehicle-{number}"]
        same = meter.keys() & vehicle.keys() - {"meter_external_ids", "ac_coverage_ratio", "dc_coverage_ratio"}
        assert len(same) == 22
        assert {name: meter[name] for name in same} == {name: vehicle[name] for name in same}
    assert [meters[number]["status"] for number in (1, 2, 3)] == ["ok", "below_threshold", "low_energy"]


def test_a_meter_that_two_vehicles_shared_has_the_ratio_that_neither_has(lake: HandMadeLake) -> None:
    lake.pairs(1)
    lake.device("vehicle", 2)
    lake.map(2, 1, since=at("10:15"), until=at("10:45"))
    for hour in (9, 10):
        lake.energy("meter", 1, hour, 10.0)
        lake.energy("vehicle", 1, hour, 9.0)
    lake.energy("meter", 1, 10, 2.0, segment_from=at("10:15"))
    lake.energy("vehicle", 2, 10, 1.7, segment_from=at("10:15"))
    (meter,) = build(lake).values()
    assert {row["status"] for row in lake.rows(VEHICLES)} == {"shared_meter"}
    assert meter["vehicle_external_ids"] == ["vehicle-1", "vehicle-2"]
    assert (meter["ac_kwh"], meter["dc_kwh"]) == pytest.approx((22.0, 19.7))
    assert meter["efficiency_ratio"] == pytest.approx(19.7 / 22)
    assert (meter["status"], meter["is_shared"]) == ("ok", True)
    assert meter["lost_against_target_kwh"] == pytest.approx(22 - 19.7 / 0.9)
    assert (meter["mapped_hours"], meter["partly_mapped"]) == (24.0, False)
    # AC: three rows of 60 minutes in 24 hours; DC: as many, in 24 hours of one vehicle and half an hour of the other.
    assert meter["ac_coverage_ratio"] == pytest.approx(3 / 24)
    assert meter["dc_coverage_ratio"] == pytest.approx(3 / 24.5)


def test_vehicles_one_after_the_other_share_nothing(lake: HandMadeLake) -> None:
    lake.device("meter", 1)
    for number, since, until, segment in ((1, "06:00", "08:00", "06:00"), (2, "08:00", "12:00", "08:00")):
        lake.device("vehicle", number)
        lake.map(number, 1, since=at(since), until=at(until))
        lake.energy("vehicle", number, int(segment[:2]), 4.5, segment_from=at(segment))
        lake.energy("meter", 1, int(segment[:2]), 5.0, segment_from=at(segment))
    lake.energy("meter", 1, 13, 7.0, segment_from=at("12:00"))
    lake.energy("vehicle", 2, 13, 3.0, segment_from=at("12:00"))
    (meter,) = build(lake).values()
    assert (meter["ac_kwh"], meter["dc_kwh"]) == (10.0, 9.0)  # what flowed while no vehicle was mapped is not its own
    assert (meter["is_shared"], meter["partly_mapped"], meter["mapped_hours"]) == (False, True, 6.0)
    assert meter["dc_coverage_ratio"] == pytest.approx(2 / 6)


def test_a_meter_has_no_ratio_without_ac_or_without_readings(lake: HandMadeLake) -> None:
    lake.pairs(1, 2, 3)
    lake.device("meter", 4)
    lake.energy("meter", 4, 8, 3.0)
    lake.energy("meter", 1, 8, 0.0)
    lake.energy("vehicle", 1, 8, 3.0)
    lake.energy("meter", 2, 8, 3.0)
    meters = build(lake)
    assert {number: (row["status"], row["efficiency_ratio"]) for number, row in meters.items()} == {
        1: ("no_ac", None),
        2: ("no_readings", None),
        3: ("no_readings", None),
    }
    assert (meters[3]["ac_kwh"], meters[3]["ac_reading_count"], meters[3]["ac_coverage_ratio"]) == (None, 0, 0.0)


def test_the_edges_of_one_vehicle_decide_for_its_meter(lake: HandMadeLake) -> None:
    lake.pairs(1)
    for kind, kwh in (("meter", 20.0), ("vehicle", 10.0)):
        lake.add("device_last", kind=kind, device_id=1, ts=at("08:59"), kwh=kwh)
    lake.energy("meter", 1, 8, 20.0, first_step_at=at("00:00").replace(day=7))
    lake.energy("vehicle", 1, 8, 10.0, first_step_at=at("07:59"))
    (meter,) = build(lake).values()
    assert (meter["status"], meter["coarse_edge"], meter["lost_against_target_kwh"]) == ("below_threshold", True, None)
