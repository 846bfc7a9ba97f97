"""The energy rule: what the increase of a dirty register is. The plain reference that every engine is held to.

A device is a *counter* (a register that only grows; energy is its increase) or reports *intervals* (each sample is the
energy since the one before). Which of the two is declared, never inferred.

For neighbours ``a -> b`` of a counter, ``d = b.kwh - a.kwh`` over ``dt`` seconds, and::

    cap(t) = max_power_kw * t / 3600 * 1.10 + 1.0        (no limit where max_power_kw is None)
    b is reachable from a  when  -min(0.10 * a.kwh, cap(min(dt, 900))) <= d <= cap(dt)

1. A *glitch* is one sample, or one of two or three neighbouring samples of the same value, that their predecessor
   cannot reach while the sample after them, on the same UTC day, is reachable from that predecessor: corrupt rows, left
   out. The shortest such run counts. Predecessor and successor are the neighbours before anything is left out, so a
   good sample right behind a run may be flagged too, which changes no total. Values that differ are a register that
   counts on. Only where ``max_power_kw`` is known.
2. Each remaining step contributes by the first row that matches: reachable (a small step back is a ``dip`` and
   subtracts), ``jump`` (0), declared ``rollover`` (``rollover_kwh - a.kwh + b.kwh``, where ``a`` shows the last tenth
   below ``rollover_kwh`` and no more, and ``b`` the first), ``reset`` to zero (contributes what the register shows now:
   less than 0.9 of what it showed, and at most ``min(cap(dt), max_reset_kwh)``, what one battery takes), else
   ``rebase`` (0). A step longer than 15 expected intervals carries ``gap`` besides; its energy is booked.

So no step but a ``dip`` is negative. A register that shows more than its ``rollover_kwh`` does not roll over there: it
is treated as if none were declared.

The rule looks at neighbours only and never past midnight, so a day is computed exactly from its own samples and one
boundary sample. Known limits: a corrupt zero as the last row before a long silence can book up to
``min(cap(dt), max_reset_kwh)``, and so can a used meter that is put in and shows less than that; a counter that
restarts and passes its old value at the next sample but one, or after a flat run of two or three, looks like a glitch.
Setting ``max_power_kw`` to the charger's real limit makes both unlikely. A register that restarts and takes more than
``max_reset_kwh`` before it reports again books nothing: trucks declare more.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

TOLERANCE_KWH = 1e-6
"""Comparisons allow this much, so that a register printed with three decimals is not flagged for its float64 noise."""

CAP_MARGIN = 1.10
"""Chargers pass a little more than their label says, and clocks are not exact."""
CAP_BASE_KWH = 1.0
"""Whatever its power, a register may grow this much at once: some show whole kWh."""
LARGEST_DIP_SHARE = 0.10
"""Of what the register showed: a larger step back is no dip."""
LONGEST_DIP_S = 900
"""A dip is no larger than what the device could pass in this time, however long ago the sample before is."""
LONGEST_RUN = 3
"""So many equal corrupt rows are glitches; one more is another register."""
ROLLS_OVER_FROM = 0.9
ROLLS_OVER_TO = 0.1
"""A rollover leads from the last tenth up to ``rollover_kwh`` into the first."""
RESTARTS_BELOW = 0.9
"""A register that restarted shows less than this share of what it showed."""
MAX_RESET_KWH = 150.0
"""What a register that restarted shows at most, unless declared otherwise: a large battery with its losses."""
GAP_INTERVALS = 15
"""A step that took longer than so many expected intervals is a gap."""


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
    max_reset_kwh: float | None = MAX_RESET_KWH


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
    """The most a register can grow in this time."""
    if settings.max_power_kw is None:
        return float("inf")
    return settings.max_power_kw * seconds / 3600 * CAP_MARGIN + CAP_BASE_KWH


def _reachable(before: Sample, after: Sample, settings: DeviceSettings) -> bool:
    seconds = (after.ts - before.ts).total_seconds()
    largest_dip = min(LARGEST_DIP_SHARE * before.kwh, _cap_kwh(min(seconds, LONGEST_DIP_S), settings))
    change = after.kwh - before.kwh
    return -largest_dip - TOLERANCE_KWH <= change <= _cap_kwh(seconds, settings) + TOLERANCE_KWH


def _glitches(ordered: Sequence[Sample], settings: DeviceSettings) -> set[datetime]:
    if settings.max_power_kw is None:
        return set()
    return {
        sample.ts
        for first in range(1, len(ordered))
        for sample in ordered[first : first + _corrupt_run(ordered, first, settings)]
    }


def _corrupt_run(ordered: Sequence[Sample], first: int, settings: DeviceSettings) -> int:
    """How many samples from ``first`` on are the shortest run that is left out; 0: it begins none."""
    before, corrupt = ordered[first - 1], ordered[first]
    if _reachable(before, corrupt, settings):
        return 0
    for length, after in enumerate(ordered[first + 1 : first + 1 + LONGEST_RUN], start=1):
        if after.ts.astimezone(UTC).date() != corrupt.ts.astimezone(UTC).date():
            return 0
        if _reachable(before, after, settings):
            return length
        if after.kwh != corrupt.kwh:
            return 0
    return 0


def _step(before: Sample, after: Sample, settings: DeviceSettings) -> Step:
    seconds = (after.ts - before.ts).total_seconds()
    kwh, flag = _contribution(before, after, settings)
    flags = (flag,) if flag else ()
    if seconds > GAP_INTERVALS * settings.expected_interval_s:
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
        and ROLLS_OVER_FROM * rollover - TOLERANCE_KWH <= before.kwh <= rollover + TOLERANCE_KWH
        and after.kwh <= ROLLS_OVER_TO * rollover + TOLERANCE_KWH
        and rollover + change <= cap
    ):
        return max(rollover + change, 0.0), Flag.ROLLOVER  # within the tolerance it could be less
    has_restarted = after.kwh < RESTARTS_BELOW * before.kwh + TOLERANCE_KWH
    if has_restarted and after.kwh <= min(cap, _max_reset_kwh(settings) + TOLERANCE_KWH):
        return after.kwh, Flag.RESET
    return 0.0, Flag.REBASE


def _max_reset_kwh(settings: DeviceSettings) -> float:
    return float("inf") if settings.max_reset_kwh is None else settings.max_reset_kwh
