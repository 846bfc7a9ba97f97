"""Repeatable draws: numbers that depend on the seed and on what is drawn, never on what was drawn before.

A generator with a state would have to be stepped through the past; a hash is asked directly for vehicle 4711 on day
300. The hash is the finaliser of splitmix64, in numpy arithmetic that wraps at 64 bits.
"""

from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_UNIT = 2.0**-53  # the 53 upper bits of a hash make a float64 in [0, 1)


class What(IntEnum):
    """What a draw decides. Append only: the numbers enter the hash, so a new order would be another fleet."""

    BATTERY_CAPACITY = auto()
    FULL_SOC = auto()
    USUAL_ENERGY = auto()
    DAY_BEGINS = auto()
    CHARGER_MODEL = auto()
    CHARGER_EFFICIENCY = auto()
    FIXED_LOSS = auto()
    STANDBY = auto()
    FIRST_REGISTER = auto()
    SITE_VOLTAGE = auto()
    SITE_CLIMATE = auto()
    VOLTAGE_SENSOR = auto()
    TEMPERATURE_SENSOR = auto()
    METER_PHASE = auto()
    VEHICLE_PHASE = auto()
    KIND_OF_DAY = auto()
    ENERGY_OF_DAY = auto()
    SPLIT_OF_DAY = auto()
    DEPARTURE = auto()
    PLUG_IN = auto()
    EFFICIENCY_OF_FIRST_SESSION = auto()
    EFFICIENCY_OF_SECOND_SESSION = auto()
    VOLTAGE_NOISE = auto()
    FAULTY_VEHICLE = auto()
    FAULT_SINCE = auto()
    FAULT_SIZE = auto()
    FAULT_ON_DAY = auto()
    FAULT_TIME = auto()
    FAULT_LENGTH = auto()
    FAULTY_DEVICE = auto()


class Draws:
    """All draws of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = _mix_int(seed & _MASK)

    def unit(self, what: What, subject: Ints, moment: Ints | None = None) -> Floats:
        """A number in [0, 1) for each subject, or for each pair of subject and moment (the two are broadcast)."""
        salt = np.uint64(_mix_int(self._seed + _GOLDEN * int(what)))
        hashed = _mix(subject.astype(np.uint64) * np.uint64(_GOLDEN) ^ salt)
        if moment is not None:
            hashed = _mix(hashed ^ (moment.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN))
        return (hashed >> np.uint64(11)).astype(np.float64) * _UNIT

    def between(self, low: float, high: float, what: What, subject: Ints, moment: Ints | None = None) -> Floats:
        """A number in [low, high)."""
        return low + (high - low) * self.unit(what, subject, moment)


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _mix_int(bits: int) -> int:
    """The same for one number, in Python: a numpy scalar would warn where an array wraps silently."""
    bits = (bits + _GOLDEN) & _MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)
