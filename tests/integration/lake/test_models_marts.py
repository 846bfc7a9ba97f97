"""What operators read: the fleet's day, its spread, its gaps, and the vehicles that stand out."""

from pathlib import Path

import pytest

from tests.integration.lake.hand_made_lake import HandMadeLake, at

RATIOS = {1: 0.92, 2: 0.85, 3: 0.8, 4: 1.02, 5: 0.0}
"""A vehicle each, all of 10 kWh AC."""


@pytest.fixture
def lake(tmp_path: Path) -> HandMadeLake:
    lake = HandMadeLake(tmp_path / "lake")
    lake.pairs(*RATIOS, 6)
    for number, ratio in RATIOS.items():
        lake.energy("meter", number, 8, 10.0)
        lake.energy("vehicle", number, 8, 10.0 * ratio)
    return lake


def build(lake: HandMadeLake, *marts: str) -> None:
    lake.write()
    lake.build_up_to(*marts)


def test_the_fleets_day_is_a_ratio_of_sums_with_what_was_lost(lake: HandMadeLake) -> None:
    build(lake, "daily_fleet_efficiency")
    fleet = lake.row("daily_fleet_efficiency")
    assert (fleet["vehicle_count"], fleet["counted_vehicle_count"]) == (6, 5)
    assert (fleet["ac_kwh"], fleet["dc_kwh"]) == pytest.approx((50.0, 35.9))
    assert fleet["efficiency_ratio"] == pytest.approx(35.9 / 50)
    assert fleet["lost_kwh"] == pytest.approx(14.1)
    # What 8.5, 8 and 0 kWh DC would have taken at 0.90; the others are above it.
    assert fleet["lost_against_target_kwh"] == pytest.approx((10 - 8.5 / 0.9) + (10 - 8 / 0.9) + 10)
    assert fleet["lost_against_threshold_kwh"] == pytest.approx((10 - 8 / 0.85) + 10)
    counts = [fleet[f"{status}_count"] for status in ("ok", "below_threshold", "dc_exceeds_ac", "no_readings", "no_ac")]
    assert counts == [2, 2, 1, 1, 0]


def test_who_only_stood_by_is_counted_apart_and_lost_nothing_against_the_threshold(lake: HandMadeLake) -> None:
    lake.pairs(7, 8)
    for number, ac_kwh, dc_kwh in ((7, 0.15, 0.0), (8, 1.5, 1.45)):
        lake.energy("meter", number, 8, ac_kwh)
        lake.energy("vehicle", number, 8, dc_kwh)
    build(lake, "low_efficiency_days", "daily_fleet_efficiency", "efficiency_distribution")
    fleet = lake.row("daily_fleet_efficiency")
    assert (fleet["low_energy_count"], fleet["counted_vehicle_count"]) == (2, 7)
    assert fleet["standby_kwh"] == pytest.approx(0.15 + 0.05)
    assert fleet["lost_against_threshold_kwh"] == pytest.approx((10 - 8 / 0.85) + 10)
    assert fleet["lost_kwh"] == pytest.approx(14.1 + 0.2)
    assert {row["vehicle_id"] for row in lake.rows("low_efficiency_days")} == {3, 5}
    standby = lake.row("daily_vehicle_efficiency", vehicle_id=7)
    assert (standby["efficiency_ratio"], standby["standby_kwh"]) == (0.0, 0.15)
    assert (standby["lost_against_threshold_kwh"], standby["lost_against_target_kwh"]) == (None, None)
    assert lake.row("daily_vehicle_efficiency", vehicle_id=3)["standby_kwh"] is None
    assert lake.failing("daily_vehicle_efficiency", "daily_fleet_efficiency", "efficiency_distribution") == {}


def test_every_bin_is_there_and_a_ratio_on_its_edge_is_in_the_upper_one(lake: HandMadeLake) -> None:
    build(lake, "efficiency_distribution")
    bins = {row["bin"]: row for row in lake.rows("efficiency_distribution")}
    assert list(bins) == list(range(-1, 21))
    assert {number: row["vehicle_count"] for number, row in bins.items() if row["vehicle_count"]} == {
        0: 1,
        16: 1,
        17: 1,
        18: 1,
        20: 1,
    }
    assert (bins[17]["from_ratio"], bins[17]["to_ratio"], bins[17]["ac_kwh"]) == (0.85, 0.9, 10.0)
    assert (bins[-1]["from_ratio"], bins[-1]["to_ratio"]) == (None, 0.0)
    assert (bins[20]["from_ratio"], bins[20]["to_ratio"]) == (1.0, None)


