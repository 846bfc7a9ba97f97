"""One solution of the mixed model gives the shift of every window that generalised least squares would give."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tests.unit.losses.made_sessions import Site
from warehouse.losses.mixed_model import fit, site_model, weights
from warehouse.losses.settings import SETTINGS
from warehouse.losses.shift_scan import best_shift
from warehouse.losses.verdict_settings import VERDICTS

FLEET = np.array(SETTINGS.fleet_start)
EXACT = replace(SETTINGS, model_error_ratio=0.0, weather_error_share=0.0, cold_error_kw_per_kelvin=0.0)
SMALL = Site(vehicles=4, meters=3, days=40, onset_day=28, charger_loss=0.05)


def test_a_window_has_the_shift_of_generalised_least_squares() -> None:
    """The covariance of all sessions is written out and inverted: what the scan gets out of running sums."""
    rows = Site(vehicles=4, meters=4, days=40, onset_day=30, charger_loss=0.05).sessions().sort("ended_at")
    model = site_model(rows, FLEET, EXACT, VERDICTS)
    weight = 1 / (EXACT.sigma_ratio**2 + model.steps)
    covariance = np.diag(1 / weight) + model.design @ np.diag(1 / model.penalty) @ model.design.T
    inverse = np.linalg.inv(covariance)
    fitted = fit(model, weight, np.zeros((len(rows), 0)))
    at_charger = np.flatnonzero(model.meter == 3)[::-1]
    for size in (4, 7, 12):
        found = best_shift(model, fitted, at_charger, np.array([size]), EXACT, least_older=5)
        assert found is not None
        column = np.zeros(len(rows))
        column[at_charger[:size]] = 1.0
        information = column @ inverse @ column
        assert found.shift == pytest.approx(column @ inverse @ model.off / information, rel=1e-8)
        assert found.sigma == pytest.approx(information**-0.5, rel=1e-8)
        assert found.z == pytest.approx(found.shift / found.sigma)
        assert set(found.rows) == set(at_charger[:size])


def test_effects_are_those_of_the_joint_density() -> None:
    """Henderson's equations are the normal equations of the loss ratios and, as if they were measured, the priors."""
    rows = SMALL.sessions().sort("ended_at")
    model = site_model(rows, FLEET, SETTINGS, VERDICTS)
    weight = 1 / (SETTINGS.sigma_ratio**2 + model.steps)
    stacked = np.concatenate([model.design * np.sqrt(weight)[:, None], np.diag(np.sqrt(model.penalty))])
    measured = np.concatenate([model.off * np.sqrt(weight), np.zeros(len(model.penalty))])
    effects = np.linalg.lstsq(stacked, measured, rcond=None)[0]
    residual = fit(model, weight, np.zeros((len(rows), 0))).residual
    np.testing.assert_allclose(residual, model.off - model.design @ effects, atol=1e-10)


def test_the_scatter_of_a_vehicle_is_its_own_and_outliers_count_less() -> None:
    rows = Site(vehicles=2, meters=2, days=200).sessions().sort("ended_at")
    model = site_model(rows, FLEET, SETTINGS, VERDICTS)
    draws = np.random.default_rng(3)
    residual = draws.normal(0, np.where(model.vehicle == 0, 0.005, 0.02))
    residual[0] = 0.5
    weight = weights(model, residual, SETTINGS)
    for vehicle, sigma in ((0, 0.005), (1, 0.02)):
        of_vehicle = weight[(model.vehicle == vehicle) & (np.abs(residual) < 2 * sigma)]
        assert np.median(of_vehicle) ** -0.5 == pytest.approx(sigma, rel=0.15)
    assert weight[0] < 0.1 * np.median(weight[model.vehicle == model.vehicle[0]])


def test_no_window_is_taken_that_most_sessions_do_not_bear_out() -> None:
    """Half of the sessions at a charger have the shift, as where it is one vehicle's."""
    rows = replace(SMALL, charger_loss=0.0).sessions().sort("ended_at")
    sessions = np.flatnonzero((rows["meter_id"] == 2).to_numpy())[::-1]
    for every, is_taken in ((2, False), (1, True)):
        more = np.zeros(len(rows))
        more[sessions[:10:every]] = 0.08
        model = site_model(rows.with_columns(pl.col("loss_ratio") + more), FLEET, SETTINGS, VERDICTS)
        fitted = fit(model, 1 / (SETTINGS.sigma_ratio**2 + model.steps), np.zeros((len(rows), 0)))
        found = best_shift(model, fitted, sessions, np.array([10]), SETTINGS, least_older=5)
        assert (found is not None) == is_taken


def test_a_fault_that_the_model_knows_is_not_found_again() -> None:
    """Its window is zero but for rounding, which must not be taken for a shift: two equal columns have no solution."""
    rows = SMALL.sessions().sort("ended_at")
    model = site_model(rows, FLEET, SETTINGS, VERDICTS)
    weight = 1 / (SETTINGS.sigma_ratio**2 + model.steps)
    for meter in range(3):
        sessions = np.flatnonzero(model.meter == meter)[::-1]
        for size in range(4, 16):
            column = np.zeros((len(rows), 1))
            column[sessions[:size]] = 1.0
            fitted = fit(model, weight, column)
            assert best_shift(model, fitted, sessions, np.array([size]), SETTINGS, least_older=5) is None


def test_without_older_sessions_there_is_no_window() -> None:
    rows = SMALL.sessions().sort("ended_at")
    model = site_model(rows, FLEET, SETTINGS, VERDICTS)
    fitted = fit(model, 1 / (SETTINGS.sigma_ratio**2 + model.steps), np.zeros((len(rows), 0)))
    sessions = np.flatnonzero(model.meter == 0)[:15]
    assert best_shift(model, fitted, sessions, np.array([4, 5]), SETTINGS, least_older=14) is None
