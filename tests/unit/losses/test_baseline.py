"""What a pair is expected to lose, held to values computed by hand."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.unit.losses.drawn import noisy, rows_of
from warehouse.losses.baseline import of_newest, older, posterior, reference, statistics
from warehouse.losses.fleet_fit import fleet_fit, unknown_fleet, week_of_fit
from warehouse.losses.panel import Panel
from warehouse.losses.settings import LossSettings

FLEET = np.array([0.075, 0.20, 0.012, 0.006, 0.0])


def test_a_pair_without_sessions_is_expected_to_lose_what_its_fleet_does() -> None:
    panel = Panel.of(rows_of(1, [0.2]))
    nothing = statistics(panel, np.zeros(1), panel.y)._replace(sessions=np.zeros(1))
    baseline = posterior(nothing, FLEET)
    np.testing.assert_allclose(baseline.coefficients, [FLEET])
    np.testing.assert_allclose(np.sqrt(np.diagonal(baseline.covariance[0])), [0.020, 0.10, 0.008, 0.006, 0.10])
    assert baseline.spread[0] == 1.0


def test_the_sessions_move_it_by_as_much_as_they_weigh() -> None:
    # Without hours a is all there is: prior 0.075 +- 0.02 (weight 2500), four sessions of weight 10000 at 0.115.
    panel = Panel.of(rows_of(1, [0.115] * 4, hours=0.0))
    baseline = posterior(statistics(panel, np.full(4, 1e4), panel.y), FLEET)
    assert baseline.coefficients[0, 0] == pytest.approx((2500 * 0.075 + 40_000 * 0.115) / 42_500)
    assert baseline.covariance[0, 0, 0] == pytest.approx(1 / 42_500)
    assert baseline.spread[0] == 1.0


def test_sessions_that_scatter_more_than_they_should_make_it_less_sure() -> None:
    # Twelve of weight 10000, 0.03 above and below: chi^2 = 12 x 10000 x 0.03^2 = 108 on 12 - 120000 / 122500 degrees.
    panel = Panel.of(rows_of(1, [0.105, 0.045] * 6, hours=0.0))
    baseline = posterior(statistics(panel, np.full(12, 1e4), panel.y), FLEET)
    assert baseline.spread[0] == pytest.approx((10 + 108) / (10 + 12 - 120_000 / 122_500))


def test_the_older_sessions_are_all_less_the_newest() -> None:
    panel = Panel.of(pl.concat([rows_of(1, noisy(1, 30)), rows_of(2, noisy(2, 20), celsius=5.0)]))
    found = reference(panel, FLEET)
    window = of_newest(panel, found, 10)
    less = older(found, window, np.array([4, 7]))
    is_older = panel.back >= np.array([4, 7])[panel.pair]
    kept = panel.some(is_older)
    for one, other in zip(less, statistics(kept, found.weight[is_older], found.clipped[is_older]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_shift_does_not_make_the_scatter_larger() -> None:
    steady, shifted = noisy(3, 60), noisy(3, 60)
    shifted[40:] += 0.08
    panel = Panel.of(pl.concat([rows_of(1, steady), rows_of(2, shifted)]))
    sigma = np.sqrt(reference(panel, FLEET).sigma2)
    assert sigma[0] == pytest.approx(0.008, rel=0.15)
    assert sigma[1] == pytest.approx(sigma[0], rel=0.15)


def test_one_absurd_session_moves_the_baseline_no_more_than_a_few_sigma_would() -> None:
    losses = noisy(4, 60)
    absurd = losses.copy()
    absurd[30] = 3.0
    panel = Panel.of(pl.concat([rows_of(1, losses), rows_of(2, absurd)]))
    found = reference(panel, FLEET)
    expected = panel.expected(posterior(found.total, FLEET).coefficients)
    assert abs(expected[-1] - expected[0]) < 5 * 0.010 / 60


def test_the_fleets_coefficients_are_those_that_its_pairs_scatter_around() -> None:
    draws = np.random.default_rng(5)
    deviation, true = np.array([0.020, 0.10, 0.008, 0.006, 0.10]), np.array([0.09, 0.30, 0.010, 0.004, 0.05])
    frames = []
    for vehicle in range(120):
        own = true + deviation * draws.standard_normal(5)
        celsius, hours = draws.uniform(-5, 25, 60), draws.choice([0.1, 0.3])
        weather = draws.uniform(-5, 25, 60)
        cold = [hours * np.maximum(knee - celsius, 0) for knee in (18, 8)]
        x = np.stack([np.ones(60), np.full(60, hours), *cold, np.maximum(8 - weather, 0) / 10])
        losses = own @ x + 0.006 * draws.standard_normal(60)
        frames.append(rows_of(vehicle, losses, hours=hours, celsius=celsius.tolist(), weather=weather))
    fit = fleet_fit(Panel.of(pl.concat(frames)))
    assert (fit.pairs, fit.sessions) == (120, 7200)
    assert np.all(np.abs(fit.coefficients - true) < 4 * fit.deviation)
    assert np.all(fit.deviation < deviation / 3)


def test_a_fleet_of_nothing_is_what_the_settings_say() -> None:
    fit = fleet_fit(Panel.of(rows_of(1, [])))
    np.testing.assert_array_equal(fit.coefficients, LossSettings().fleet_start)
    np.testing.assert_array_equal(fit.coefficients, unknown_fleet().coefficients)
    assert fit.pairs == 0


def test_a_summer_tells_nothing_of_the_cold() -> None:
    fit = fleet_fit(Panel.of(pl.concat([rows_of(each, noisy(each, 40), celsius=25.0) for each in range(20)])))
    np.testing.assert_allclose(fit.coefficients[2:], LossSettings().fleet_start[2:])
    np.testing.assert_allclose(fit.deviation[2:], LossSettings().fleet_start_deviation[2:])


def test_a_fit_is_of_the_weeks_that_have_closed() -> None:
    assert week_of_fit(date(2026, 3, 9)) == date(2026, 3, 9)  # a Monday: sessions up to Sunday
    assert week_of_fit(date(2026, 3, 15)) == date(2026, 3, 9)
