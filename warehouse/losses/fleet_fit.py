"""What a pair of this fleet loses, before anything is known of it: fitted once a week over all pairs.

A random-coefficients model (Swamy 1970): the coefficients of pair p are drawn from N(beta, D) with D the diagonal of
pair_deviation^2, and its sessions tell A_p and b_p = sum w x y (``warehouse/losses/baseline.py``). With
C_p = (D^-1 + A_p)^-1, the information of pair p about beta is I_p, and what it says of it u_p:

    I_p = D^-1 - D^-1 C_p D^-1,    u_p = D^-1 C_p b_p,    beta = (sum I_p)^-1 sum u_p

so a pair with a thousand sessions counts as one draw, not as a thousand. Pairs far from the others count less (Huber
1964), and where the fleet says nothing, as of the cold in summer, ``fleet_start`` is what is expected.
"""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from warehouse.losses.baseline import matrices, reference
from warehouse.losses.panel import COEFFICIENTS, Floats, Panel
from warehouse.losses.schemas import FLEET_FITS
from warehouse.losses.settings import SETTINGS, LossSettings

ROUNDS = 5
"""Of the pairs' weights and the coefficients in turn."""


class FleetFit(NamedTuple):
    """What is expected of a pair."""

    coefficients: Floats
    """a, P in kW, H1 and H2 in kW per kelvin, B in kWh per kelvin."""
    deviation: Floats
    """How well each of them is known: one standard deviation."""
    pairs: int
    sessions: int


def unknown_fleet(settings: LossSettings = SETTINGS) -> FleetFit:
    """What is expected before the first week has closed."""
    return FleetFit(np.array(settings.fleet_start), np.array(settings.fleet_start_deviation), 0, 0)


def fitted(fit: FleetFit, week: date, settings: LossSettings = SETTINGS) -> pl.DataFrame:
    """The row of ``FLEET_FITS`` of a fit, rounded; no row where it is of no sessions."""
    numbers = [round(float(each), settings.fleet_digits) for each in (*fit.coefficients, *fit.deviation)]
    rows = [(week, *numbers, fit.pairs, fit.sessions)] if fit.sessions else []
    return pl.DataFrame(rows, FLEET_FITS, orient="row")


def coefficients_of(fits: pl.DataFrame, settings: LossSettings = SETTINGS) -> Floats:
    """a, P, H1, H2 and B of ``FLEET_FITS``; without a row those of a fleet of which nothing is known."""
    if fits.is_empty():
        return unknown_fleet(settings).coefficients
    names = FLEET_FITS.names()[1 : 1 + COEFFICIENTS]
    told = fits.select(pl.col(name).fill_null(usual) for name, usual in zip(names, settings.fleet_start, strict=True))
    known: Floats = told.to_numpy()[0]
    return known


def week_of_fit(day: date) -> date:
    """The Monday before which the sessions end that the fit of a day is made from: the last one up to the day."""
    return day - timedelta(days=day.weekday())


def fleet_fit(panel: Panel, settings: LossSettings = SETTINGS) -> FleetFit:
    """Fit the sessions of a fleet; without any it is ``unknown_fleet``."""
    start = unknown_fleet(settings)
    if not panel.sessions:
        return start
    known = reference(panel, start.coefficients, settings).total
    precision = np.diag(1 / np.square(settings.pair_deviation))
    covariance = np.linalg.inv(precision + matrices(known.xx))
    told = precision - precision @ covariance @ precision
    says = np.einsum("ij,pjk,pk->pi", precision, covariance, known.xy)
    start_told = np.diag(1 / np.square(start.deviation))
    beta, weight = start.coefficients, np.ones(len(told))
    total = start_told
    for _ in range(ROUNDS):
        total = start_told + np.einsum("p,pij->ij", weight, told)
        beta = np.linalg.solve(total, start_told @ start.coefficients + weight @ says)
        weight = np.minimum(1.0, settings.huber / np.maximum(_distances(told, says, beta), 1e-9))
    return FleetFit(beta, np.sqrt(np.diag(np.linalg.inv(total))), len(told), panel.sessions)


def _distances(told: Floats, says: Floats, beta: Floats) -> Floats:
    """How far each pair lies from the fleet, in standard deviations of one coefficient (Mahalanobis)."""
    away = says - told @ beta
    distance2 = np.einsum("pi,pij,pj->p", away, np.linalg.pinv(told, hermitian=True), away)
    distance: Floats = np.sqrt(np.maximum(distance2, 0.0) / COEFFICIENTS)
    return distance
