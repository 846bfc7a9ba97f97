"""The scan of windows, onsets, and what all pairs share."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from tests.unit.losses.drawn import FIRST, noisy, rows_of
from warehouse.losses.baseline import posterior, reference
from warehouse.losses.common_mode import common_mode
from warehouse.losses.panel import Bools, Floats, Panel
from warehouse.losses.settings import SETTINGS
from warehouse.losses.shifts import onset, points, since
from warehouse.losses.windows import Scan, scan

FLEET = np.array([0.075, 0.20, 0.012, 0.006, 0.0])
EXPECTED = 0.075 + 0.25 * 0.20


def scanned(*pairs: pl.DataFrame) -> Scan:
    panel = Panel.of(pl.concat(pairs))
    return scan(panel, reference(panel, FLEET), FLEET)


def shifted(losses: Floats, sessions: int, by: float) -> Floats:
    return np.concatenate([losses[:-sessions], losses[-sessions:] + by])


@pytest.mark.parametrize(("sessions", "by", "is_open"), [(6, 0.025, False), (8, 0.025, True), (6, 0.03, True)])
def test_a_known_shift_is_found_at_its_size_since_its_begin(sessions: int, by: float, is_open: bool) -> None:
    found = scanned(rows_of(1, shifted(noisy(1, 60), sessions, by)))
    assert found.z[0] > SETTINGS.thresholds.suspected_z
    assert (found.z[0] > SETTINGS.thresholds.open_z) == is_open
    assert found.sessions[0] == sessions
    assert found.shift[0] == pytest.approx(by, abs=0.006)
    assert found.baseline.sessions[0] == 60 - sessions


def test_z_is_the_shift_over_what_it_may_be_by_chance() -> None:
    # 40 sessions of which ten times two lie 0.008 above and two as far below what is expected, then 4 that lose 0.02
    # more. Of the 43 differences 20 are 0.016, and one is more than 4 sigma, so that it counts as these.
    scatter = 0.008 * np.tile([1.0, 1.0, -1.0, -1.0], 11)
    found = scanned(rows_of(1, EXPECTED + scatter + 0.02 * (np.arange(44) >= 40)))
    sigma2 = 7.11e-5  # (10 x 0.008^2 + (20 x 0.016^2 + 16 sigma^2) / 2) / 53
    assert sigma2 == pytest.approx((10 * 0.008**2 + 10 * 0.016**2 + 8 * sigma2) / 53, rel=1e-2)
    of_coefficients = 1 / (40 / sigma2 + 1 / (0.02**2 + 0.25**2 * 0.1**2))
    psi = (4 + 4 * 0.008**2 / sigma2) / (4 + 3)  # two of the four lie 0.008 above the others' middle, two below
    assert found.sessions[0] == 4
    assert found.shift[0] == pytest.approx(0.02, rel=0.01)
    assert found.z[0] == pytest.approx(
        0.02 / np.sqrt(psi * sigma2 / 4 + of_coefficients + 0.002**2) / np.sqrt(1 + 5 / 4), rel=0.02
    )


def test_healthy_scatter_is_not_suspected() -> None:
    found = scanned(*(rows_of(each, noisy(each, 120)) for each in range(100)))
    assert found.z.max() < SETTINGS.thresholds.suspected_z


@pytest.mark.parametrize(
    ("fast", "slow"),
    [(0.097, 0.242), (0.090, 0.136), (0.077, 0.152), (0.063, 0.127)],
    ids=["Renault Zoe", "VW ID.3", "Tesla Model 3", "Fiat 500e"],
)
def test_a_healthy_car_that_charges_at_2_kw_for_a_while_is_not_suspected(fast: float, slow: float) -> None:
    # The shares that ADAC measured in 2022, at 11 and at 2.3 kW.
    at_11_kw, at_2_kw = 1 / (1 - fast) - 1, 1 / (1 - slow) - 1

    def charged(at_kw: float, loss: float, first: date, sessions: int) -> pl.DataFrame:
        hours = (1 + loss) / at_kw
        return rows_of(1, noisy(sessions, sessions, level=loss), hours=hours, first=first)

    later = FIRST + timedelta(days=40)
    slower = scanned(charged(11, at_11_kw, FIRST, 40), charged(2.3, at_2_kw, later, 12))
    faster = scanned(charged(2.3, at_2_kw, FIRST, 40), charged(11, at_11_kw, later, 12))
    assert slower.z[0] < SETTINGS.thresholds.suspected_z
    assert faster.z[0] < SETTINGS.thresholds.suspected_z


def test_one_session_however_large_is_not_a_shift() -> None:
    assert scanned(rows_of(1, shifted(noisy(1, 60), 1, 0.5))).z[0] < SETTINGS.thresholds.suspected_z


def test_two_large_sessions_among_normal_ones_are_not_seventy_percent() -> None:
    losses = noisy(1, 60)
    losses[[-1, -4]] += 0.2
    assert scanned(rows_of(1, losses)).z[0] < SETTINGS.thresholds.suspected_z


def test_a_pair_that_loses_no_more_than_before_has_a_score_too() -> None:
    better = scanned(rows_of(1, shifted(noisy(1, 60), 10, -0.05)))
    assert np.isfinite(better.z[0])
    assert better.z[0] <= 0


@pytest.mark.parametrize(("older", "is_told"), [(13, False), (14, True)])
def test_fewer_than_14_older_sessions_tell_nothing(older: int, is_told: bool) -> None:
    found = scanned(rows_of(1, shifted(noisy(1, older + 3), 3, 0.10)))
    assert np.isfinite(found.z[0]) == is_told
    assert (found.z[0] > 3) == is_told


def test_colder_weather_is_expected_and_makes_it_less_sure() -> None:
    mild, cold = [20.0] * 40, [0.0] * 6
    of_cold = 0.25 * (18 * 0.012 + 8 * 0.006)
    losses = noisy(2, 46)
    losses[-6:] += of_cold
    assert scanned(rows_of(1, losses, celsius=mild + cold)).z[0] < 1.0
    losses[-6:] += 0.05
    warm = noisy(2, 46)
    warm[-6:] += 0.05
    z_warm = scanned(rows_of(1, warm)).z[0]
    z_cold = scanned(rows_of(1, losses, celsius=mild + cold)).z[0]
    assert z_warm > SETTINGS.thresholds.open_z > z_cold


def test_a_heater_in_the_first_cold_is_not_suspected_and_a_loss_after_it_is() -> None:
    """It takes 1 kWh of 11.25 where the fleet is 10 K colder, and holds its own battery at 8 C."""
    weather = np.concatenate([np.full(30, 12.0), np.linspace(8, -2, 30)])
    losses = noisy(3, 60) + 0.1 * np.maximum(8 - weather, 0) / 10
    seen = [scanned(rows_of(1, losses[:end], celsius=8.0, weather=weather[:end])).z[0] for end in range(33, 61)]
    assert max(seen) < SETTINGS.thresholds.suspected_z
    blind = [scanned(rows_of(1, losses[:end], celsius=8.0)).z[0] for end in range(33, 61)]
    assert max(blind) > SETTINGS.thresholds.open_z
    losses[-12:] += 0.08
    assert scanned(rows_of(1, losses, celsius=8.0, weather=weather)).z[0] > SETTINGS.thresholds.open_z


def test_a_window_whose_sessions_differ_from_each_other_is_less_sure() -> None:
    even, uneven = noisy(5, 60), noisy(5, 60)
    even[-6:] += 0.03
    uneven[-6:] += np.array([0.01, 0.05, 0.01, 0.05, 0.01, 0.05])
    found = scanned(rows_of(1, even), rows_of(2, uneven))
    assert found.z[0] > SETTINGS.thresholds.open_z
    assert found.z[1] < 0.8 * found.z[0]


def test_the_beginning_of_a_drift_is_not_what_it_is_compared_with() -> None:
    # 60 sessions as ever, then 40 of which each loses 0.0007 more than the one before.
    losses = noisy(6, 100)
    losses[60:] += 0.0007 * np.arange(1, 41)
    panel = Panel.of(rows_of(1, losses))
    found = reference(panel, FLEET)
    near = scan(panel, found, FLEET, replace(SETTINGS, windows=(20,), distant_windows=()))
    distant = scan(panel, found, FLEET, replace(SETTINGS, windows=(3,), distant_windows=((20, 40),)))
    assert (near.baseline.sessions[0], distant.baseline.sessions[0]) == (80, 60)
    assert distant.shift[0] == pytest.approx(0.0007 * np.arange(21, 41).mean(), rel=0.15)
    assert distant.shift[0] > 1.05 * near.shift[0]
    assert scan(panel, found, FLEET).z[0] >= distant.z[0] > near.z[0]


def test_a_pair_of_few_sessions_has_no_distant_window() -> None:
    losses = shifted(noisy(7, 30), 10, 0.05)
    panel = Panel.of(rows_of(1, losses))
    found = reference(panel, FLEET)
    assert scan(panel, found, FLEET, replace(SETTINGS, windows=(10,))).baseline.sessions[0] == 20
    only = scan(panel, found, FLEET, replace(SETTINGS, windows=(28,), distant_windows=((10, 28),)))
    assert not np.isfinite(only.z[0])


def test_an_unsure_session_weighs_less() -> None:
    losses = shifted(noisy(1, 60), 6, 0.05)
    sure, unsure = rows_of(1, losses), rows_of(2, losses, variance=0.03**2)
    z = scanned(sure, unsure).z
    assert z[1] < z[0] / 2


def test_the_onset_is_the_likeliest_begin_of_a_step() -> None:
    panel = Panel.of(
        pl.concat([rows_of(1, shifted(noisy(3, 60), 9, 0.06)), rows_of(2, shifted(noisy(4, 60), 20, 0.03))])
    )
    found = reference(panel, FLEET)
    began = onset(panel, found.weight, scan(panel, found, FLEET).baseline)
    assert began.sessions[0] == 9
    assert abs(began.sessions[1] - 20) <= 2
    assert np.all((began.least <= began.sessions) & (began.sessions <= began.most))
    assert began.most[0] - began.least[0] <= 2


def test_what_is_told_has_an_onset_whatever_its_newest_session_shows() -> None:
    """Seven sessions lose three points more, and in the eighth DC is 3 % above AC, which registers alone can do."""
    losses = shifted(noisy(2, 60, sigma=0.003), 8, 0.03)
    losses[-1] = -0.03
    panel = Panel.of(rows_of(1, losses))
    found = reference(panel, FLEET)
    told = scan(panel, found, FLEET)
    assert told.z[0] > SETTINGS.thresholds.suspected_z
    began = onset(panel, found.weight, told.baseline)
    assert 3 <= began.least[0] <= began.sessions[0] <= began.most[0]
    assert began.sessions[0] == 8


def test_energy_since_an_onset_is_counted_unclipped() -> None:
    losses = np.full(48, EXPECTED)
    panel = Panel.of(rows_of(1, losses))
    found = reference(panel, FLEET)
    baseline = posterior(found.total, FLEET)
    after = Panel.of(rows_of(1, EXPECTED + np.array([0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.90])))
    told = since(after, np.full(8, 1e4), baseline)
    assert told.excess_kwh[0] == pytest.approx(10 * (7 * 0.02 + 0.90), rel=1e-6)
    assert told.shift[0] == pytest.approx(1.04 / 8, rel=1e-6)
    assert told.recent[0] == pytest.approx(0.02, rel=1e-6)
    assert told.recent_from_us[0] == after.ended_us[1]
    few = since(after.some(after.back < 6), np.full(6, 1e4), baseline)
    assert np.isnan(few.recent[0])


def test_points_are_hundredths_of_the_efficiency() -> None:
    assert points(np.array([0.25]), np.array([1 / 0.77 - 1.25]))[0] == pytest.approx(3.0)


def of_fleet(pairs: int, kw: float) -> tuple[Panel, Bools]:
    losses = [noisy(each, 40) for each in range(pairs)]
    for each in losses:
        each[-2:] += 0.25 * kw
    panel = Panel.of(pl.concat([rows_of(number, each) for number, each in enumerate(losses)]))
    return panel, panel.back < 2


def test_what_the_whole_fleet_lost_more_is_common() -> None:
    panel, is_recent = of_fleet(100, 0.10)
    found = reference(panel, FLEET)
    common = common_mode(panel, found, is_recent, np.zeros(panel.sessions), np.ones(100, dtype=np.bool_), FLEET)
    assert common.sessions == 200
    assert common.kw == pytest.approx(0.10, abs=0.012)


def test_a_common_mode_of_few_sessions_is_none() -> None:
    panel, is_recent = of_fleet(14, 0.10)
    found = reference(panel, FLEET)
    common = common_mode(panel, found, is_recent, np.zeros(panel.sessions), np.ones(14, dtype=np.bool_), FLEET)
    assert (common.kw, common.sessions) == (0.0, 28)


def test_a_pair_that_is_suspected_tells_nothing_of_the_fleet() -> None:
    panel, is_recent = of_fleet(60, 0.0)
    guilty = panel.pair < 30
    panel = panel._replace(y=panel.y + 0.1 * (guilty & is_recent))
    found = reference(panel, FLEET)
    innocent = np.arange(60) >= 30
    assert abs(common_mode(panel, found, is_recent, np.zeros(panel.sessions), innocent, FLEET).kw) < 0.01
    assert common_mode(panel, found, is_recent, np.zeros(panel.sessions), np.ones(60, dtype=np.bool_), FLEET).kw > 0.02
