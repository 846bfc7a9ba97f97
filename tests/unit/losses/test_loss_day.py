"""The losses of days that are made one after the other, out of order, again, and with days missing."""

from datetime import date, timedelta
from random import Random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.unit.losses.drawn import FIRST, noisy, rows_of
from tests.unit.losses.made_days import DEVICES, FAULTS, MadeDays, sessions_of
from warehouse.contract.energy import DeviceSettings
from warehouse.contract.partitions import midnight
from warehouse.losses.panel import Floats
from warehouse.losses.sample import SAMPLE
from warehouse.losses.schemas import (
    CHARGER_SCORES,
    COMMON_MODES,
    FIRST_DAY_VERDICTS,
    FLEET_FITS,
    LOSS_FINDINGS,
    REGISTER_VERDICTS,
    SITE_VERDICTS,
)


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


DAYS = [day_of(number) for number in range(30)]
CHANGED = 20
"""From this day on a charger that changes loses six points more."""


def losing(seed: int, count: int, since: int, until: int | None = None) -> Floats:
    losses = noisy(seed, count)
    losses[since:until] += 0.06
    return losses


def fleet(pairs: int = 6, days: int = 30) -> pl.DataFrame:
    """Of pair 1 the charger changes; pair 2 has no sensor."""
    losses = [losing(each, days, CHANGED) if each == 1 else noisy(each, days) for each in range(pairs)]
    rows = [rows_of(number, each, celsius=12.0) for number, each in enumerate(losses)]
    no_sensor = pl.when(pl.col("vehicle_id") == 2).then(None).otherwise("battery_celsius")
    return pl.concat(rows).with_columns(battery_celsius=no_sensor)


@pytest.fixture(scope="module")
def in_order() -> MadeDays:
    """Days of the fleet that were made once each, in order."""
    days = MadeDays(sessions_of(fleet()))
    assert days.make(DAYS) == DAYS
    return days


def same(one: MadeDays, other: MadeDays) -> None:
    assert one.made.keys() == other.made.keys()
    for day in one.made:
        for name, frame in one.made[day]._asdict().items():
            assert_frame_equal(frame, getattr(other.made[day], name), check_exact=True)


def test_what_comes_out_has_the_columns_that_are_declared(in_order: MadeDays) -> None:
    last = in_order.made[DAYS[-1]]
    schemas = {
        "loss_samples": SAMPLE,
        "fleet_fits": FLEET_FITS,
        "common_modes": COMMON_MODES,
        "charger_scores": CHARGER_SCORES,
        "loss_findings": LOSS_FINDINGS,
        "first_day_verdicts": FIRST_DAY_VERDICTS,
        "register_verdicts": REGISTER_VERDICTS,
        "site_verdicts": SITE_VERDICTS,
    }
    for name, schema in schemas.items():
        frame = getattr(last, name)
        assert dict(frame.schema) == {column: dtype for column, dtype in schema.items() if column != "day"}, name
    assert last.charger_scores.height == last.loss_samples.height == 6
    assert last.loss_samples["temperature_source"].to_list() == ["own", "own", "fleet", "own", "own", "own"]


def test_a_charger_that_changes_opens_a_finding_with_its_onset_and_closes_when_it_is_repaired() -> None:
    rows = rows_of(1, losing(1, 50, CHANGED, 32))
    days = MadeDays(sessions_of(rows))
    days.make([day_of(number) for number in range(50)])
    states = days.states()
    opened = next(day for day, found in states.items() if "open" in found)
    assert day_of(CHANGED + 2) <= opened <= day_of(CHANGED + 5)
    row = days.findings(day_of(31)).row(0, named=True)
    assert (row["state"], row["vehicle_id"], row["meter_id"]) == ("open", 1, 1)
    assert row["onset_at"].date() == day_of(CHANGED)
    assert row["excess_kwh"] == pytest.approx(12 * 0.6, rel=0.1)
    assert states[day_of(49)] == ["closed"]
    assert day_of(32 + 3) <= days.findings(day_of(49))["closed_on"][0] <= day_of(32 + 7)


@pytest.mark.long
def test_days_made_in_any_order_end_as_those_made_in_order(in_order: MadeDays) -> None:
    shuffled = Random(5).sample(DAYS, len(DAYS))  # noqa: S311 - a test's order
    days = MadeDays(in_order.sessions)
    days.make(shuffled)
    same(days, in_order)


