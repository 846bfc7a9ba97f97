"""Whether a loss is real, or a register is wrong, where a vehicle and a meter are a fixed pair.

Charger and car cannot be told apart there, but three causes of a shift d of log(E_ac / E_dc) can. The grid and the set
point decide on the AC power, so that a loss makes the charge longer and the DC power smaller. Shifts of the logs:

    signal                                       loss   meter high   DC register low
    e = log(E_ac / E_dc)                          +d        +d             +d
    a = log(AC plateau / voltage)                  0        +d              0
    b = log(DC plateau / voltage)                 -d         0             -d
    c = log(DC energy / point of SoC)              0         0             -d

E_ac, E_dc in kWh, plateaus in kW, voltage in V, state of charge (SoC) in percent. Behind a DC charger the vehicle sets
the DC power: a loss shows as (+d, +d, 0, 0), like a meter that reads high. The derivation is in docs/verdicts.md.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import polars as pl

from warehouse.losses.robust_shift import shifts_of
from warehouse.losses.sample import Floats
from warehouse.losses.session_signals import AC, CAPACITY, DC, SIGNALS, signals_of
from warehouse.losses.verdict_settings import VERDICTS, VerdictSettings


class Cause(StrEnum):
    """Where a shift of a fixed pair comes from."""

    CHARGER_OR_CAR = "charger_or_car"
    """Energy is lost. Test charges of the car elsewhere, or of another car here, decide which."""
    METER_HIGH = "meter_reads_high"
    DC_REGISTER_LOW = "dc_register_reads_low"
    UNDECIDED = "undecided"


class Why(StrEnum):
    """Why nothing is told."""

    RARE_READINGS = "readings are too far apart to show a power"
    SHORT_PLATEAUS = "charges are too short to show a power"
    FEW_SESSIONS = "too few sessions before or since"
    DC_CHARGER = "behind a DC charger a loss looks like a meter that reads high"
    UNCLEAR = "powers and state of charge fit more than one cause"


MARKS = {
    Cause.CHARGER_OR_CAR: (1.0, 0.0, -1.0, 0.0),
    Cause.METER_HIGH: (1.0, 1.0, 0.0, 0.0),
    Cause.DC_REGISTER_LOW: (1.0, 0.0, -1.0, -1.0),
}
"""Shifts of (e, a, b, c) in units of d."""
MARKS_OF_LOSS_BEHIND_DC = (1.0, 1.0, 0.0, 0.0)
GRID = 60
"""Sizes of d that are summed over, each as probable as the other on the scale of its log."""


@dataclass(frozen=True)
class RegisterVerdict:
    """What is said of one shift of one pair."""

    cause: Cause
    probability: float
    """Of the cause; where undecided, of the most probable one (0 where nothing could be computed)."""
    probabilities: dict[Cause, float]
    """They leave to 1 what is something else."""
    shifts: dict[str, tuple[float, float]]
    """Of each signal that could be used: shift of the log, and its standard deviation."""
    session_count: tuple[int, int]
    """Used, before and since the onset."""
    why: Why | None
    """None where the cause is told."""


def which_register(
    sessions: pl.DataFrame,
    onset: datetime,
    interval_s: float,
    expected_loss_ratio: Floats | None = None,
    settings: VerdictSettings = VERDICTS,
) -> RegisterVerdict:
    """The cause of a loss that began at ``onset``, by the sample of its pair (``SAMPLE``).

    ``interval_s``: the longer one of the intervals at which the two devices report. ``expected_loss_ratio``: of each
    session by the pair's baseline; it takes the weather out.

    Posterior probabilities ``p(h | s) ~ p(h) * integral p(s | h, d) p(d) dd`` of ``MARKS``, each cause as probable as
    the others before: ``s`` = the shifts, Student's t with covariance C of ``shifts_of``. C also holds what both powers
    share (0.5 %), and what the electronics of a vehicle take for its capacity (1 %). At ``changed_share`` each of these
    two is 10 % (a set point was changed, a battery calibrated), at ``other_share`` all four signals are anywhere.
    """
    if interval_s > settings.longest_interval_s:
        return _undecided(Why.RARE_READINGS, (0, 0))
    signals = signals_of(sessions, expected_loss_ratio, settings)
    since = (sessions["ended_at"] >= onset).to_numpy()
    usable = ~np.isnan(signals.values[:, [AC, DC]]).all(axis=1)
    counts = int((usable & ~since).sum()), int((usable & since).sum())
    if counts[0] < settings.least_before or counts[1] < settings.least_after:
        all_counts = int((~since).sum()), int(since.sum())
        is_short = all_counts[0] >= settings.least_before and all_counts[1] >= settings.least_after
        return _undecided(Why.SHORT_PLATEAUS if is_short else Why.FEW_SESSIONS, counts)
    shifts = shifts_of(signals, since & usable, ~since & usable, settings)
    plateau_kw = sessions.filter(pl.Series(usable))["ac_plateau_kw"].median()
    is_dc = isinstance(plateau_kw, float) and plateau_kw > settings.in_car_below_kw
    marks = {cause: np.array(mark) for cause, mark in MARKS.items()}
    if is_dc:
        marks[Cause.CHARGER_OR_CAR] = np.array(MARKS_OF_LOSS_BEHIND_DC)
    known = shifts.known
    evidence = {
        cause: (1 - settings.other_share)
        / len(marks)
        * _evidence(shifts.shift, shifts.covariance, mark[known], known, shifts.freedom, settings)
        for cause, mark in marks.items()
    }
    anywhere = shifts.covariance + settings.changed_deviation**2 * np.eye(len(known))
    other = settings.other_share * float(_density(shifts.shift[None, :], anywhere, shifts.freedom)[0])
    total = sum(evidence.values()) + other
    probabilities = {cause: value / total for cause, value in evidence.items()}
    best = max(probabilities, key=lambda cause: probabilities[cause])
    told = {
        SIGNALS[place]: (float(shift), float(sigma))
        for place, shift, sigma in zip(known, shifts.shift, np.sqrt(np.diag(shifts.covariance)), strict=True)
    }
    is_told = probabilities[best] >= settings.told_probability
    why = None if is_told else Why.DC_CHARGER if is_dc else Why.UNCLEAR
    cause = best if is_told else Cause.UNDECIDED
    return RegisterVerdict(cause, probabilities[best], probabilities, told, counts, why)


def _evidence(
    shift: Floats, covariance: Floats, mark: Floats, known: list[int], freedom: float, settings: VerdictSettings
) -> float:
    """The mean over d of the density of the shifts, with both nuisances small or large."""
    d = np.geomspace(*settings.shifts, GRID)
    off = shift[None, :] - d[:, None] * mark[None, :]
    of_powers = np.array([float(place in (AC, DC)) for place in known])
    of_capacity = np.array([float(place == CAPACITY) for place in known])
    variance = settings.changed_deviation**2
    total = 0.0
    for power in (0, 1):
        for capacity in (0, 1):
            share = settings.changed_share ** (power + capacity) * (1 - settings.changed_share) ** (
                2 - power - capacity
            )
            wider = covariance + variance * (
                power * np.outer(of_powers, of_powers) + capacity * np.outer(of_capacity, of_capacity)
            )
            total += share * float(_density(off, wider, freedom).mean())
    return total


def _density(off: Floats, covariance: Floats, freedom: float) -> Floats:
    """Of Student's t with this scale matrix, but for a factor that all of one dimension share."""
    of_scale = np.linalg.solve(covariance, off.T).T
    distance = (off * of_scale).sum(axis=1)
    log_det = np.linalg.slogdet(covariance)[1]
    density: Floats = np.exp(-0.5 * log_det - (freedom + off.shape[1]) / 2 * np.log1p(distance / freedom))
    return density


def _undecided(why: Why, counts: tuple[int, int]) -> RegisterVerdict:
    return RegisterVerdict(Cause.UNDECIDED, 0.0, dict.fromkeys(MARKS, 0.0), {}, counts, why)
