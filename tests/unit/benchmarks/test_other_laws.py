"""The second simulator of the bench for losses: each law does what it says, and nothing else."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.benchmarks.findings.laws import MODELS, Law, remembered
from tests.benchmarks.findings.other_laws import FLEETS, LIMITS, faulty
from tests.benchmarks.findings.other_sessions import other_sessions
from tests.benchmarks.findings.seasons import YEAR, Season
from warehouse.losses.panel import Floats
from warehouse.losses.sample import fleet_temperatures, sample

PAIRS = 60
WINTER, SUMMER = (1, 2, 12), (6, 7, 8)
OF_A_SESSION = ("vehicle_id", "started_at")


@pytest.fixture(scope="module")
def plain() -> pl.DataFrame:
    return other_sessions(YEAR, 8, PAIRS, frozenset())


def beside(plain: pl.DataFrame, law: Law) -> pl.DataFrame:
    """The same sessions where a law holds, suffix _law."""
    other = other_sessions(YEAR, 8, PAIRS, {law})
    both = plain.join(other, on=OF_A_SESSION, suffix="_law")
    assert both.height >= 0.99 * plain.height
    return both.with_columns(month=pl.col("started_at").dt.month())


def column(frame: pl.DataFrame, of: str | pl.Expr) -> Floats:
    return frame.select(of).to_series().cast(pl.Float64).to_numpy()


def points_less(both: pl.DataFrame) -> Floats:
    return column(both, 100 * (pl.col("efficiency_ratio") - pl.col("efficiency_ratio_law")))


def test_a_plain_fleet_charges_two_and_a_half_to_seven_times_a_week_and_loses_what_was_measured(
    plain: pl.DataFrame,
) -> None:
    a_week = column(plain.group_by("vehicle_id").len(), "len") / 365 * 7
    assert a_week.min() > 2
    assert a_week.max() < 7.5
    warm = plain.filter(pl.col("started_at").dt.month().is_in(SUMMER), pl.col("is_qualified"))
    of_pairs = warm.group_by("vehicle_id").agg(pl.col("efficiency_ratio").median(), pl.col("ac_mean_kw").median())
    assert of_pairs.filter(pl.col("ac_mean_kw") > 8)["efficiency_ratio"].is_between(0.86, 0.95).all()
    assert of_pairs.filter(pl.col("ac_mean_kw") < 5)["efficiency_ratio"].is_between(0.78, 0.93).all()
    assert sample(plain, fleet_temperatures(plain)).height == plain.filter("is_qualified").height


def test_heaters_take_energy_where_batteries_are_cold(plain: pl.DataFrame) -> None:
    both = beside(plain, Law.HEATERS)
    less, is_large = points_less(both), column(both, "dc_kwh") > 8
    is_summer, is_winter = (both["month"].is_in(months).to_numpy() for months in (SUMMER, WINTER))
    assert np.abs(less[is_summer & is_large]).max() < 0.2, "a tick of the register falls elsewhere"
    assert 0.02 * both.height < (is_winter & (less > 0.5)).sum() < 0.2 * both.height
    assert both.filter(pl.Series(less > 0.5))["vehicle_id"].n_unique() < PAIRS * 3 / MODELS


def test_trips_are_short_in_winter_only(plain: pl.DataFrame) -> None:
    both = beside(plain, Law.WINTER_TRIPS)
    shorter = both.group_by("month").agg(ratio=pl.col("dc_kwh_law").sum() / pl.col("dc_kwh").sum()).sort("month")
    assert shorter["ratio"][0] == pytest.approx(0.6, abs=0.03)
    assert shorter["ratio"][6] == pytest.approx(1.0, abs=0.02)


def test_wear_is_below_half_a_point_a_year_and_an_update_below_three_tenths(plain: pl.DataFrame) -> None:
    worn = beside(plain, Law.WEAR).filter(pl.col("ac_resolution_kwh") < 0.1, pl.col("dc_kwh") > 8)
    less = points_less(worn)
    days = column(worn, (pl.col("started_at").dt.date() - pl.lit(YEAR.first)).dt.total_days())
    assert np.abs(less[days < 30]).mean() < 0.05
    assert 0.15 < less[days > 335].mean() < 0.35
    assert less.max() < 0.65
    updated = beside(plain, Law.FIRMWARE).filter(pl.col("dc_kwh") > 8)
    assert 0.1 < np.abs(points_less(updated)).max() < 0.75


def test_a_tenth_of_the_meters_shows_steps_of_100_wh(plain: pl.DataFrame) -> None:
    both = beside(plain, Law.COARSE_METERS)
    coarse = both.filter(pl.col("ac_resolution_kwh_law") == 0.1)
    assert 1 <= coarse["vehicle_id"].n_unique() <= 15
    shown = column(coarse, "ac_kwh_law")
    np.testing.assert_allclose(shown, shown.round(1), atol=1e-6)
    np.testing.assert_allclose(shown, column(coarse, "ac_kwh"), atol=0.1 + 0.011)
    finer = both.filter(pl.col("ac_resolution_kwh_law") < 0.1)
    assert finer["ac_kwh_law"].equals(finer["ac_kwh"])


@pytest.mark.parametrize(
    ("law", "changed"),
    [
        (Law.SENSORS, "mean_battery_temp_celsius"),
        (Law.LOAD_MANAGED, "ac_hours"),
        (Law.TWO_TARGETS, "ac_hours"),
        (Law.CURVED_COLD, "ac_kwh"),
        (Law.CURVED_POWER, "ac_kwh"),
        (Law.SLOW_NOISE, "ac_kwh"),
        (Law.HEAVY_TAILS, "ac_kwh"),
    ],
)
def test_a_law_changes_its_own_column_and_not_what_reaches_the_battery(
    plain: pl.DataFrame, law: Law, changed: str
) -> None:
    both = beside(plain, law)
    assert not both[f"{changed}_law"].equals(both[changed])
    if law is not Law.LOAD_MANAGED:  # a car that charges slowly is unplugged before
        np.testing.assert_allclose(column(both, "dc_kwh_law"), column(both, "dc_kwh"), atol=1e-6)


def test_slow_noise_is_remembered_for_as_long_as_it_is_told() -> None:
    values = remembered(np.random.default_rng(1), (200, 400), np.full(200, 20.0))
    products = (values[:, 200:] * values[:, 180:-20]).mean() / (values**2).mean()
    assert products == pytest.approx(np.exp(-1), abs=0.06)
    assert values.std() == pytest.approx(1.0, abs=0.05)


@pytest.mark.long
def test_a_small_fleet_of_all_laws_is_tried_with_all_limits() -> None:
    trials = faulty([1], [Season("spring", date(2026, 3, 1), 62)], 7)
    assert trials.keys() == LIMITS.keys()
    assert [len(each.found) for (each,) in trials.values()] == [2, 2, 2]
    assert list(FLEETS)[1:-1] == [law.value for law in Law]
