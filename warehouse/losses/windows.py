"""The scan: whether the newest sessions of a pair lost more than all older ones let expect, over several windows.

For a window of the newest k sessions, with r_i the residuals against the baseline of all older ones, w_i their weights,

    delta = sum w r / V,   V = sum w,   xbar = sum w x / V
    z = delta / sqrt(psi / V + phi xbar' C xbar + m^2 + (s weather)^2 + (c xbar_1 cold)^2) / sqrt(1 + t / k)
    psi = max(phi, (n0 + sum w (r - median r)^2) / (n0 + k - 1))

phi: the spread of the baseline; psi: that of the window, n0: ``window_sessions``. A heater, or another use, makes the
sessions differ from each other; a charger that loses more does not. m: what the model leaves out; weather: how much the
cold terms expect the loss ratio to differ between the window and the older sessions; cold: by how many kelvin below the
first knee it became colder; xbar_1: hours for each kWh; t: ``tail_sessions``. The largest z of all windows is that of
the pair: a scan statistic, Wald's likelihood ratio for a step with unknown begin, on a grid. With t = 0 all that was
falsely found in 1,600 healthy pair-years were windows of three and four sessions, whose sums have heavier tails than a
normal.

The beginning of what grows slowly is among the older sessions of a short window, which then expect too much. So some
windows are compared with sessions that lie further back: ``distant_windows``.
"""

from typing import NamedTuple

import numpy as np

from warehouse.losses.baseline import Baseline, Reference, newest, of_newest, older, posterior
from warehouse.losses.panel import Bools, Floats, Ints, Panel
from warehouse.losses.settings import SETTINGS, LossSettings


class Scan(NamedTuple):
    """The window of each pair that tells most; one element a pair. Without enough sessions z is minus infinity."""

    z: Floats
    sessions: Ints
    """Of the window."""
    shift: Floats
    """delta, as a loss ratio."""
    expected: Floats
    """The loss ratio that the baseline expects of the window's mean session."""
    baseline: Baseline


def scan(
    panel: Panel,
    found: Reference,
    fleet: Floats,
    settings: LossSettings = SETTINGS,
    close_share: Floats | None = None,
) -> Scan:
    """Try all windows, the distant ones too. ``close_share``: of each pair, where it is not that of all."""
    if close_share is None:
        close_share = np.full(len(panel.first), settings.thresholds.close_share)
    compared = [*((sessions, sessions) for sessions in settings.windows), *settings.distant_windows]
    longest = max(left_out for _, left_out in compared)
    window = of_newest(panel, found, longest)
    tables = _Tables(
        newest(panel, found.weight, longest),
        newest(panel, panel.y, longest),
        np.stack([newest(panel, each, longest) for each in panel.x]),
    )
    best: Scan | None = None
    for sessions, left_out in compared:
        baseline = posterior(older(found, window, np.minimum(panel.length, left_out)), fleet, settings)
        tried = _try_window(tables, sessions, baseline, close_share, settings)
        best = tried if best is None else _better(best, tried)
    if best is None:
        raise ValueError("there is no window to try")
    return best


def deviation(baseline: Baseline, weight: Floats, mean_x: Floats, settings: LossSettings = SETTINGS) -> Floats:
    """Standard deviation of the mean residual of sessions of this total weight and these mean regressors."""
    of_coefficients = np.einsum("...i,...ij,...j->...", mean_x, baseline.covariance, mean_x)
    change = mean_x[..., 2:] - baseline.mean_x[..., 2:]
    weather = np.einsum("...i,...i->...", baseline.coefficients[..., 2:], change)
    # In kelvin: the cold terms are hours for each kWh times kelvin.
    cold = mean_x[..., 2] - mean_x[..., 1] * baseline.mean_x[..., 2] / np.maximum(baseline.mean_x[..., 1], 1e-9)
    variance: Floats = (
        baseline.spread * (1 / np.maximum(weight, 1e-9) + of_coefficients)
        + settings.model_error_ratio**2
        + (settings.weather_error_share * weather) ** 2
        + (settings.cold_error_kw_per_kelvin * cold) ** 2
    )
    return np.sqrt(variance)


class _Tables(NamedTuple):
    """The newest sessions of each pair, newest first."""

    weight: Floats
    y: Floats
    x: Floats
    """Coefficients by pairs by sessions."""


def _try_window(
    tables: _Tables, sessions: int, baseline: Baseline, close_share: Floats, settings: LossSettings
) -> Scan:
    weight, y, x = tables.weight[:, :sessions], tables.y[:, :sessions], tables.x[:, :, :sessions]
    residual = y - np.einsum("pc,cpk->pk", baseline.coefficients, x)
    is_there = weight > 0
    total = np.maximum(weight.sum(axis=1), 1e-9)
    mean_x = (weight * x).sum(axis=2).T / total[:, None]
    # Around the middle of the window and not around 0: where the baseline is unsure, a loss has to lie far beyond that.
    limit = settings.clip_sigmas * np.sqrt(baseline.spread[:, None] / np.where(is_there, weight, 1.0))
    middle = np.median(residual, axis=1, keepdims=True)
    within = np.where(is_there, np.clip(residual - middle, -limit, limit), 0.0)
    shift = middle[:, 0] + (weight * within).sum(axis=1) / total
    above = (is_there & (residual > (shift * close_share)[:, None])).mean(axis=1)
    is_told: Bools = baseline.sessions >= settings.least_older_sessions
    n0 = settings.window_sessions
    spread = np.maximum(baseline.spread, (n0 + (weight * within**2).sum(axis=1)) / (n0 + sessions - 1))
    told = total * baseline.spread / spread
    away = deviation(baseline, told, mean_x, settings) * np.sqrt(1 + settings.tail_sessions / sessions)
    z = np.where(above >= settings.shifted_share, shift / away, np.minimum(shift / away, 0.0))
    z = np.where(is_told, z, -np.inf)
    of_mean = np.einsum("pi,pi->p", baseline.coefficients, mean_x)
    return Scan(z, np.full(len(z), sessions), shift, of_mean, baseline)


def _better(first: Scan, second: Scan) -> Scan:
    """Of each pair the one with the larger z; the shorter window where they are equal."""
    wins = second.z > first.z

    def chosen(one: Floats, other: Floats) -> Floats:
        picked: Floats = np.where(wins.reshape(-1, *[1] * (one.ndim - 1)), other, one)
        return picked

    baseline = Baseline(*(chosen(one, other) for one, other in zip(first.baseline, second.baseline, strict=True)))
    return Scan(
        chosen(first.z, second.z),
        np.where(wins, second.sessions, first.sessions),
        chosen(first.shift, second.shift),
        chosen(first.expected, second.expected),
        baseline,
    )
