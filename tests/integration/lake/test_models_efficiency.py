"""The efficiency models on days small enough to be worked by hand."""

from pathlib import Path

import pytest

from tests.integration.lake.hand_made_lake import HandMadeLake, at

DAILY, HOURLY, FLEET = "daily_vehicle_efficiency", "hourly_vehicle_efficiency", "daily_fleet_efficiency"


@pytest.fixture
def lake(tmp_path: Path) -> HandMadeLake:
    return HandMadeLake(tmp_path / "lake")


def build(lake: HandMadeLake) -> None:
    lake.write()
    lake.build_up_to(FLEET)


def test_the_day_is_a_ratio_of_sums_and_not_a_mean_of_ratios(lake: HandMadeLake) -> None:
    lake.pairs(1)
    for hour, ac_kwh, dc_kwh in ((8, 10.0, 9.0), (9, 0.5, 0.3)):
        lake.energy("meter", 1, hour, ac_kwh)
        lake.energy("vehicle", 1, hour, dc_kwh)
    build(lake)
    day = lake.row(DAILY, vehicle_id=1)
    assert day["efficiency_ratio"] == pytest.approx(9.3 / 10.5)
    assert (day["shown_ratio"], day["status"]) == (0.8857, "ok")
    assert [row["efficiency_ratio"] for row in lake.rows(HOURLY) if row["ac_kwh"]] == pytest.approx([0.9, 0.6])


def test_a_mapping_that_changes_at_half_past_twelve_parts_the_hour(lake: HandMadeLake) -> None:
    change = at("12:30")
    lake.device("vehicle", 1)
    lake.device("meter", 1)
    lake.device("meter", 2)
    lake.map(1, 1, until=change)
    lake.map(1, 2, since=change)
    lake.energy("meter", 1, 12, 3.0, reading_count=30)
    lake.energy("meter", 1, 12, 1.5, segment_from=change, reading_count=30)
    lake.energy("meter", 2, 12, 2.0, reading_count=30)
    lake.energy("meter", 2, 12, 4.0, segment_from=change, reading_count=30)
    lake.energy("vehicle", 1, 12, 2.7, reading_count=30)
    lake.energy("vehicle", 1, 12, 3.2, segment_from=change, reading_count=30)
    build(lake)
    noon = lake.row(HOURLY, vehicle_id=1, hour=at("12:00"))
    assert (noon["ac_kwh"], noon["dc_kwh"]) == pytest.approx((7.0, 5.9))
    assert noon["efficiency_ratio"] == pytest.approx(5.9 / 7.0)
    assert (noon["is_shared"], noon["partly_mapped"], noon["mapped_s"]) == (False, False, 3600.0)
    assert (noon["ac_reading_count"], noon["ac_coverage_ratio"]) == (60, 1.0)
    day = lake.row(DAILY, vehicle_id=1)
    assert day["meter_external_ids"] == ["meter-1", "meter-2"]
    assert (day["partly_mapped"], day["mapped_hours"]) == (False, 24.0)
    fleet = lake.row(FLEET)
    assert (fleet["metered_ac_kwh"], fleet["unmapped_ac_kwh"], fleet["unmapped_dc_kwh"]) == pytest.approx(
        (10.5, 3.5, 0)
    )


def test_two_vehicles_on_one_meter_at_one_time_have_no_ratio(lake: HandMadeLake) -> None:
    lake.pairs(1)
    lake.device("vehicle", 2)
    lake.map(2, 1, since=at("10:15"), until=at("10:45"))
    for hour in (9, 10):
        lake.energy("meter", 1, hour, 10.0)
        lake.energy("vehicle", 1, hour, 9.0)
    lake.energy("meter", 1, 10, 2.0, segment_from=at("10:15"))
    lake.energy("vehicle", 2, 10, 1.8, segment_from=at("10:15"))
    build(lake)
    hours = {row["hour"].hour: row for row in lake.rows(HOURLY) if row["vehicle_id"] == 1}
    assert (hours[9]["is_shared"], hours[9]["efficiency_ratio"]) == (False, 0.9)
    assert (hours[10]["is_shared"], hours[10]["efficiency_ratio"], hours[10]["ac_kwh"]) == (True, None, 12.0)
    days = {row["vehicle_id"]: row for row in lake.rows(DAILY)}
    assert [(days[each]["status"], days[each]["efficiency_ratio"]) for each in (1, 2)] == [("shared_meter", None)] * 2
    assert (days[1]["ac_kwh"], days[2]["ac_kwh"]) == (22.0, 2.0)
    fleet = lake.row(FLEET)
    assert (fleet["metered_ac_kwh"], fleet["counted_vehicle_count"], fleet["ac_kwh"]) == (22.0, 0, None)


