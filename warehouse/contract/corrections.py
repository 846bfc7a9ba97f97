"""What a correction of readings IS, and the readings that count after it. The reference that every engine is held to.

Who came first is kept, so a false reading stays: history only grows. A correction is a word on what a device's register
showed from one instant to another; of each instant the last word counts, and one that restores takes back what was said
before. So what counts is a function of what was received and of all that was said, in its order.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from warehouse.contract.energy import Sample

INSTANT = timedelta(microseconds=1)
"""How long a correction of one reading lasts: the resolution of its timestamp."""
LONGEST = timedelta(days=31)
"""Of one correction: each day of it is built again."""
AHEAD = timedelta(minutes=5)
"""How far ahead of the clock a correction may reach, as a reading may: what is yet to be read is not corrected."""
CORRECTED_FLAG = "corrected"
"""The flag that tells how many readings behind a number were left out or replaced."""
LONGEST_WHY, LONGEST_WHO = 2000, 200
"""Characters."""


class Action(StrEnum):
    """What becomes of the readings."""

    VOID = "void"
    """They are left out."""
    REPLACE = "replace"
    """They showed another value."""
    RESTORE = "restore"
    """They count as they were received."""


class Correction(NamedTuple):
    """A word on the readings of ``[starts_at, ends_at)``. ``kwh``: what they showed, where it replaces them."""

    starts_at: datetime
    ends_at: datetime
    action: Action
    kwh: float | None = None


def correction_in_force(corrections: Sequence[Correction], ts: datetime) -> Correction | None:
    """The last word on an instant; ``None``: nobody said anything. ``corrections``: in the order of their making."""
    said = (each for each in reversed(corrections) if each.starts_at <= ts < each.ends_at)
    return next(said, None)


def corrected(samples: Iterable[Sample], corrections: Sequence[Correction]) -> list[Sample]:
    """The samples that count, in the order in which they come."""
    counting = []
    for sample in samples:
        word = correction_in_force(corrections, sample.ts)
        if word is None or word.action is Action.RESTORE:
            counting.append(sample)
        elif word.kwh is not None:
            counting.append(Sample(sample.ts, word.kwh))
    return counting
