"""Sessions found in one-minute registers: the islands of growth, for one device at a time.

A step runs from the last change of the register to this one, and is active at 0.5 kW and more. An island joins active
steps between which the register rests for ten minutes at most, and what its resolution lets it rest while it grows.
"""

from itertools import pairwise
from typing import NamedTuple

from warehouse.simulation.draws import Floats, Ints

ACTIVE_KW = 0.5
LONGEST_PAUSE_S = 600
LEAST_KWH = 0.2


class Island(NamedTuple):
    """Growth without a pause. ``begin_s`` is when the register last showed what it showed before."""

    begin_s: int
    end_s: int
    kwh: float


class Change(NamedTuple):
    """A register that shows something new: when it still showed ``before``, and when it showed ``after``."""

    unchanged_s: int
    changed_s: int
    before: float
    after: float


def islands(instants_s: Ints, kwh: Floats, resolution_kwh: float) -> list[Island]:
    """All islands of at least 0.2 kWh. The tick that opens the first active step belongs to its island."""
    changes = [
        Change(int(earlier_s), int(later_s), float(before), float(after))
        for (earlier_s, before), (later_s, after) in pairwise(zip(instants_s, kwh, strict=True))
        if after != before
    ]
    longest_s = LONGEST_PAUSE_S + resolution_kwh / ACTIVE_KW * 3600
    found: list[Island] = []
    for opens, closes in pairwise(changes):
        if (closes.after - closes.before) * 3600 / (closes.changed_s - opens.changed_s) < ACTIVE_KW:
            continue
        if found and opens.changed_s - found[-1].end_s <= longest_s:
            island, kwh_since = found.pop(), closes.after - opens.before
            if opens.changed_s == island.end_s:
                kwh_since = closes.after - closes.before
            found.append(Island(island.begin_s, closes.changed_s, island.kwh + kwh_since))
        else:
            found.append(Island(opens.unchanged_s, closes.changed_s, closes.after - opens.before))
    return [island for island in found if island.kwh >= LEAST_KWH - 1e-9]