def test_one_vehicle_after_the_other_shares_nothing(lake: HandMadeLake) -> None:
    lake.device("meter", 1)
    for number in (1, 2):
        lake.device("vehicle", number)
    lake.map(1, 1, until=at("12:30"))
    lake.map(2, 1, since=at("12:30"))
    lake.energy("meter", 1, 12, 2.0)
    lake.energy("meter", 1, 12, 3.0, segment_from=at("12:30"))
    lake.energy("vehicle", 1, 12, 1.8)
    lake.energy("vehicle", 2, 12, 2.7, segment_from=at("12:30"))
    build(lake)
    noon = {row["vehicle_id"]: row for row in lake.rows(HOURLY) if row["hour"] == at("12:00")}
    assert (noon[1]["ac_kwh"], noon[2]["ac_kwh"]) == (2.0, 3.0)
    assert [(noon[each]["is_shared"], noon[each]["partly_mapped"]) for each in (1, 2)] == [(False, True)] * 2
    assert (noon[1]["mapped_s"], noon[2]["mapped_s"]) == (1800.0, 1800.0)
    assert [row["status"] for row in lake.rows(DAILY)] == ["ok", "ok"]


def test_where_no_mapping_holds_neither_side_counts(lake: HandMadeLake) -> None:
    lake.device("vehicle", 1)
    lake.device("meter", 1)
    lake.map(1, 1, since=at("06:30"), until=at("18:00"))
    lake.energy("meter", 1, 5, 5.0)
    lake.energy("vehicle", 1, 5, 4.0)
    lake.energy("meter", 1, 7, 10.0, segment_from=at("06:30"))
    lake.energy("vehicle", 1, 7, 9.0, segment_from=at("06:30"))
    lake.energy("vehicle", 1, 18, 1.0, segment_from=at("18:00"))
    build(lake)
    hours = lake.rows(HOURLY)
    assert [row["hour"].hour for row in hours] == list(range(6, 18))
    assert [(row["partly_mapped"], row["mapped_s"]) for row in hours[:2]] == [(True, 1800.0), (False, 3600.0)]
    day = lake.row(DAILY, vehicle_id=1)
    assert (day["ac_kwh"], day["dc_kwh"], day["efficiency_ratio"]) == (10.0, 9.0, 0.9)
    assert (day["partly_mapped"], day["mapped_hours"], day["status"]) == (True, 11.5, "ok")
    fleet = lake.row(FLEET)
    assert (fleet["unmapped_ac_kwh"], fleet["unmapped_dc_kwh"]) == (5.0, 5.0)


def test_a_vehicle_that_was_never_mapped_has_no_row(lake: HandMadeLake) -> None:
    lake.device("vehicle", 1)
    lake.energy("vehicle", 1, 5, 4.0)
    build(lake)
    assert lake.rows(HOURLY) == lake.rows(DAILY) == []
    assert lake.row(FLEET)["unmapped_dc_kwh"] == 4.0


def test_a_mapped_vehicle_that_is_silent_is_reported_as_silent(lake: HandMadeLake) -> None:
    lake.pairs(1)
    build(lake)
    hours = lake.rows(HOURLY)
    assert len(hours) == 24
    assert {(row["ac_kwh"], row["dc_kwh"], row["efficiency_ratio"], row["dc_coverage_ratio"]) for row in hours} == {
        (None, None, None, 0.0)
    }
    day = lake.row(DAILY, vehicle_id=1)
    assert (day["status"], day["ac_kwh"], day["dc_kwh"], day["ac_coverage_ratio"]) == ("no_readings", None, None, 0.0)
    assert lake.row(FLEET)["no_readings_count"] == 1


