"""When devices report, and what becomes of it: each minute at a second of their own; lost, late and repeated readings.

A device that is cut off for a while loses what it would have sent, or keeps it and sends it when it is back.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.simulation.clock import DAY_S, MINUTE_S
from warehouse.simulation.draws import Bools, Draws, Floats, Ints, What

PHASES_S = 56
JITTER_S = 4
"""A device reports in its own second of the minute or up to three later."""
MOST_SKEW_S = 8
"""By how much a clock is wrong at most, either way."""
LOST_SHARE = 0.001
REPEATED_SHARE = 0.0005
OUTAGE_SHARE = 0.012
"""Of the days of a device."""
OUTAGE_S = (300.0, 14_400.0)
LATE_SHARE = 0.4
"""Of the outages: the device keeps its readings and sends them at the end."""


@dataclass(frozen=True, slots=True)
class Outages:
    """At most one for each of these devices and UTC days. Seconds since 1970; from ``begin_s`` to before ``end_s``."""

    begin_s: Ints
    end_s: Ints
    is_late: Bools


class Delivery:
    """Of the devices of one kind, called by the subjects of their draws."""

    def __init__(self, draws: Draws, subjects: Ints) -> None:
        self._draws = draws
        self._subjects = subjects
        # The same for every seed: a fleet of another seed reports at the same instants, so the API notices the mix-up
        # as conflicts instead of storing two fleets in one.
        self._times = Draws(0)
        self._phase_s = (self._times.unit(What.PHASE, subjects) * PHASES_S).astype(np.int64)
        self._skew_s = np.rint(draws.between(-MOST_SKEW_S, MOST_SKEW_S, What.SKEW, subjects)).astype(np.int64)

    def instants_s(self, minutes: Ints, numbers: Ints) -> Ints:
        """When these devices (a column) report in these minutes, by their own clocks."""
        jitter = self._times.unit(What.JITTER, self._subjects[numbers], minutes) * JITTER_S
        return minutes * MINUTE_S + self._phase_s[numbers] + jitter.astype(np.int64)

    def skew_s(self, numbers: Ints) -> Ints:
        """How much later it is in truth than by the clock."""
        return self._skew_s[numbers]

    def fates(self, minutes: Ints, numbers: Ints) -> Floats:
        """A number for each reading: below ``LOST_SHARE`` it is lost, just above (``is_repeated``) it is sent twice."""
        return self._draws.unit(What.LOST, self._subjects[numbers], minutes)

    def outages(self, days: Ints, numbers: Ints) -> Outages:
        """Those of these UTC days (numbers of days since 1970), for each device."""
        subjects = self._subjects[numbers]
        happens = self._draws.unit(What.OUTAGE, subjects, days) < OUTAGE_SHARE
        begin_s = days * DAY_S + (self._draws.unit(What.OUTAGE_BEGIN, subjects, days) * DAY_S).astype(np.int64)
        length_s = self._draws.log_between(*OUTAGE_S, What.OUTAGE_LENGTH, subjects, days).astype(np.int64)
        end_s = np.minimum(begin_s + length_s, (days + 1) * DAY_S - 1)  # within its day
        is_late = self._draws.unit(What.OUTAGE_KIND, subjects, days) < LATE_SHARE
        return Outages(np.where(happens, begin_s, 0), np.where(happens, end_s, 0), is_late)


def is_lost(fates: Floats) -> Bools:
    """Whether single readings never arrive."""
    return fates < LOST_SHARE


def is_repeated(fates: Floats) -> Bools:
    """Whether they are sent twice."""
    return (fates >= LOST_SHARE) & (fates < LOST_SHARE + REPEATED_SHARE)
