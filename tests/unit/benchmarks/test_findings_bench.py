"""The bench of the rules for losses: what is put in, and how it is counted."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.benchmarks.findings.end_to_end import drawn, parts, tried
from tests.benchmarks.findings.excess import faulty
from tests.benchmarks.findings.figures import Found, Trial, lines, poisson_upper, trial_of_alarms
from tests.benchmarks.findings.from_registers import kept_registers
from tests.benchmarks.findings.injected import Injected, Kind, with_losses
from tests.benchmarks.findings.rebuild import measure as rebuilt
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


DAYS_OF_MARCH = Season("march", date(2026, 3, 10), 3)


def test_registers_that_are_read_each_five_minutes_give_the_true_sessions_too(tmp_path: Path) -> None:
    afflicted = drawn(DAYS_OF_MARCH, 1, 7)
    charges = pl.col("kind") == "charge"
    true_kwh = afflicted.truth.filter(charges)["ac_kwh"].sum()
    for minutes in (1, 5):
        found = kept_registers(afflicted.fleet, DAYS_OF_MARCH, 1, minutes, tmp_path)
        assert found.sessions.filter(charges)["ac_kwh"].sum() == pytest.approx(true_kwh, rel=0.02)
        again = kept_registers(afflicted.fleet, DAYS_OF_MARCH, 1, minutes, tmp_path)
        assert again.sessions.equals(found.sessions)
        assert again.faults.equals(found.faults)
    assert len(list(tmp_path.iterdir())) == 4


def test_of_a_fleet_from_registers_is_known_who_loses_and_who_cannot_be_judged() -> None:
    season = Season("autumn", date(2026, 9, 1))
    afflicted = drawn(season, 11, 100)
    losing = {each.vehicle_id for each in afflicted.losses}
    assert len(afflicted.losses) + len(afflicted.not_judged) >= 30
    assert not losing & afflicted.not_judged
    rows = afflicted.truth.filter(pl.col("vehicle_id").is_in(sorted(losing)))
    first = min(each.since for each in afflicted.losses)
    assert rows.filter(pl.col("ended_at") < first)["true_excess_kwh"].sum() == 0
    of_first = min(afflicted.losses, key=lambda each: each.since)
    since = rows.filter(pl.col("vehicle_id") == of_first.vehicle_id, pl.col("started_at") >= of_first.since)
    charges = since.filter(pl.col("kind") == "charge")
    assert charges["lost_points"].to_list() == pytest.approx([of_first.points] * charges.height)
    healthy = pl.col("ac_kwh") - pl.col("true_excess_kwh")
    ratios = charges.select(pl.col("dc_kwh") / healthy - pl.col("efficiency_ratio")).to_series()
    assert ratios.median() == pytest.approx(of_first.points / 100, abs=0.01)
    assert parts(afflicted.fleet, of_first)


@pytest.mark.long
def test_a_fleet_of_few_days_goes_from_readings_to_findings() -> None:
    of_fleet = list(tried(drawn(DAYS_OF_MARCH, 1, 7), DAYS_OF_MARCH, 1, None))
    assert [each.readings for each in of_fleet] == ["true sessions", "each 1 min", "each 5 min"]
    for _, trial, withdrawn in of_fleet:
        assert withdrawn == 0
        assert (len(trial.found), trial.false) == (2, 0), "nothing can be found within three days"
        assert trial.healthy_years == pytest.approx(7 * 3 / 365)


@pytest.mark.long
def test_days_of_a_small_fleet_are_made_again_one_after_the_other() -> None:
    (line,) = rebuilt(5, 1, days=30)
    assert (line["pairs"], line["days"], line["open_at_the_end"]) == (5, 30, 0)