RATED = [
    (None, 4.0, "no_readings", None),
    (4.0, None, "no_readings", None),
    (0.0, 0.0, "no_ac", None),
    (0.0, 0.5, "no_ac", None),
    (-0.1, 0.5, "no_ac", None),
    (20.0, 17.0, "ok", 0.85),
    (20.0, 16.999, "below_threshold", 0.8499),
    (20.0, 20.0005, "ok", 1.0),
    (20.0, 20.002, "dc_exceeds_ac", 1.0001),
    (10.0, -0.5, "below_threshold", -0.05),
    (1.999, 1.999, "low_energy", 1.0),
    (0.15, 0.0, "low_energy", 0.0),
    (1.5, -0.1, "low_energy", -0.0667),
    (1.0, 1.5, "dc_exceeds_ac", 1.5),
    (2.0, 1.0, "below_threshold", 0.5),
    (1.0, 2.0, "dc_exceeds_ac", 2.0),
]
"""AC and DC of a vehicle's day, and what follows."""


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> HandMadeLake:
    """A day with a pair for each of them, the first called 1."""
    lake = HandMadeLake(tmp_path_factory.mktemp("rated") / "lake")
    for number, (ac_kwh, dc_kwh, _, _) in enumerate(RATED, start=1):
        lake.pairs(number)
        for kind, kwh in (("meter", ac_kwh), ("vehicle", dc_kwh)):
            if kwh is not None:
                lake.energy(kind, number, 8, kwh, dip_count=int(kwh < 0))
    build(lake)
    return lake


@pytest.mark.parametrize(
    ("number", "case"), list(enumerate(RATED, start=1)), ids=[f"{ac}-{dc}" for ac, dc, _, _ in RATED]
)
def test_status_is_the_first_that_applies_and_rates_the_ratio_that_is_shown(
    rated: HandMadeLake, number: int, case: tuple[float | None, float | None, str, float | None]
) -> None:
    ac_kwh, dc_kwh, status, ratio = case
    day = rated.row(DAILY, vehicle_id=number)
    assert (day["status"], day["shown_ratio"]) == (status, ratio)
    assert (day["efficiency_ratio"] is None) == (ratio is None)
    assert (day["ac_kwh"], day["dc_kwh"]) == (ac_kwh, dc_kwh)


def test_coverage_counts_the_interval_that_each_device_has(lake: HandMadeLake) -> None:
    lake.device("vehicle", 1, expected_interval_s=60)
    lake.device("meter", 1, expected_interval_s=900)
    lake.map(1, 1)
    for hour in range(24):
        lake.energy("meter", 1, hour, 1.0, reading_count=5 if hour == 0 else 4)
        lake.energy("vehicle", 1, hour, 0.9, reading_count=30)
    build(lake)
    first = lake.row(HOURLY, vehicle_id=1, hour=at("00:00"))
    assert (first["ac_coverage_ratio"], first["dc_coverage_ratio"], first["ac_covered_s"]) == (1.0, 0.5, 4500.0)
    day = lake.row(DAILY, vehicle_id=1)
    assert (day["ac_coverage_ratio"], day["dc_coverage_ratio"]) == (1.0, 0.5)
    assert (day["ac_reading_count"], day["dc_reading_count"]) == (97, 720)


def test_temperatures_are_weighed_by_their_readings_and_flags_are_counted_for_ac_and_dc(lake: HandMadeLake) -> None:
    lake.pairs(1)
    lake.energy("meter", 1, 8, 1.0, gap_count=1, reset_count=2)
    lake.energy("vehicle", 1, 8, 0.9, gap_count=1, battery_temp_celsius_sum=30.0 * 10, battery_temp_count=10)
    lake.energy("vehicle", 1, 9, 0.9, dip_count=1, battery_temp_celsius_sum=20.0 * 30, battery_temp_count=30)
    build(lake)
    assert lake.row(HOURLY, hour=at("08:00"))["mean_battery_temp_celsius"] == 30.0
    assert lake.row(HOURLY, hour=at("10:00"))["mean_battery_temp_celsius"] is None
    day = lake.row(DAILY, vehicle_id=1)
    assert day["mean_battery_temp_celsius"] == pytest.approx(22.5)
    assert (day["gap_count"], day["reset_count"], day["dip_count"], day["glitch_count"]) == (2, 2, 1, 0)


def test_a_day_without_anything_has_one_row_for_the_fleet_and_bins_of_nobody(lake: HandMadeLake) -> None:
    lake.write()
    lake.build()
    for dataset in (HOURLY, DAILY, "reading_gaps", "low_efficiency_days", "dc_exceeds_ac"):
        assert lake.rows(dataset) == []
    fleet = lake.row(FLEET)
    assert (fleet["vehicle_count"], fleet["metered_ac_kwh"], fleet["efficiency_ratio"]) == (0, 0.0, None)
    assert [row["vehicle_count"] for row in lake.rows("efficiency_distribution")] == [0] * 22
    assert lake.failing() == {}
