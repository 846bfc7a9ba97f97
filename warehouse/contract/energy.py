"""The energy rule: what the increase of a dirty register is. The plain reference that every engine is held to.

A device is a *counter* (a register that only grows; energy is its increase) or reports *intervals* (each sample is the
energy since the one before). Which of the two is declared, never inferred.

For neighbours ``a -> b`` of a counter, ``d = b.kwh - a.kwh`` over ``dt`` seconds, and::

    cap(t) = max_power_kw * t / 3600 * 1.10 + 1.0        (no limit where max_power_kw is None)
    b is reachable from a  when  -min(0.10 * a.kwh, cap(min(dt, 900))) <= d <= cap(dt)

1. A *glitch* is a sample its predecessor cannot reach while its successor, on the same UTC day, is reachable from that
   predecessor: one corrupt row, left out. Only where ``max_power_kw`` is known.
2. Each remaining step contributes by the first row that matches: reachable (a small step back is a ``dip`` and
   subtracts), ``jump`` (0), declared ``rollover``, ``reset`` to zero (contributes what the register shows now), else
   ``rebase`` (0). A step longer than 15 expected intervals carries ``gap`` besides; its energy is booked.

The rule looks at neighbours only and never past midnight, so a day is computed exactly from its own samples and one
carried sample. Known limits: a corrupt zero as the last row before a long silence books up to ``cap(dt)``; a register
that restarts and climbs past its old value between two samples looks like a glitch.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

TOLERANCE_KWH = 1e-6
"""Comparisons allow this much, so that a register printed with three decimals is not judged by its float64 noise."""


class EnergyKind(StrEnum):
    """What a device's kWh field means."""

    COUNTER = "counter"
    INTERVAL = "interval"


class Flag(StrEnum):
    """What the rule found doubtful about a sample or the step that ends at it."""

    GLITCH = "glitch"
    DIP = "dip"
    JUMP = "jump"
    ROLLOVER = "rollover"
    RESET = "reset"
    REBASE = "rebase"
    GAP = "gap"


class DeviceSettings(NamedTuple):
    """What the rule needs to know of a device. Powers in kW, energies in kWh, ``None`` means unknown (no limit)."""

    energy_kind: EnergyKind = EnergyKind.COUNTER
    max_power_kw: float | None = 400.0
    rollover_kwh: float | None = None
    resolution_kwh: float = 0.01
    expected_interval_s: int = 60


class Sample(NamedTuple):
    """A register reading: an aware instant and kWh."""

    ts: datetime
    kwh: float


class Step(NamedTuple):
    """What the step that ends at ``ts`` contributes in kWh. A glitch is a step of 0 kWh: its sample is left out."""

    ts: datetime
    kwh: float
    flags: tuple[Flag, ...] = ()


def steps(samples: Iterable[Sample], settings: DeviceSettings) -> list[Step]:
    """Book the energy of one device's samples, in any order and with repeats, step by step.

    Returns one step for each sample that books energy or carries a flag, in order of time. The first sample of a
    counter has no predecessor and books nothing; each sample of an interval device books its own value.
    """
    ordered = sorted(set(samples))
    if settings.energy_kind is EnergyKind.INTERVAL:
        return [Step(sample.ts, sample.kwh) for sample in ordered]
    glitches = _glitches(ordered, settings)
    kept = [sample for sample in ordered if sample.ts not in glitches]
    booked = [_step(before, after, settings) for before, after in pairwise(kept)]
    return sorted([*booked, *(Step(ts, 0.0, (Flag.GLITCH,)) for ts in glitches)])


def increase_kwh(samples: Iterable[Sample], settings: DeviceSettings) -> float:
    """The energy of the whole series in kWh; 0 for an empty series or the single sample of a counter."""
    return sum(step.kwh for step in steps(samples, settings))


def _cap_kwh(seconds: float, settings: DeviceSettings) -> float:
    """The most a register can grow in this time. 1.0 on top because a register may show whole kWh."""
    if settings.max_power_kw is None:
        return float("inf")
    return settings.max_power_kw * seconds / 3600 * 1.10 + 1.0


def _reachable(before: Sample, after: Sample, settings: DeviceSettings) -> bool:
    seconds = (after.ts - before.ts).total_seconds()
    largest_dip = min(0.10 * before.kwh, _cap_kwh(min(seconds, 900), settings))
    change = after.kwh - before.kwh
    return -largest_dip - TOLERANCE_KWH <= change <= _cap_kwh(seconds, settings) + TOLERANCE_KWH


def _glitches(ordered: Sequence[Sample], settings: DeviceSettings) -> set[datetime]:
    if settings.max_power_kw is None:
        return set()
    return {
        sample.ts
        for before, sample, after in zip(ordered, ordered[1:], ordered[2:], strict=False)
        if sample.ts.astimezone(UTC).date() == after.ts.astimezone(UTC).date()
        and not _reachable(before, sample, settings)
        and _reachable(before, after, settings)
    }


def _step(before: Sample, after: Sample, settings: DeviceSettings) -> Step:
    seconds = (after.ts - before.ts).total_seconds()
    kwh, flag = _contribution(before, after, settings)
    flags = (flag,) if flag else ()
    if seconds > 15 * settings.expected_interval_s:
        flags = (*flags, Flag.GAP)
    return Step(after.ts, kwh, flags)


def _contribution(before: Sample, after: Sample, settings: DeviceSettings) -> tuple[float, Flag | None]:
    change = after.kwh - before.kwh
    cap = _cap_kwh((after.ts - before.ts).total_seconds(), settings) + TOLERANCE_KWH
    rollover = settings.rollover_kwh
    if _reachable(before, after, settings):
        return change, Flag.DIP if change < 0 else None
    if change > cap:
        return 0.0, Flag.JUMP
    if (
        rollover is not None
        and before.kwh >= 0.9 * rollover - TOLERANCE_KWH
        and after.kwh <= 0.1 * rollover + TOLERANCE_KWH
        and rollover + change <= cap
    ):
        return rollover + change, Flag.ROLLOVER
    if after.kwh < 0.9 * before.kwh + TOLERANCE_KWH and after.kwh <= cap:
        return after.kwh, Flag.RESET
    return 0.0, Flag.REBASE
