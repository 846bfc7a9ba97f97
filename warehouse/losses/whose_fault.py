"""Whose loss it is, where vehicles meet several chargers: a charger, a vehicle, the whole site, or not to be told.

A charger that got worse shows with every vehicle that comes to it, a vehicle with every charger it comes to. Each
device of the site is a hypothesis: that its sessions lose more since some day. Where a vehicle nearly always comes to
the same charger both fit, and no statistics can part them. Then the pair is told, and which charge would decide.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import polars as pl

from warehouse.losses.mixed_model import Ints, SiteModel, fit, site_model, weights
from warehouse.losses.sample import Floats
from warehouse.losses.settings import SETTINGS, LossSettings
from warehouse.losses.shift_scan import Shift, best_shift
from warehouse.losses.verdict_settings import VERDICTS, VerdictSettings

FITS = 3
"""Weights and shift settle within so many rounds."""


class Subject(StrEnum):
    """What a loss is told of."""

    CHARGER = "charger"
    VEHICLE = "vehicle"
    SITE = "site"
    """Everything at once: the weather, or new firmware."""
    PAIR = "pair"
    """A vehicle and a charger, one of the two: undecided."""
    UNCLEAR = "unclear"
    """The whole site or some device of it: undecided."""


@dataclass(frozen=True)
class SiteVerdict:
    """What is said of one loss at a site."""

    subject: Subject
    vehicle_id: object | None
    """Of a pair both are told, of the site none; nor where it is unclear."""
    meter_id: object | None
    probability: float
    """Of what is named; of a pair, of both together."""
    z: float
    shift: float
    """Of the loss ratio, and its standard deviation."""
    sigma: float
    began_between: tuple[datetime | None, datetime]
    """The end of the last session without it (None: there is none), and of the first with it."""
    session_count: int
    """Since the onset."""
    counterpart_count: int
    """How many chargers the vehicle met (vehicles the charger, the site), in the window that bears the name;"""
    largest_share: float
    """of them the one that was met most, in this share of the sessions. Without a name: of all since the onset."""

    @property
    def deciding_charge(self) -> str | None:
        """What would decide it; None where it is decided."""
        if self.subject is not Subject.PAIR:
            return None
        return (
            f"charge vehicle {self.vehicle_id} two or three times elsewhere than at {self.meter_id}, "
            f"and other vehicles at {self.meter_id}"
        )


@dataclass(frozen=True)
class _Candidate:
    subject: Subject
    number: int
    """Of the device."""
    found: Shift


def whose_fault(
    rows: pl.DataFrame, fleet: Floats, losses: LossSettings = SETTINGS, settings: VerdictSettings = VERDICTS
) -> list[SiteVerdict]:
    """The losses of one site (rows of ``SAMPLE`` up to a day) that are there now, the clearest first.

    ``fleet``: the coefficients (a, P, H1, H2) of the fleet. A loss is told from ``open_z`` and ``open_points`` on, the
    points being those of the efficiency. With z_k the best of the windows of hypothesis k, ``p_k = exp(z_k^2 / 2) /
    sum_j exp(z_j^2 / 2)``: the likelihood of its best window over that of no shift at all. A device is named where p >=
    0.9 and one of its windows since the onset bears the name: z > ``open_z`` in it, at least three counterparts, and
    none of them in more than 60 % of it. What is told is put into the model, and the rest is searched again.
    """
    rows = rows.sort("ended_at")
    model = site_model(rows, fleet, losses, settings)
    told: list[SiteVerdict] = []
    shifts = np.zeros((len(rows), 0))
    for _ in range(settings.most_faults):
        candidates = _candidates(model, shifts, losses, settings)
        best = max(candidates, key=lambda each: each.found.z, default=None)
        if best is None or not _is_open(best.found, rows, losses):
            break
        told.append(_verdict(best, candidates, model, rows, losses.thresholds.open_z, settings))
        shifts = np.concatenate([shifts, _column(best.found, len(rows))], axis=1)
    return told


def _candidates(model: SiteModel, shifts: Floats, losses: LossSettings, settings: VerdictSettings) -> list[_Candidate]:
    """Each device, and the site, with its best window; weights are those of the model with the best of all in it."""
    with_best, found = shifts, list[_Candidate]()
    weight = 1 / (losses.sigma_ratio**2 + model.steps)
    for _ in range(FITS):
        weight = weights(model, fit(model, weight, with_best).residual, losses)
        found = list(_scanned(model, weight, shifts, losses, settings))
        if not found:
            break
        best = max(found, key=lambda each: each.found.z)
        with_best = np.concatenate([shifts, _column(best.found, len(weight))], axis=1)
    return found


def _scanned(
    model: SiteModel, weight: Floats, shifts: Floats, losses: LossSettings, settings: VerdictSettings
) -> list[_Candidate]:
    fitted = fit(model, weight, shifts)
    of_devices = np.arange(settings.least_window, settings.longest_window + 1)
    hypotheses: list[tuple[Subject, int, Ints, Ints]] = [
        (subject, number, np.flatnonzero(devices == number)[::-1], of_devices)
        for subject, devices in ((Subject.CHARGER, model.meter), (Subject.VEHICLE, model.vehicle))
        for number in range(int(devices.max()) + 1)
    ]
    everything = np.arange(len(weight))[::-1]
    hypotheses.append((Subject.SITE, 0, everything, np.array(settings.site_windows)))
    found = []
    for subject, number, sessions, sizes in hypotheses:
        shift = best_shift(model, fitted, sessions, sizes, losses, least_older=losses.least_older_sessions)
        if shift is not None:
            found.append(_Candidate(subject, number, shift))
    return found


def _is_open(found: Shift, rows: pl.DataFrame, losses: LossSettings) -> bool:
    loss_ratio = float(np.median(rows["loss_ratio"].to_numpy()[found.rows]))
    points = 100 * (1 / (1 + loss_ratio - found.shift) - 1 / (1 + loss_ratio))
    return found.z > losses.thresholds.open_z and points > losses.thresholds.open_points


def _verdict(
    best: _Candidate,
    candidates: list[_Candidate],
    model: SiteModel,
    rows: pl.DataFrame,
    open_z: float,
    settings: VerdictSettings,
) -> SiteVerdict:
    z = np.array([each.found.z for each in candidates])
    relative = np.exp((z**2 - best.found.z**2) / 2)
    probability = dict(
        zip(((each.subject, each.number) for each in candidates), relative / relative.sum(), strict=True)
    )
    window = best.found.rows
    met = _met(best, model)
    bearing = _bearing_window(best.found, met, open_z, settings)
    in_window = met[(bearing or len(window)) - 1]
    share, counterparts = float(in_window.max() / in_window.sum()), int((in_window > 0).sum())
    is_named = probability[best.subject, best.number] >= settings.told_probability and (
        best.subject is Subject.SITE or bearing is not None
    )
    told = float(probability[best.subject, best.number])
    numbers = {best.subject: best.number}
    subject = best.subject
    if not is_named and best.subject is Subject.SITE:
        subject = Subject.UNCLEAR
    elif not is_named:
        subject = Subject.PAIR
        other = Subject.VEHICLE if best.subject is Subject.CHARGER else Subject.CHARGER
        numbers[other] = int(met[-1].argmax())
        told += float(probability.get((other, numbers[other]), 0.0))
    ends = rows["ended_at"]
    first = int(window[-1])
    own = _own_rows(best, model)
    older = own[own < first]
    return SiteVerdict(
        subject=subject,
        vehicle_id=_id(rows["vehicle_id"], model.vehicle, numbers.get(Subject.VEHICLE)),
        meter_id=_id(rows["meter_id"], model.meter, numbers.get(Subject.CHARGER)),
        probability=told,
        z=best.found.z,
        shift=best.found.shift,
        sigma=best.found.sigma,
        began_between=(ends[int(older[-1])] if len(older) else None, ends[first]),
        session_count=len(window),
        counterpart_count=counterparts,
        largest_share=share,
    )


def _met(best: _Candidate, model: SiteModel) -> Ints:
    """How often each counterpart was met in the newest 1, 2, ... sessions of the best window: a row each."""
    window = best.found.rows
    others = model.meter if best.subject is Subject.VEHICLE else model.vehicle
    is_met = others[window][:, None] == np.arange(int(others.max()) + 1)[None, :]
    return np.cumsum(is_met, axis=0)


def _bearing_window(found: Shift, met: Ints, open_z: float, settings: VerdictSettings) -> int | None:
    """Of the windows since the onset that can bear a name, the size of the one with the largest z."""
    is_since = found.sizes <= len(found.rows)
    sizes, z = found.sizes[is_since], found.z_of_sizes[is_since]
    in_windows = met[sizes - 1]
    can_bear = (
        (z > open_z)
        & ((in_windows > 0).sum(axis=1) >= settings.least_counterparts)
        & (in_windows.max(axis=1) <= settings.most_share * sizes)
    )
    return int(sizes[np.where(can_bear, z, -1.0).argmax()]) if can_bear.any() else None


def _own_rows(best: _Candidate, model: SiteModel) -> Ints:
    if best.subject is Subject.SITE:
        return np.arange(len(model.vehicle))
    devices = model.meter if best.subject is Subject.CHARGER else model.vehicle
    return np.flatnonzero(devices == best.number)


def _id(ids: pl.Series, numbers: Ints, number: int | None) -> object | None:
    return None if number is None else ids[int(np.flatnonzero(numbers == number)[0])]


def _column(found: Shift, length: int) -> Floats:
    column = np.zeros((length, 1))
    column[found.rows] = 1.0
    return column
