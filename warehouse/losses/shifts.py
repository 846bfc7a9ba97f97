"""What a shift is: when it began, and what the sessions since then lost."""

from typing import NamedTuple

import numpy as np

from warehouse.losses.baseline import Baseline, newest
from warehouse.losses.panel import Floats, Ints, Panel
from warehouse.losses.settings import SETTINGS, LossSettings
from warehouse.losses.windows import deviation

WITHIN_95 = 1.92
"""By so much a log-likelihood may lie below the largest one (half of chi^2 of one degree, 95 %)."""


class Onset(NamedTuple):
    """How many of its newest sessions a pair has since the shift; one element a pair."""

    sessions: Ints
    """The likeliest number,"""
    most: Ints
    """and the largest and the smallest"""
    least: Ints
    """of those that are nearly as likely."""


def onset(panel: Panel, weight: Floats, baseline: Baseline, settings: LossSettings = SETTINGS) -> Onset:
    """When the shift of each pair began: the likeliest step from 0 to a constant, given the baseline before it.

    With j sessions since, ``log L_j = (sum w r)^2 / (2 phi sum w)`` over the newest j (Hinkley 1970). At least as many
    as the smallest window has, at most as many as the largest. Residuals are clipped as those of the windows are: so a
    window that is told has a step, whatever a single session of it shows.
    """
    longest = max(settings.windows)
    limit = settings.clip_sigmas * np.sqrt(baseline.spread[panel.pair] / weight)
    residual = np.clip(panel.y - panel.expected(baseline.coefficients), -limit, limit)
    sums = np.cumsum(newest(panel, weight * residual, longest), axis=1)
    weights = np.cumsum(newest(panel, weight, longest), axis=1)
    sessions = np.arange(1, longest + 1)
    is_one = (sessions >= min(settings.windows)) & (sessions <= panel.length[:, None]) & (sums > 0)
    likelihood = np.where(is_one, sums**2 / (2 * baseline.spread[:, None] * np.maximum(weights, 1e-9)), -np.inf)
    is_near = is_one & (likelihood >= likelihood.max(axis=1, keepdims=True) - WITHIN_95)
    return Onset(
        sessions[likelihood.argmax(axis=1)],
        np.where(is_near, sessions, 0).max(axis=1),
        np.where(is_near, sessions, longest + 1).min(axis=1),
    )


class Since(NamedTuple):
    """What the sessions since an onset tell; one element a pair."""

    dc_kwh: Floats
    expected: Floats
    """Loss ratio."""
    shift: Floats
    """Loss ratio above it."""
    excess_kwh: Floats
    deviation_kwh: Floats
    recent: Floats
    """Median shift of the last sessions; NaN where there are too few."""
    recent_from_us: Ints
    """End of the first of those."""

    @property
    def points(self) -> Floats:
        """The shift in points of the efficiency."""
        return points(self.expected, self.shift)


def since(panel: Panel, weight: Floats, baseline: Baseline, settings: LossSettings = SETTINGS) -> Since:
    """Sum up sessions that all lie after their pair's onset, against the baseline of before.

    ``excess_kwh = sum E r`` over the residuals as they are, none clipped. Its standard deviation is that of an
    energy-weighted mean residual (``deviation``) times the energy, and, added in squares, what the shift itself leaves
    open: where the grid sets the power, a charge that loses more takes longer, and the fixed losses of that time,
    ``excess F x / (1 + y)`` with F x the expected fixed losses, are part of the excess, not of what was expected.
    """
    residual = panel.y - panel.expected(baseline.coefficients)
    energy = panel.sums(panel.dc_kwh)
    mean_x = panel.sums(panel.dc_kwh * panel.x).T / energy[:, None]
    effective = energy**2 / panel.sums(panel.dc_kwh**2 / weight)
    excess = panel.sums(panel.dc_kwh * residual)
    last = settings.close_sessions
    is_enough = panel.length >= last
    expected = np.einsum("pi,pi->p", baseline.coefficients, mean_x)
    fixed = (expected - baseline.coefficients[:, 0]) / (1 + expected + excess / energy)
    of_mean = energy * deviation(baseline, effective, mean_x, settings)
    recent = np.where(is_enough, np.median(newest(panel, residual, last), axis=1), np.nan)
    first_of_recent = panel.first + np.maximum(panel.length - last, 0)
    return Since(
        energy,
        expected,
        excess / energy,
        excess,
        np.hypot(of_mean, excess * fixed),
        recent,
        panel.ended_us[first_of_recent] if panel.sessions else np.zeros(0, dtype=np.int64),
    )


def points(expected: Floats, shift: Floats) -> Floats:
    """By how many points the efficiency ``1 / (1 + loss ratio)`` is lower."""
    lower: Floats = 100 * (1 / (1 + expected) - 1 / (1 + expected + shift))
    return lower
