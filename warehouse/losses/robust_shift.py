"""By how much several signals shift from some sessions to others, with a covariance that outliers don't decide on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse.losses.sample import Floats
from warehouse.losses.session_signals import AC, CAPACITY, DC, SIGNALS, SessionSignals
from warehouse.losses.verdict_settings import VerdictSettings

Bools = NDArray[np.bool_]

ROUNDS = 12
MAD_TO_SIGMA = 1.4826
CLIPPED = 3.0
"""Standardised residuals count no further than this in a correlation."""
CORRELATION_SESSIONS = 8.0
"""A correlation is shrunk to 0 as if by so many sessions without any."""
LEAST_SIGNAL_SESSIONS = 3
"""A signal that fewer sessions have, before or since, is left out."""
LEAST_SCALE = 1 / 3
"""Of the prior scatter: the least that is believed of a pair."""


@dataclass(frozen=True)
class Shifts:
    """Of the signals that could be used."""

    known: list[int]
    """Their places in ``SIGNALS``."""
    shift: Floats
    covariance: Floats
    freedom: float
    """Degrees of freedom of the t distribution of the shifts."""


@dataclass(frozen=True)
class _OneShift:
    shift: float
    variance: float
    standardised: Floats
    """Residuals over their scale; NaN where the signal is not known."""


def shifts_of(signals: SessionSignals, since: Bools, before: Bools, settings: VerdictSettings) -> Shifts:
    """Shift of each signal from the sessions ``before`` to those ``since``.

    A session i has the scale ``s_i^2 = sigma^2 + v_i`` (v_i: its variance by steps). Location and sigma are those of
    Student's t with 4 degrees of freedom, by reweighting with ``u_i = (nu + 1) / (nu + r_i^2 / s_i^2)`` (Lange, Little
    and Taylor 1989); sigma^2 is shrunk to that of the settings. Its location has the variance ``(nu + 3) / (nu + 1) /
    sum(1 / s_i^2)``. Correlations are those of the clipped standardised residuals, shrunk by n / (n + 8). Added are the
    drifts: of each signal, of both powers together, of the capacity.
    """
    known, found = [], []
    for place in range(len(SIGNALS)):
        has = ~np.isnan(signals.values[:, place])
        if min((has & since).sum(), (has & before).sum()) >= LEAST_SIGNAL_SESSIONS:
            known.append(place)
            found.append(_one_shift(signals, place, since & has, before & has, settings))
    standardised = np.clip(np.stack([each.standardised for each in found], axis=1), -CLIPPED, CLIPPED)
    complete = standardised[~np.isnan(standardised).any(axis=1)]
    products = complete.T @ complete
    scale = np.sqrt(np.maximum(np.diag(products), 1e-12))
    correlation = products / np.outer(scale, scale) * len(complete) / (len(complete) + CORRELATION_SESSIONS)
    np.fill_diagonal(correlation, 1.0)
    deviation = np.sqrt([each.variance for each in found])
    covariance = correlation * np.outer(deviation, deviation) + settings.model_drift**2 * np.eye(len(known))
    powers = np.array([settings.power_drift * (place in (AC, DC)) for place in known])
    capacity = np.array([settings.capacity_drift * (place == CAPACITY) for place in known])
    covariance += np.outer(powers, powers) + np.outer(capacity, capacity)
    freedom = float(since.sum()) - 1 + settings.scatter_sessions
    return Shifts(known, np.array([each.shift for each in found]), covariance, freedom)


def _one_shift(
    signals: SessionSignals, place: int, since: Bools, before: Bools, settings: VerdictSettings
) -> _OneShift:
    values, steps = signals.values[:, place], signals.variances[:, place]
    freedom, prior = settings.tail_freedom, settings.scatter[place]
    groups = (before, since)
    used = before | since
    centre = [float(np.median(values[group])) for group in groups]
    residual = values - np.where(since, centre[1], centre[0])
    sigma2 = max(MAD_TO_SIGMA * float(np.median(np.abs(residual[used]))), LEAST_SCALE * prior) ** 2
    for _ in range(ROUNDS):
        scale2 = sigma2 + steps
        weight = (freedom + 1) / (freedom + residual**2 / scale2)
        centre = [float(np.average(values[group], weights=(weight / scale2)[group])) for group in groups]
        residual = values - np.where(since, centre[1], centre[0])
        precision = scale2[used] ** -2
        own2 = float(np.sum(precision * (weight * residual**2 - steps)[used]) / precision.sum())
        count = used.sum() - len(groups)
        shrunk2 = (count * max(own2, 0.0) + settings.scatter_sessions * prior**2) / (count + settings.scatter_sessions)
        sigma2 = max(shrunk2, (LEAST_SCALE * prior) ** 2)
    scale2 = sigma2 + steps
    spread = (freedom + 3) / (freedom + 1)
    variance = sum(spread / float((1 / scale2[group]).sum()) for group in groups)
    standardised = np.where(used, residual / np.sqrt(scale2), np.nan)
    return _OneShift(centre[1] - centre[0], variance, standardised)
