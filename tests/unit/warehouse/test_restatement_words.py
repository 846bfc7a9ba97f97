"""What is said of a restatement, in one line."""

from datetime import date

import pytest

from warehouse.lifecycle.restatement_words import headline, named, old_and_new, readings_words, rebuilt_words
from warehouse.postgres.ledger.restatements import RestatedSum

FLEET, WEEK = "daily_fleet_efficiency", "weekly_vehicle_losses"


def restated(dataset: str, measure: str, old: float | None = 1.0, new: float | None = 2.0) -> RestatedSum:
    return RestatedSum(dataset, 2, measure, old, new, 5)


def test_a_line_says_day_release_reason_and_number() -> None:
    number = headline([restated(FLEET, "lost_against_target_kwh", 0.535, 2.035)])
    summary = f"{readings_words(1, 0, ['meter-00010'], 1)}; {number}"
    assert (
        rebuilt_words(date(2026, 11, 28), 2, summary)
        == "2026-11-28 rebuilt (v2): 1 late reading of meter-00010; lost_against_target_kwh 0.535 -> 2.035"
    )


@pytest.mark.parametrize(
    ("names", "count", "expected"),
    [
        (["a"], 1, "a"),
        (["a", "b"], 2, "a and b"),
        (["a", "b", "c"], 3, "a, b and c"),
        (["a", "b", "c", "d"], 4, "a, b, c and 1 more"),
        (["a", "b", "c", "d"], 1_234, "a, b, c and 1,231 more"),
    ],
)
def test_a_few_are_named_and_the_rest_are_counted(names: list[str], count: int, expected: str) -> None:
    assert named(names, count) == expected


@pytest.mark.parametrize(
    ("added", "imported", "expected"),
    [
        (1, 0, "1 late reading of m"),
        (1_440, 1_440, "1,440 imported readings of m"),
        (3, 1, "2 late and 1 imported reading of m"),
    ],
)
def test_late_readings_and_imported_ones(added: int, imported: int, expected: str) -> None:
    assert readings_words(added, imported, ["m"], 1) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (0.535, 2.035, "0.535 -> 2.035"),
        (1234.5, 1234.6, "1,234.500 -> 1,234.600"),
        (3.0, 4.0, "3 -> 4"),
        (0.0, 1.1, "0.000 -> 1.100"),
        (0.12345, 0.12346, "0.12345 -> 0.12346"),
        (None, 2.5, "none -> 2.500"),
        (2.0, None, "2 -> none"),
    ],
)
def test_numbers_can_be_told_apart(old: float | None, new: float | None, expected: str) -> None:
    assert old_and_new(old, new) == expected


def test_the_fleets_loss_comes_first_then_its_energy() -> None:
    week = restated(WEEK, "ac_kwh")
    metered, lost = restated(FLEET, "metered_ac_kwh"), restated(FLEET, "lost_against_target_kwh")
    assert headline([restated(FLEET, "rows"), metered, lost, week]) == "lost_against_target_kwh 1 -> 2"
    assert headline([restated(FLEET, "rows"), metered, week]) == "metered_ac_kwh 1 -> 2"


def test_where_the_fleets_day_is_what_it_was_the_last_dataset_is_named() -> None:
    sums = [
        restated("hourly_energy", "energy_kwh"),
        restated(WEEK, "rows"),
        restated(WEEK, "ac_kwh"),
        restated(WEEK, "dc_kwh"),
    ]
    assert headline(sums) == "weekly_vehicle_losses.ac_kwh 1 -> 2"


def test_where_no_sum_changed_rows_are_counted() -> None:
    assert headline([restated("vehicle_trend_28_days", "rows")]) == "5 rows of vehicle_trend_28_days"