def test_a_day_that_is_restated_in_the_middle_ends_as_a_rebuild_from_scratch(in_order: MadeDays) -> None:
    late = (pl.col("day") == day_of(12)) & (pl.col("vehicle_id") == 1)
    days = MadeDays(sessions_of(fleet().filter(~late)))
    days.make(DAYS)
    assert days.made[DAYS[-1]].charger_scores["z"][1] != in_order.made[DAYS[-1]].charger_scores["z"][1]
    days.sessions = dict(in_order.sessions)
    assert days.make([day_of(12)]) == DAYS[12:], "each later day looks back on it"
    same(days, in_order)


def test_an_open_finding_of_a_fixed_pair_has_a_verdict_on_each_day(in_order: MadeDays) -> None:
    reasons = {
        day_of(23): "too few sessions before or since",
        DAYS[-1]: "charges are too short to show a power",
    }
    for day, why in reasons.items():
        (finding_id,) = in_order.findings(day).filter(pl.col("state") == "open")["finding_id"]
        verdict = in_order.made[day].register_verdicts
        assert verdict.select("finding_id", "cause", "why_undecided").rows() == [(finding_id, "undecided", why)]


def test_a_day_that_stays_as_it_is_restates_no_other(in_order: MadeDays) -> None:
    assert in_order.make([day_of(12)]) == [day_of(12)]


def test_a_week_offline_is_a_gap_and_what_was_open_goes_on_after_it(in_order: MadeDays) -> None:
    offline = [day_of(number) for number in range(25, 29)]
    silent = MadeDays({day: rows for day, rows in in_order.sessions.items() if day not in offline})
    silent.make(DAYS)
    assert silent.states()[day_of(24)] == ["open"]
    assert_frame_equal(silent.findings(day_of(28)), silent.findings(day_of(24)))
    missing = MadeDays(silent.sessions)
    missing.make([day for day in DAYS if day not in offline])
    assert_frame_equal(missing.findings(DAYS[-1]), silent.findings(DAYS[-1]))
    assert missing.findings(DAYS[-1])["session_count"].to_list() == [30 - CHANGED - 4]


def test_a_day_that_comes_into_a_gap_restates_those_after_it(in_order: MadeDays) -> None:
    days = MadeDays(in_order.sessions)
    days.make([day for day in DAYS if day != day_of(15)])
    days.make([day_of(15)])
    same(days, in_order)


def test_without_any_temperature_or_fit_a_single_vehicle_is_still_watched() -> None:
    rows = rows_of(1, losing(1, 40, 25)).with_columns(
        battery_celsius=pl.lit(None, pl.Float64), loss_ratio=pl.col("loss_ratio") + 0.06 * (pl.col("day") >= day_of(25))
    )
    rows = rows.with_columns(ac_kwh=pl.col("dc_kwh") * (1 + pl.col("loss_ratio")))
    days = MadeDays(sessions_of(rows))
    days.make([day_of(number) for number in range(40)])
    assert days.made[day_of(39)].loss_samples["temperature_source"].to_list() == ["none"]
    assert days.states()[day_of(39)] == ["open"]


def test_a_device_that_the_day_does_not_list_has_the_usual_resolution() -> None:
    rows = pl.concat([rows_of(1, noisy(1, 20)), rows_of(DEVICES, noisy(2, 20))])
    days = MadeDays(sessions_of(rows))
    days.make(DAYS[:20])
    listed, unlisted = days.made[DAYS[19]].loss_samples.rows(named=True)
    assert listed["dc_resolution_kwh"] == 0.001
    assert unlisted["dc_resolution_kwh"] == DeviceSettings().resolution_kwh
    assert days.made[DAYS[19]].charger_scores["z"].is_finite().to_list() == [True, True]


def test_the_fit_of_a_week_is_made_once_from_the_sessions_before_its_monday(in_order: MadeDays) -> None:
    fits = {day: made.fleet_fits for day, made in in_order.made.items()}
    assert all(fits[day].is_empty() for day in DAYS[:7]), "FIRST is a Monday, and nothing ended before it"
    for day in DAYS[7:]:
        week = day - timedelta(days=day.weekday())
        assert fits[day].select("week", "pair_count", "session_count").rows() == [(week, 6, 6 * (week - FIRST).days)]
        assert_frame_equal(fits[day], fits[week])
        assert_frame_equal(in_order.made[day].first_day_verdicts, in_order.made[week].first_day_verdicts)
    told = in_order.made[DAYS[-1]].first_day_verdicts
    assert set(told.select("week", "session_count", "verdict").rows()) == {(day_of(28), 28, "no_model_labels")}