def test_low_efficiency_days_name_the_vehicle_its_meters_and_the_loss(lake: HandMadeLake) -> None:
    build(lake, "low_efficiency_days")
    low = lake.rows("low_efficiency_days")
    assert [(row["vehicle_external_id"], row["meter_external_ids"]) for row in low] == [
        ("vehicle-3", ["meter-3"]),
        ("vehicle-5", ["meter-5"]),
    ]
    assert (low[0]["rule"], low[0]["severity"], low[0]["efficiency_ratio"]) == ("A0", "info", 0.8)
    assert low[0]["lost_against_threshold_kwh"] == pytest.approx(10 - 8 / 0.85)


def test_more_dc_than_ac_is_reported_where_the_rules_found_it_and_not_by_the_day(lake: HandMadeLake) -> None:
    fault = {"rule": "R5", "name": "dc_exceeds_ac", "severity": "warning", "ac_kwh": 70.0, "dc_kwh": 80.0}
    fault |= {"observed": 10.0, "allowed": 6.0, "rule_version": 2}
    lake.add("data_faults", subject="meter 2", state="open", meter_id=2, vehicle_id=2, **fault)
    lake.add("data_faults", subject="meter 3", state="closed", meter_id=3, vehicle_id=3, **fault)
    build(lake, "dc_exceeds_ac")
    (found,) = lake.rows("dc_exceeds_ac")
    assert (found["vehicle_external_id"], found["meter_external_ids"]) == ("vehicle-2", ["meter-2"])
    assert (found["rule_version"], found["surplus_kwh"], found["uncertainty_kwh"]) == (2, 10.0, 6.0)
    assert found["efficiency_ratio"] == pytest.approx(80 / 70)
    assert lake.row("daily_vehicle_efficiency", vehicle_id=4)["status"] == "dc_exceeds_ac", "and is in its day"


def test_a_gap_says_how_long_it_was_and_what_was_booked(lake: HandMadeLake) -> None:
    step = {"device_id": 1, "before_kwh": 100.0, "kwh": 130.0, "energy_kwh": 30.0}
    lake.add("flagged_steps", kind="meter", flag="gap", before_ts=at("01:00"), ts=at("12:30"), **step)
    lake.add("flagged_steps", kind="vehicle", flag="gap", before_ts=at("01:00"), ts=at("01:15"), **step)
    lake.add("flagged_steps", kind="vehicle", flag="reset", before_ts=at("01:00"), ts=at("01:15"), **step)
    build(lake, "reading_gaps")
    meter, vehicle = lake.rows("reading_gaps")
    assert (meter["external_id"], meter["gap_started_at"], meter["gap_ended_at"]) == (
        "meter-1",
        at("01:00"),
        at("12:30"),
    )
    assert (meter["gap_minutes"], meter["missing_reading_count"], meter["energy_kwh"]) == (690.0, 689, 30.0)
    assert (vehicle["external_id"], vehicle["gap_minutes"], vehicle["missing_reading_count"]) == ("vehicle-1", 15.0, 14)


def test_costs_are_energy_at_the_price_that_holds_on_the_day(lake: HandMadeLake) -> None:
    build(lake, "daily_vehicle_costs")
    price = lake.row("tariffs")["price_per_kwh"]
    costs = {row["vehicle_id"]: row for row in lake.rows("daily_vehicle_costs")}
    assert costs.keys() == {*RATIOS, 6}
    third = costs[3]
    assert (third["price_per_kwh"], third["currency"]) == (price, "EUR")
    assert third["ac_cost"] == pytest.approx(10 * price)
    assert third["lost_cost"] == pytest.approx((10 - 8 / 0.9) * price)
    assert (third["standby_cost"], costs[1]["lost_cost"], costs[6]["ac_cost"]) == (None, 0, None)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("2026-02-08", 0.5), ("2026-02-09", 0.7), ("2025-01-01", 0.3)], 0.5),
        ([("2026-02-07", 0.4), ("2025-01-01", 0.3)], 0.4),
        ([("2026-02-09", 0.7)], None),
        ([], None),
    ],
)
def test_a_price_holds_from_its_day_until_the_next_one_begins(
    lake: HandMadeLake, rows: list[tuple[str, float]], expected: float | None
) -> None:
    build(lake, "daily_vehicle_costs")
    values = ", ".join(f"(DATE '{day}', {price}::DOUBLE, 'EUR')" for day, price in rows)
    empty = "SELECT NULL::DATE AS valid_from, NULL::DOUBLE AS price_per_kwh, NULL::VARCHAR AS currency WHERE false"
    lake.change("tariffs", f"FROM (VALUES {values}) AS t (valid_from, price_per_kwh, currency)" if rows else empty)
    lake.build("daily_vehicle_costs")
    assert {row["price_per_kwh"] for row in lake.rows("daily_vehicle_costs")} == {expected}
