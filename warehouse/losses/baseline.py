"""What a pair is expected to lose: the posterior of its coefficients, from its own older sessions and its fleet.

A Bayesian regression with known weights (Gelman et al., Bayesian Data Analysis, 14.2). With w_i = 1 / (sigma^2 + s2_i),
s2_i the variance that measurement leaves, the prior N(b, D) of the fleet, and sums over the older sessions

    A = sum w x x'        C = (D^-1 + A)^-1        beta = C (D^-1 b + sum w x y)

A sum over older sessions is that over all less that over the newest, so the baselines of every window come from one
pass over the sessions: the sufficient statistics (A, sum w x y, sum w y^2) are all that is needed of them.
"""

from typing import NamedTuple

import numpy as np

from warehouse.losses.panel import COEFFICIENTS, Bools, Floats, Ints, Panel
from warehouse.losses.settings import SETTINGS, LossSettings

ROUNDS = 3
"""Of weights, coefficients and scatter in turn; a fourth changes z by less than 0.01."""
UPPER = np.triu_indices(COEFFICIENTS)
LEAST_SIGMA_SHARE = 0.25
"""No pair scatters less than this share of what is expected of an unknown one."""


LEAST_WEIGHT = 1.0
"""Less is what rounding leaves of no session at all: a single one, however unsure, weighs hundreds."""


class Statistics(NamedTuple):
    """Weighted sums over sessions; arrays of pairs first."""

    xx: Floats
    """The upper triangle of A."""
    xy: Floats
    yy: Floats
    weight: Floats
    sessions: Floats
    """How many."""

    def less(self, other: "Statistics") -> "Statistics":
        """Without the sessions of another one."""
        return Statistics(*(mine - its for mine, its in zip(self, other, strict=True)))


class Baseline(NamedTuple):
    """One element a pair."""

    coefficients: Floats
    """beta: pairs by coefficients."""
    covariance: Floats
    """C, of the coefficients: pairs by coefficients by coefficients."""
    spread: Floats
    """By how much the scatter of the sessions exceeds what the weights say, as a ratio of variances."""
    mean_x: Floats
    """Weighted mean of the regressors over the sessions."""
    sessions: Floats
    """How many."""


class Reference(NamedTuple):
    """What is known of each pair from all of its sessions, whatever happened lately."""

    sigma2: Floats
    """Variance of the loss ratio from session to session: one element a pair."""
    weight: Floats
    """One element a session."""
    clipped: Floats
    """The loss ratio, no further from what is expected than ``clip_sigmas``: one element a session."""
    total: Statistics


def reference(panel: Panel, fleet: Floats, settings: LossSettings = SETTINGS) -> Reference:
    """Scatter, weights and sums of each pair. ``fleet``: the coefficients of the fleet.

    The scatter comes from the differences of successive residuals, ``sigma^2 = mean (r_i - r_i-1)^2 / 2`` (von Neumann
    1941): a shift, which is what is looked for, enters it once and not with each session since. It is shrunk towards
    ``sigma_ratio`` as if that were known from ``sigma_sessions``.
    """
    sigma2 = np.full(len(panel.first), settings.sigma_ratio**2)
    clipped = panel.y
    for _ in range(ROUNDS):
        weight = 1 / (sigma2[panel.pair] + panel.variance)
        total = statistics(panel, weight, clipped)
        residual = panel.y - panel.expected(posterior(total, fleet, settings).coefficients)
        limit = settings.clip_sigmas / np.sqrt(weight)
        sigma2 = _scatter(panel, residual, limit, settings)
        clipped = panel.y - residual + np.clip(residual, -limit, limit)
    weight = 1 / (sigma2[panel.pair] + panel.variance)
    return Reference(sigma2, weight, clipped, statistics(panel, weight, clipped))


def statistics(panel: Panel, weight: Floats, y: Floats) -> Statistics:
    """The sums of each pair over these sessions."""
    weighted = weight * panel.x
    return Statistics(
        np.stack([panel.sums(weighted[i] * panel.x[j]) for i, j in zip(*UPPER, strict=True)], axis=-1),
        np.stack([panel.sums(each * y) for each in weighted], axis=-1),
        panel.sums(weight * y * y),
        panel.sums(weight),
        panel.length.astype(np.float64),
    )