def test_a_small_fleet_has_no_common_mode_and_a_large_one_has_that_of_the_day() -> None:
    losses = [noisy(each, 17) for each in range(20)]
    for each in losses:
        each[16] += 0.03
    days = MadeDays(sessions_of(pl.concat(rows_of(number, each) for number, each in enumerate(losses))))
    days.make([day_of(number) for number in range(17)])
    assert days.made[day_of(14)].common_modes.is_empty()
    ((common_kw, sessions),) = days.made[day_of(16)].common_modes.rows()
    assert sessions == 40
    assert common_kw == round(common_kw, 3)
    assert 0.03 < common_kw < 0.03 / 0.25


def test_a_session_that_ended_before_midnight_and_was_known_after_it_is_of_the_day_that_has_it() -> None:
    rows = rows_of(1, noisy(1, 20)).with_columns(pl.col("ended_at") - pl.duration(hours=12, minutes=5))
    days = MadeDays(sessions_of(rows))
    days.make(DAYS[:20])
    assert days.made[day_of(19)].charger_scores.height == 1


def fault(rule: str, observed: float, day: int) -> pl.DataFrame:
    """From the onset on to this day, of the devices of pair 1."""
    since, until = midnight(day_of(CHANGED)), midnight(day_of(day + 1))
    row = (rule, "meter meter-1", day_of(22), 1, 1, since, until, observed)
    return pl.DataFrame([row], FAULTS, orient="row")


def test_what_a_fault_explains_is_no_loss_though_it_is_found_later_than_its_sessions(in_order: MadeDays) -> None:
    days = MadeDays(in_order.sessions, {day_of(day): fault("R5", 5.0, day) for day in range(22, 30)})
    days.make(DAYS)
    assert days.findings(DAYS[-1]).filter(pl.col("state") == "open").is_empty()
    assert days.made[DAYS[-1]].loss_samples.height == 6, "the sample keeps them"


def test_a_finding_that_rests_on_what_a_fault_explains_is_withdrawn_when_the_fault_is_known(in_order: MadeDays) -> None:
    opened = next(day for day in DAYS if in_order.states()[day] == ["open"])
    known_from = (opened - FIRST).days + 1
    days = MadeDays(in_order.sessions, {day_of(day): fault("R7", 0.8, day) for day in range(known_from, 30)})
    days.make(DAYS)
    assert days.states()[opened] == ["open"]
    assert [days.states()[day] for day in DAYS[known_from:]] == [[]] * (30 - known_from)


def test_a_finding_of_which_a_fault_leaves_two_sessions_is_withdrawn(in_order: MadeDays) -> None:
    """Its onset is a session or two earlier than that of the fault: it would stay open without another session."""
    since = pl.lit(midnight(day_of(CHANGED + 2))).cast(FAULTS["onset_at"])
    faults = {day_of(day): fault("R7", 0.8, day).with_columns(onset_at=since) for day in range(26, 30)}
    days = MadeDays(in_order.sessions, faults)
    days.make(DAYS)
    assert days.states()[day_of(25)] == ["open"]
    assert [days.states()[day] for day in DAYS[26:]] == [[]] * 4


def test_a_finding_of_which_a_fault_explains_but_the_first_sessions_stands(in_order: MadeDays) -> None:
    opened = next(day for day in DAYS if in_order.states()[day] == ["open"])
    known_from = (opened - FIRST).days + 1
    until = pl.lit(midnight(day_of(CHANGED + 2)))
    of_two_days = fault("R7", 0.8, known_from).with_columns(last_seen_at=until.cast(FAULTS["last_seen_at"]))
    days = MadeDays(in_order.sessions, {day_of(day): of_two_days for day in range(known_from, 30)})
    days.make(DAYS)
    assert days.states()[DAYS[-1]] == ["open"]


def test_what_leaks_is_taken_off(in_order: MadeDays) -> None:
    """0.06 of 10 kWh in 2.5 hours are 240 W."""
    days = MadeDays(in_order.sessions, {day_of(day): fault("R4", 240.0, day) for day in range(21, 30)})
    days.make(DAYS)
    assert days.findings(DAYS[-1]).is_empty()


@pytest.mark.long
def test_a_fault_that_came_to_light_for_a_day_that_is_there_restates_the_days_since(in_order: MadeDays) -> None:
    days = MadeDays(in_order.sessions)
    days.make(DAYS)
    days.faults = {day_of(day): fault("R5", 5.0, day) for day in range(22, 30)}
    assert days.make([day_of(22)]) == DAYS[22:]
    scratch = MadeDays(in_order.sessions, days.faults)
    scratch.make(DAYS)
    same(days, scratch)
