"""Faults of what is sent, not of what happens: clocks that are hours off, corrupt rows, silence."""

from collections.abc import Iterator, Sequence

import numpy as np

from warehouse.simulation.clock import DAY_S
from warehouse.simulation.draws import Bools, Draws, Floats, Ints, What
from warehouse.simulation.faults import CLOCKS, SILENCES, Fault, FaultKind

GLITCHES = frozenset({FaultKind.METER_GLITCH, FaultKind.VEHICLE_GLITCH})


class DeviceFaults:
    """Those of some devices of one kind. Arrays of devices by minutes; ``numbers`` says which devices, in order."""

    def __init__(self, draws: Draws, faults: Sequence[Fault], numbers: Ints, instants_s: Ints) -> None:
        self._draws = draws
        self._instants_s = instants_s
        first_s, last_s = int(instants_s.min()), int(instants_s.max())
        known = set(numbers.tolist())
        self._faults = [
            (fault, int(np.searchsorted(numbers, fault.number)))
            for fault in faults
            if fault.number in known and since_s(fault) <= last_s and first_s < until_s(fault) + DAY_S
        ]

    def shift_s(self) -> Ints:
        """How much later it is in truth than by the clock."""
        shift_s = np.zeros(self._instants_s.shape, dtype=np.int64)
        for fault, place in self._of(CLOCKS):
            # A clock that is behind shows what happens later.
            shift_s[place] = np.where(self._is_on(fault, place), -int(fault.size), 0)
        return shift_s

    def silence(self) -> Bools:
        """Whether nothing is sent."""
        silent = np.zeros(self._instants_s.shape, dtype=np.bool_)
        for fault, place in self._of(SILENCES):
            silent[place] |= self._is_on(fault, place)
        for fault, place in self._of(CLOCKS):
            # What a clock says twice, or leaves out, when it is set: never two values at one instant.
            for set_s in (since_s(fault), until_s(fault)):
                seconds = self._instants_s[place] - set_s
                silent[place] |= (seconds >= 0) & (seconds < abs(fault.size))
        return silent

    def corrupt(self, kwh: Floats) -> None:
        """Make single rows zero or tenfold, in place."""
        for fault, place in self._of(GLITCHES):
            days, second = np.divmod(self._instants_s[place], DAY_S)
            subject = np.full(len(days), fault.number, dtype=np.int64)
            # Not in a day's first or last hour: the last reading of a day is never told apart from a true one.
            minute = self._draws.between(60, 1380, What.FAULT_TIME, subject, days).astype(np.int64)
            hit = self._is_on(fault, place) & (second // 60 == minute)
            hit &= self._draws.unit(What.FAULT_ON_DAY, subject, days) < fault.size
            factor = np.where(self._draws.unit(What.GLITCH_VALUE, subject, days) < 0.5, 0.0, 10.0)
            kwh[place] = np.where(hit, np.round(kwh[place] * factor, 3), kwh[place])

    def _of(self, kinds: frozenset[FaultKind]) -> Iterator[tuple[Fault, int]]:
        return ((fault, place) for fault, place in self._faults if fault.kind in kinds)

    def _is_on(self, fault: Fault, place: int) -> Bools:
        instants_s = self._instants_s[place]
        on: Bools = (since_s(fault) <= instants_s) & (instants_s < until_s(fault))
        return on


def since_s(fault: Fault) -> float:
    """When it begins, since 1970."""
    return fault.since.timestamp()


def until_s(fault: Fault) -> float:
    """When it ends, since 1970; infinite where it is not repaired."""
    return float("inf") if fault.until is None else fault.until.timestamp()