def posterior(known: Statistics, fleet: Floats, settings: LossSettings = SETTINGS) -> Baseline:
    """The expected loss from these sessions.

    ``spread`` is chi^2 of the sessions over its degrees of freedom (Birge 1932), shrunk towards 1 like the scatter, and
    never below 1: what a missing temperature leaves open does not show while the weather stays as it is.

        chi^2 = sum w y^2 - 2 beta' sum w x y + beta' A beta,    degrees = n - trace(C A)
    """
    a = matrices(known.xx)
    precision = np.diag(1 / np.square(settings.pair_deviation))
    covariance = np.asarray(np.linalg.inv(precision + a), dtype=np.float64)
    coefficients: Floats = np.einsum("...ij,...j->...i", covariance, precision @ fleet + known.xy)
    explained = np.einsum("...i,...ij,...j->...", coefficients, a, coefficients)
    chi2 = np.maximum(known.yy - 2 * np.einsum("...i,...i->...", coefficients, known.xy) + explained, 0.0)
    freed = known.sessions - np.einsum("...ij,...ji->...", covariance, a)
    n0 = settings.sigma_sessions
    weight = np.maximum(known.weight, LEAST_WEIGHT)
    return Baseline(
        coefficients,
        covariance,
        np.maximum((n0 + chi2) / (n0 + np.maximum(freed, 0.0)), 1.0),
        a[..., 0, :] / weight[..., None],  # the first regressor is 1
        known.sessions,
    )


def matrices(upper: Floats) -> Floats:
    """Symmetric matrices from their upper triangles."""
    full = np.zeros((*upper.shape[:-1], COEFFICIENTS, COEFFICIENTS))
    for place, (i, j) in enumerate(zip(*UPPER, strict=True)):
        full[..., i, j] = full[..., j, i] = upper[..., place]
    return full


def newest(panel: Panel, values: Floats, longest: int) -> Floats:
    """Values of the newest sessions of each pair, newest first: pairs by ``longest``; 0 where there is none."""
    table = np.zeros((len(panel.first), longest))
    is_in: Bools = panel.back < longest
    table[panel.pair[is_in], panel.back[is_in]] = values[is_in]
    return table


def of_newest(panel: Panel, found: Reference, longest: int) -> Statistics:
    """Sums over the newest 0, 1, ... ``longest`` sessions of each pair: arrays of pairs by that number first."""

    def summed(values: Floats) -> Floats:
        table = np.cumsum(newest(panel, values, longest), axis=1)
        return np.concatenate([np.zeros((len(table), 1)), table], axis=1)

    weighted = found.weight * panel.x
    return Statistics(
        np.stack([summed(weighted[i] * panel.x[j]) for i, j in zip(*UPPER, strict=True)], axis=-1),
        np.stack([summed(each * found.clipped) for each in weighted], axis=-1),
        summed(found.weight * found.clipped**2),
        summed(found.weight),
        summed(np.ones(panel.sessions)),
    )


def older(found: Reference, window: Statistics, sessions: Ints) -> Statistics:
    """Sums over all sessions of each pair but its newest: ``sessions`` of them, one number a pair."""
    pairs = np.arange(len(sessions))
    return found.total.less(Statistics(*(each[pairs, sessions] for each in window)))


def _scatter(panel: Panel, residual: Floats, limit: Floats, settings: LossSettings) -> Floats:
    """sigma^2 of each pair, from successive differences less what measurement makes of them."""
    has_before = np.ones(panel.sessions, dtype=np.bool_)
    has_before[panel.first] = False
    before = np.roll(residual, 1)
    difference = np.clip(residual - before, -limit, limit)
    of_measurement = panel.variance + np.roll(panel.variance, 1)
    sum2 = panel.sums(np.where(has_before, difference**2 - of_measurement, 0.0)) / 2
    count = panel.sums(has_before.astype(np.float64))
    prior2 = settings.sigma_ratio**2
    sigma2 = (settings.sigma_sessions * prior2 + sum2) / (settings.sigma_sessions + count)
    least: Floats = np.maximum(sigma2, LEAST_SIGMA_SHARE**2 * prior2)
    return least
