"""The loss ratios of a site as a mixed model: a regression for each vehicle, an intercept for each charger.

    y_i = x_i' beta_v(i) + u_m(i) + e_i,   beta_v ~ N(beta_fleet, B),  u_m ~ N(0, tau^2),  e_i ~ N(0, sigma_v^2 + s_i^2)

y: loss ratio of a session (``SAMPLE``); x: its regressors; v, m: its vehicle and charger; B: the diagonal prior of a
pair; s_i^2: the variance by steps of registers. Its equations (Henderson 1975) are a ridge regression of as many
unknowns as the site has devices. All is numpy; docs/verdicts.md has the derivation.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.losses.sample import Floats, regressors
from warehouse.losses.settings import LossSettings
from warehouse.losses.verdict_settings import VerdictSettings

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SiteModel:
    """What is known of a site's sessions: a row each."""

    vehicle: Ints
    """The number of the vehicle, in the order of their ids."""
    meter: Ints
    design: Floats
    """Columns: five for each vehicle, one for each charger."""
    penalty: Floats
    """Of each column: 1 / prior variance."""
    off: Floats
    """What the loss ratio is above that of the fleet."""
    steps: Floats
    """Its variance by steps of registers."""
    cold: Floats
    """Of the loss ratio: what the fleet's coefficients make of the cold."""
    hours_per_kwh: Floats
    kelvin_cold: Floats
    """Below the warmer knee."""


@dataclass(frozen=True)
class Fitted:
    """The model with its random effects at their most probable values."""

    residual: Floats
    weight: Floats
    spread: Floats
    """Covariance of the effects: inverse of Henderson's matrix."""
    weighted_design: Floats


def site_model(rows: pl.DataFrame, fleet: Floats, losses: LossSettings, settings: VerdictSettings) -> SiteModel:
    """Of a site's rows of ``SAMPLE``; ``fleet``: the coefficients (a, P, H1, H2, B) that its fleet has."""
    vehicle, meter = (_numbers(rows[name]) for name in ("vehicle_id", "meter_id"))
    x = regressors(rows, losses)
    count, vehicles, meters = len(rows), int(vehicle.max()) + 1, int(meter.max()) + 1
    terms = x.shape[1]
    design = np.zeros((count, terms * vehicles + meters))
    row = np.arange(count)
    for term in range(terms):
        design[row, terms * vehicle + term] = x[:, term]
    design[row, terms * vehicles + meter] = 1.0
    of_vehicles = np.tile(1 / np.array(losses.pair_deviation) ** 2, vehicles)
    of_meters = np.full(meters, 1 / settings.charger_deviation**2)
    knee = max(losses.cold_knees_celsius)
    return SiteModel(
        vehicle=vehicle,
        meter=meter,
        design=design,
        penalty=np.concatenate([of_vehicles, of_meters]),
        off=rows["loss_ratio"].to_numpy() - x @ fleet,
        steps=rows["variance"].to_numpy(),
        cold=x[:, 2:] @ fleet[2:],
        hours_per_kwh=x[:, 1],
        kelvin_cold=np.maximum(knee - rows["battery_celsius"].fill_null(knee).to_numpy(), 0.0),
    )


def fit(model: SiteModel, weight: Floats, shifts: Floats) -> Fitted:
    """Solve ``(X'WX + K) theta = X'W y``; ``shifts`` are more columns of X, without a prior: faults that are known."""
    design = np.concatenate([model.design, shifts], axis=1)
    penalty = np.concatenate([model.penalty, np.zeros(shifts.shape[1])])
    weighted = weight[:, None] * design
    spread = np.linalg.inv(design.T @ weighted + np.diag(penalty))
    effects = spread @ (weighted.T @ model.off)
    return Fitted(model.off - design @ effects, weight, spread, weighted)


def weights(model: SiteModel, residual: Floats, losses: LossSettings) -> Floats:
    """``1 / (sigma_v^2 + s_i^2)``, less for outliers (Huber 1964).

    ``sigma_v^2`` of a vehicle is the mean of ``r_i^2 - s_i^2`` with residuals clipped, shrunk to that of the settings.
    """
    prior2, sessions = losses.sigma_ratio**2, losses.sigma_sessions
    limit2 = losses.clip_sigmas**2 * (prior2 + model.steps)
    own2 = np.bincount(model.vehicle, np.minimum(residual**2, limit2) - model.steps)
    count = np.bincount(model.vehicle)
    sigma2 = np.maximum((sessions * prior2 + own2) / (sessions + count), prior2 / 4)
    scale2 = sigma2[model.vehicle] + model.steps
    outlying = np.abs(residual) / np.sqrt(scale2)
    weight: Floats = np.minimum(1.0, losses.huber / np.maximum(outlying, losses.huber)) / scale2
    return weight


def _numbers(devices: pl.Series) -> Ints:
    return (devices.rank("dense").to_numpy() - 1).astype(np.int64)
