"""Since when, and by how much, the sessions of a device of a site lose more: all windows up to now, at once."""

from dataclasses import dataclass

import numpy as np

from warehouse.losses.mixed_model import Fitted, Ints, SiteModel
from warehouse.losses.sample import Floats
from warehouse.losses.settings import LossSettings

LEAST_INFORMATION = 0.01
"""Of the weight of a window: where the model takes on more than the rest, as of a fault it knows, nothing is told."""


@dataclass(frozen=True)
class Shift:
    """The window of a device that stands out most."""

    rows: Ints
    """Of the model: the sessions of the window, newest first."""
    z: float
    shift: float
    """Of the loss ratio."""
    sigma: float
    sizes: Ints
    """Of all windows that were looked at, in sessions counted from the newest, ..."""
    z_of_sizes: Floats
    """... and their z; 0 where a window is not taken."""


def best_shift(
    model: SiteModel, fitted: Fitted, sessions: Ints, sizes: Ints, losses: LossSettings, *, least_older: int
) -> Shift | None:
    """Of the windows that hold the newest ``sizes`` of these ``sessions`` (newest first): the one of the largest z.

    A window adds a column d of zeros and ones to the model. With V the covariance of the sessions under the model
    without it, ``V^-1 = W - W X C X' W``, generalised least squares gives its shift, ``delta = d'V^-1 y / d'V^-1 d``.
    ``d'V^-1 y = d'W r``, r being the residuals of that model, so one fit serves all windows, and sums along the
    sessions are all that is needed of each. Sessions before a window are its baseline; those in it are not.

    ``z = delta / sqrt(1 / d'V^-1 d + 0.002^2 + (0.10 w)^2 + (0.003 x k)^2)``, w being by how much the weather of the
    window changes the loss, x its mean hours for a kWh, k by how many kelvin it is colder. No window is taken of whose
    sessions less than 70 % lie above a third of the shift.
    """
    sizes = sizes[(sizes <= len(sessions) - least_older)]
    if not len(sizes):
        return None
    weight, weighted = fitted.weight[sessions], fitted.weighted_design[sessions]
    last = sizes - 1
    score = np.cumsum(weight * fitted.residual[sessions])[last]
    crossed = np.cumsum(weighted, axis=0)[last]
    absorbed = crossed @ fitted.spread
    total = np.cumsum(weight)[last]
    information = total - (absorbed * crossed).sum(axis=1)
    is_told = information > LEAST_INFORMATION * total
    information = np.where(is_told, information, total)
    delta = score / information
    variance = 1 / information + _beyond_the_model(model, sessions, sizes, losses)
    z = np.where(is_told, delta / np.sqrt(variance), 0.0)
    # Without the window in the model, effects have taken on a part of its shift.
    design = weighted / np.where(weight > 0, weight, 1.0)[:, None]
    residual = fitted.residual[sessions][:, None] + (design @ absorbed.T) * delta[None, :]
    is_inside = np.arange(len(sessions))[:, None] < sizes[None, :]
    above = ((residual > delta[None, :] / 3) & is_inside).sum(axis=0) / sizes
    z = np.where((above >= losses.shifted_share) & (delta > 0), z, 0.0)
    best = int(z.argmax())
    if z[best] <= 0:
        return None
    sigma = float(np.sqrt(variance[best]))
    return Shift(sessions[: sizes[best]], float(z[best]), float(delta[best]), sigma, sizes, z)


def _beyond_the_model(model: SiteModel, sessions: Ints, sizes: Ints, losses: LossSettings) -> Floats:
    """Variance of a shift by what the model does not know of other weather."""

    def changes(of: Floats) -> Floats:
        summed = np.cumsum(of[sessions])
        inside = summed[sizes - 1]
        change: Floats = inside / sizes - (summed[-1] - inside) / np.maximum(len(sessions) - sizes, 1)
        return change

    hours = np.cumsum(model.hours_per_kwh[sessions])[sizes - 1] / sizes
    variance: Floats = (
        losses.model_error_ratio**2
        + (losses.weather_error_share * changes(model.cold)) ** 2
        + (losses.cold_error_kw_per_kelvin * hours * changes(model.kelvin_cold)) ** 2
    )
    return variance
