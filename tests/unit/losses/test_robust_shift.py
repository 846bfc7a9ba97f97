"""Signals of sessions are logs with known variances; shifts of them are robust, and know what they share."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tests.unit.losses.made_sessions import Pair
from warehouse.losses.robust_shift import Bools, shifts_of
from warehouse.losses.session_signals import AC, CAPACITY, DC, ENERGY, SessionSignals, signals_of
from warehouse.losses.verdict_settings import VERDICTS

NO_DRIFTS = replace(VERDICTS, power_drift=0.0, capacity_drift=0.0, model_drift=0.0)


def drawn(count: int, since: int, shift: float, seed: int = 1) -> tuple[SessionSignals, Bools]:
    """Powers share a wander of 2 %, on top of 0.3 % of each; energy 0.5 %; the capacity is not known."""
    draws = np.random.default_rng(seed)
    shared, faulty = draws.normal(0, 0.02, count), np.arange(count) >= count - since
    values = np.full((count, 4), np.nan)
    values[:, ENERGY] = draws.normal(0.1, 0.005, count) + shift * faulty
    values[:, AC] = shared + draws.normal(0, 0.003, count)
    values[:, DC] = shared + draws.normal(0, 0.003, count) - shift * faulty
    return SessionSignals(values, np.full((count, 4), 1e-8)), faulty


def test_shifts_and_what_they_share() -> None:
    signals, faulty = drawn(400, 200, 0.05)
    found = shifts_of(signals, faulty, ~faulty, NO_DRIFTS)
    assert found.known == [ENERGY, AC, DC]
    assert found.shift == pytest.approx([0.05, 0.0, -0.05], abs=0.006)
    deviation = np.sqrt(np.diag(found.covariance))
    # Student's t costs a little where the sessions are normal.
    assert deviation == pytest.approx(np.array([0.005, 0.0202, 0.0202]) / 10, rel=0.25)
    assert found.covariance[1, 2] / (deviation[1] * deviation[2]) > 0.9
    contrast = np.array([0.0, 1.0, -1.0])
    assert contrast @ found.shift == pytest.approx(0.05, abs=0.002), "what both share is not in the difference"


def test_a_few_sessions_that_are_far_off_move_nothing() -> None:
    signals, faulty = drawn(60, 20, 0.05)
    calm = shifts_of(signals, faulty, ~faulty, VERDICTS)
    signals.values[[3, 11, 27, 45, 55], AC] -= 0.7
    wild = shifts_of(signals, faulty, ~faulty, VERDICTS)
    assert abs(wild.shift[1] - calm.shift[1]) < 0.01


def test_coarse_registers_make_a_shift_uncertain() -> None:
    signals, faulty = drawn(60, 20, 0.05)
    coarse = SessionSignals(signals.values, signals.variances + np.array([0.0, 0.0, 0.05**2, 0.0]))
    fine_sigma, coarse_sigma = (
        np.sqrt(shifts_of(each, faulty, ~faulty, NO_DRIFTS).covariance[2, 2]) for each in (signals, coarse)
    )
    assert coarse_sigma > 1.8 * fine_sigma


def test_signals_of_a_session() -> None:
    """11 kW of AC and 9.9 of DC for two hours, at 230 V: 22 kWh, of which 19.8 arrive, for 34 points of 58 kWh."""
    row = (
        Pair()
        .sessions()[:1]
        .with_columns(
            ac_kwh=pl.lit(22.0),
            dc_kwh=pl.lit(19.8),
            loss_ratio=pl.lit(22.0 / 19.8 - 1),
            ac_hours=pl.lit(2.0),
            dc_hours=pl.lit(2.0),
            ac_plateau_kw=pl.lit(11.0),
            dc_plateau_kw=pl.lit(9.9),
            mean_voltage_volts=pl.lit(230.0),
            soc_start_percent=pl.lit(46.0),
            ac_resolution_kwh=pl.lit(0.1),
            dc_resolution_kwh=pl.lit(0.01),
            variance=pl.lit(1e-4),
        )
    )
    found = signals_of(row, np.array([0.1]), VERDICTS)
    expected = [np.log(22 / 19.8 / 1.1), np.log(11 / 230), np.log(9.9 / 230 * 1.1), np.log(19.8 / 34)]
    np.testing.assert_allclose(found.values[0], expected)
    steps = [1e-4 * 0.9**2, 0.1**2 / 6 / 11**2, 0.01**2 / 6 / 9.9**2, 0.01**2 / 6 / 19.8**2 + 34**2 / 6 / 34**2]
    np.testing.assert_allclose(found.variances[0], steps)


def test_a_session_without_a_plateau_or_a_state_of_charge_tells_less() -> None:
    sessions = Pair(hours=0.6).sessions()
    short = signals_of(sessions, None, VERDICTS).values
    assert np.isnan(short[:, [AC, DC]]).all()
    assert not np.isnan(short[:, ENERGY]).any()
    little = signals_of(sessions.with_columns(soc_start_percent=pl.lit(76.0)), None, VERDICTS).values
    assert np.isnan(little[:, CAPACITY]).all()


def test_a_voltage_is_used_where_most_sessions_have_one() -> None:
    sessions = Pair().sessions()
    some = pl.int_range(pl.len()) % 10
    few = signals_of(sessions.with_columns(voltage_share=pl.when(some < 1).then(0.5).otherwise(0.9)), None, VERDICTS)
    assert np.isnan(few.values[:, AC]).sum() == np.isnan(few.values[:, DC]).sum() == 3
    most = signals_of(sessions.with_columns(voltage_share=pl.when(some < 3).then(0.5).otherwise(0.9)), None, VERDICTS)
    assert np.isnan(most.values[:, AC]).all()
    assert not np.isnan(most.values[:, DC]).any()
