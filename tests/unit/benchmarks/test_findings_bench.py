"""The bench of the rules for losses: what is put in, and how it is counted."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from tests.benchmarks.findings.excess import faulty
from tests.benchmarks.findings.figures import Found, Trial, lines, poisson_upper, trial_of_alarms
from tests.benchmarks.findings.injected import Injected, Kind, with_losses
from tests.benchmarks.findings.seasons import VARIANTS, Season

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def session(days: float, **row: object) -> dict[str, object]:
    """Ten kWh of DC from 12.5 of AC within 3 hours, so many days after noon."""
    ended = NOON + timedelta(days=days)
    usual = {
        "kind": "charge",
        "vehicle_id": 1,
        "ac_kwh": 12.5,
        "dc_kwh": 10.0,
        "efficiency_ratio": 0.8,
        "ac_hours": 3.0,
    }
    return {**usual, "started_at": ended - timedelta(hours=3), "ended_at": ended, "ac_resolution_kwh": 0.001, **row}


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    instant = pl.Datetime("us", "UTC")
    return pl.DataFrame(rows, schema_overrides={"vehicle_id": pl.Int32, "started_at": instant, "ended_at": instant})


def test_a_step_takes_its_points_of_the_ac_energy_and_makes_the_charge_longer() -> None:
    rows = with_losses(frame(session(0), session(1)), [Injected(1, Kind.STEP, 3.0, NOON + timedelta(hours=1))])
    assert rows["ac_kwh"].to_list() == [12.5, 12.987]  # 10 / 0.77
    assert rows["ac_hours"].to_list() == pytest.approx([3.0, 3 * 0.80 / 0.77])
    assert rows["true_excess_kwh"].to_list() == pytest.approx([0.0, 10 / 0.77 - 12.5])
    assert rows["efficiency_ratio"].to_list() == pytest.approx([0.8, 0.77])


def test_a_drift_grows_by_the_month_until_twelve_points() -> None:
    rows = with_losses(frame(session(30), session(900)), [Injected(1, Kind.DRIFT, 2.0, NOON)])
    assert rows["efficiency_ratio"].to_list() == pytest.approx([0.78, 0.68])


def test_others_stay_as_they_are() -> None:
    rows = with_losses(frame(session(1, vehicle_id=2)), [Injected(1, Kind.STEP, 8.0, NOON)])
    assert rows["ac_kwh"].to_list() == [12.5]


def test_an_alarm_is_false_before_a_loss_and_where_there_is_none() -> None:
    losses = [Injected(1, Kind.STEP, 5.0, NOON)]
    sessions = frame(*(session(day, is_qualified=True) for day in (-1, 1, 2)))
    alarms = pl.DataFrame(
        [(1, NOON - timedelta(days=1)), (1, NOON + timedelta(days=2)), (7, NOON)],
        ["vehicle_id", "alarm_at"],
        orient="row",
    )
    trial = trial_of_alarms("A0", alarms, sessions, losses, 1.0)
    assert (trial.alarms, trial.false) == (3, 2)
    assert trial.found == [Found(losses[0], 2.0, 2)]


def test_a_line_says_what_was_found_and_how_often_it_was_wrong() -> None:
    loss = Injected(1, Kind.STEP, 5.0, NOON)
    found = [Found(loss, 4.0, 3, 1.0, 0.1, is_in_interval=True), Found(loss, None, None)]
    of_size, of_all = lines([Trial("R1", found, 4, 1, 50.0)])
    assert (of_size["recall"], of_size["delay_sessions"], of_size["kwh_within_25_percent"]) == (0.5, 3, 1.0)
    assert (of_all["precision"], of_all["false_per_100_years"]) == (0.75, 2.0)
    assert of_all["upper_95"] == pytest.approx(2 * 5.57, rel=1e-2)


@pytest.mark.parametrize(("count", "upper"), [(0, 3.689), (1, 5.572), (6, 13.059), (100, 121.63)])
def test_the_upper_bound_is_that_of_the_exact_interval(count: int, upper: float) -> None:
    assert poisson_upper(count) == pytest.approx(upper, abs=0.005)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_small_fleet_goes_through_every_rule(variant: str) -> None:
    trials = faulty(Season("spring", date(2026, 3, 1), 62), 1, 7, VARIANTS[variant])
    assert [trial.rule for trial in trials] == ["R1", "A0", "7 below"]
    assert [len(trial.found) for trial in trials] == [2, 2, 2]
    assert trials[1].alarms > 0
