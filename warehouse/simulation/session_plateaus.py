"""The power in the middle of a session, as a register shows it: whole steps, from one instant to another."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from warehouse.simulation.charging import Charges
from warehouse.simulation.draws import Floats, Ints

Shown = Callable[[Ints], Floats]
"""What the register of each session shows at these seconds since 1970, in kWh."""


@dataclass(frozen=True, slots=True)
class PlateauSpans:
    """One row a session: the part of its middle half in which the power hardly changes. Seconds since 1970."""

    begin_s: Ints
    end_s: Ints

    def mean_kw(self, shown: Shown) -> Floats:
        """What a register tells of the power: its growth is known to a step of it, so a short plateau is uncertain."""
        kw: Floats = np.maximum(shown(self.end_s) - shown(self.begin_s), 0.0) * 3_600 / (self.end_s - self.begin_s)
        return kw


def plateau_spans(charges: Charges, charge: Ints, begin_s: Ints, end_s: Ints) -> PlateauSpans:
    """Of sessions that are these charges, or parts of them: the phase with power that fills most of the middle half.

    This is where the median of the power lies, as the analysis of registers takes it.
    """
    quarter_s = (end_s - begin_s) // 4
    ends_s = charges.start_s[charge][:, None] + np.cumsum(charges.lasts_s[charge], axis=1)
    begins_s = ends_s - charges.lasts_s[charge]
    from_s = np.maximum(begins_s, (begin_s + quarter_s)[:, None])
    until_s = np.minimum(ends_s, (end_s - quarter_s)[:, None])
    # A pause has no power but the standby's.
    is_on = (charges.dc_kw[charge] > 0) | (charges.dc_kw[charge].max(axis=1) == 0)[:, None]
    longest = np.where(is_on, until_s - from_s, 0).argmax(axis=1)
    row = np.arange(len(charge))
    first_s = from_s[row, longest]
    return PlateauSpans(first_s, np.maximum(until_s[row, longest], first_s + 1))
