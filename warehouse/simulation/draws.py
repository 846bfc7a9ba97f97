"""Repeatable draws: numbers that depend on the seed and on what is drawn, never on what was drawn before.

A generator with a state would have to be stepped through the past; a hash is asked directly for vehicle 4711 on day
300. The hash is the finaliser of splitmix64, in numpy arithmetic that wraps at 64 bits.
"""

from collections.abc import Sequence
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

    # A site, its chargers, its vehicles: for good.
    DAY_BEGINS = auto()
    SITE_VOLTAGE = auto()
    SITE_CLIMATE = auto()
    INDOORS = auto()
    HOME_SHARE = auto()
    CHARGER_MODEL = auto()
    CHARGER_LOSS = auto()
    ELECTRONICS = auto()
    STANDBY = auto()
    METER_GAIN = auto()
    METER_RESOLUTION = auto()
    FIRST_REGISTER = auto()
    VOLTAGE_SENSOR = auto()
    VEHICLE_MODEL = auto()
    VEHICLE_LOSS = auto()
    FIXED_LOSS = auto()
    COLD_LOSS = auto()
    NOISE_SIZE = auto()
    REGISTER_GAIN = auto()
    REGISTER_RESOLUTION = auto()
    COUNTS_REGENERATION = auto()
    FULL_SOC = auto()
    USUAL_ENERGY = auto()
    REST_SHARE = auto()
    TEMPERATURE_SENSOR = auto()
    # A day.
    FRONT = auto()
    VOLTAGE_OF_DAY = auto()
    SOAK = auto()
    RESTS = auto()
    TWICE = auto()
    ELSEWHERE = auto()
    ELSEWHERE_ENERGY = auto()
    PREHEATS = auto()
    PREHEATING = auto()
    ENERGY_OF_DAY = auto()
    SPLIT_OF_DAY = auto()
    DEPARTURE = auto()
    PLUG_IN = auto()
    CHARGER_OF_DAY = auto()
    OTHER_CHARGER = auto()
    # A session; the number of the session within its day is added to the subject.
    SESSION_NOISE = auto()
    SET_POINT = auto()
    INTERRUPTION = auto()
    INTERRUPTION_AT = auto()
    INTERRUPTION_LENGTH = auto()
    LIMITED_TO = auto()
    FREEZES = auto()
    # A device and what it sends.
    PHASE = auto()
    JITTER = auto()
    SKEW = auto()
    VOLTAGE_NOISE = auto()
    LOST = auto()
    TWICE_SENT = auto()
    OUTAGE = auto()
    OUTAGE_BEGIN = auto()
    OUTAGE_LENGTH = auto()
    OUTAGE_KIND = auto()
    # A fault of a year.
    FAULTY = auto()
    FAULT_KIND = auto()
    FAULT_SINCE = auto()
    FAULT_LASTS = auto()
    FAULT_REPAIRED = auto()
    FAULT_SIZE = auto()
    FAULT_SIGN = auto()
    FAULT_ON_DAY = auto()
    FAULT_TIME = auto()
    GLITCH_VALUE = auto()
    # What is measured of a session besides energies.
    POWER_WANDERS = auto()
    VOLTAGE_OF_SESSION = auto()
    VOLTAGE_DRIFT = auto()
    SOC_AT_START = auto()
    SOC_AT_END = auto()
    SOC_DRIFT = auto()


class Draws:
    """All draws of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = _mix_int(seed & _MASK)

    def unit(self, what: What, subject: Ints, moment: Ints | None = None) -> Floats:
        """A number in [0, 1) for each subject, or for each pair of subject and moment (the two are broadcast)."""
        return _as_unit(self._bits(what, subject, moment))

    def between(self, low: float, high: float, what: What, subject: Ints, moment: Ints | None = None) -> Floats:
        """A number in [low, high)."""
        return low + (high - low) * self.unit(what, subject, moment)

    def log_between(self, low: float, high: float, what: What, subject: Ints, moment: Ints | None = None) -> Floats:
        """A number in [low, high), as often between 1 and 2 as between 10 and 20."""
        drawn: Floats = low * (high / low) ** self.unit(what, subject, moment)
        return drawn

    def choice(self, weights: Sequence[float], what: What, subject: Ints, moment: Ints | None = None) -> Ints:
        """The place of one of the weights, each as often as it weighs."""
        bounds = np.cumsum(weights) / np.sum(weights)
        return np.searchsorted(bounds[:-1], self.unit(what, subject, moment), side="right").astype(np.int64)

    def normal(self, what: What, subject: Ints, moment: Ints | None = None) -> Floats:
        """Of the standard normal distribution (Box and Muller 1958)."""
        bits = self._bits(what, subject, moment)
        radius = np.sqrt(-2 * np.log1p(-_as_unit(bits)))
        drawn: Floats = radius * np.cos(2 * np.pi * _as_unit(_mix(bits + np.uint64(_GOLDEN))))
        return drawn

    def heavy_tailed(self, what: What, subject: Ints, moment: Ints | None = None) -> Floats:
        """Of Student's t with four degrees of freedom, whose quantile is closed (Shaw 2006), at most 12."""
        unit = self.unit(what, subject, moment)
        alpha = np.maximum(4 * unit * (1 - unit), 1e-9)
        quantile = 2 * np.sqrt(np.maximum(np.cos(np.arccos(np.sqrt(alpha)) / 3) / np.sqrt(alpha) - 1, 0.0))
        drawn: Floats = np.sign(unit - 0.5) * np.minimum(quantile, 12.0)
        return drawn

    def _bits(self, what: What, subject: Ints, moment: Ints | None) -> NDArray[np.uint64]:
        salt = np.uint64(_mix_int(self._seed + _GOLDEN * int(what)))
        hashed = _mix(subject.astype(np.uint64) * np.uint64(_GOLDEN) ^ salt)
        if moment is None:
            return hashed
        return _mix(hashed ^ (moment.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN))


def _as_unit(bits: NDArray[np.uint64]) -> Floats:
    return (bits >> np.uint64(11)).astype(np.float64) * _UNIT


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
