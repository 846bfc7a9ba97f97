"""What the whole fleet lost more on a day: weather or firmware, and no charger's fault."""

from typing import NamedTuple

import numpy as np

from warehouse.losses.baseline import Reference, of_newest, older, posterior
from warehouse.losses.panel import Bools, Floats, Panel
from warehouse.losses.settings import SETTINGS, LossSettings

ROUNDS = 8
"""Of the power and of what lies far from it in turn."""


class CommonMode(NamedTuple):
    """A fixed power that all pairs lost more."""

    kw: float
    sessions: int
    """From so many."""


def common_mode(
    panel: Panel,
    found: Reference,
    is_recent: Bools,
    taken_kw: Floats,
    is_innocent: Bools,
    fleet: Floats,
    settings: LossSettings = SETTINGS,
) -> CommonMode:
    """The common mode of the recent sessions of a panel.

    With residuals r against the baseline of each pair's sessions before, of variance v = phi / w + x' C x, and x the
    hours for each kWh, ``kw = sum (x r / v) / (sum (x^2 / v) + 1 / common_deviation_kw^2)``: the posterior mean of a
    prior around 0. Residuals count no further from it than ``huber`` (Huber 1964). Too few sessions tell nothing: 0.

    ``is_recent``: of each session, whether it counts; these are the newest of each pair. ``taken_kw``: of each session,
    the common mode that was taken off before. ``is_innocent``: of each pair, whether nothing is suspected of it.
    """
    recent = panel.sums(is_recent.astype(np.float64)).astype(np.int64)
    longest = int(recent.max(initial=0))
    baseline = posterior(older(found, of_newest(panel, found, longest), recent), fleet, settings)
    counts = is_recent & (is_innocent & (baseline.sessions >= settings.least_older_sessions))[panel.pair]
    sessions = int(counts.sum())
    if sessions < settings.common_least_sessions:
        return CommonMode(0.0, sessions)
    pair, x = panel.pair[counts], panel.x[:, counts]
    residual = (panel.y + taken_kw * panel.x[1] - panel.expected(baseline.coefficients))[counts]
    of_coefficients = np.einsum("is,sij,js->s", x, baseline.covariance[pair], x)
    variance = baseline.spread[pair] * (1 / found.weight[counts] + of_coefficients)
    limit = settings.huber * np.sqrt(variance)
    hours = x[1] / variance
    told = (hours * x[1]).sum() + 1 / settings.common_deviation_kw**2
    kw = float(np.median(residual / x[1]))
    for _ in range(ROUNDS):
        kw = float((hours * (kw * x[1] + np.clip(residual - kw * x[1], -limit, limit))).sum() / told)
    return CommonMode(round(kw, settings.common_digits), sessions)
