"""What an efficiency is worth: its status, when a vehicle only stood by, and over which time AC and DC are compared.

``efficiency = DC / AC``, a ratio of sums. The API, the fleet's answer and the daily models rate it alike.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

THRESHOLD_RATIO = 0.85
"""Below it something fails, leaks or wears out. The API's is a setting, of which this is the default."""
TARGET_RATIO = 0.90
"""What a healthy charger reaches; losses are counted against it."""
RATIO_BINS = 20
"""Into which the ratios from 0 to 1 are counted; there is one below and one above besides."""
SHOWN_DIGITS = 4
"""Of a ratio."""
LOW_COVERAGE = 0.9
LOW_ENERGY_KWH_A_DAY = 2.0
LEAST_LOW_ENERGY_KWH = 0.2
COMPARABLE_COVERAGE = 0.2
"""Of AC and of DC: from here on their readings are cut to the same span. A handful of posts is taken as it is."""
COARSE_FIRST_STEP = 0.25
"""Of the hour, day or window: where a first step began further before it, its edges say more than its charger."""
COARSE_SHARE = 0.05
"""Of the larger of AC and DC: where one of them has more than this alone, the day's edges say more than its charger."""


class _Energy(Protocol):
    def __truediv__(self, other: Any, /) -> Any: ...

    def __sub__(self, other: Any, /) -> Any: ...


Energy = TypeVar("Energy", bound=_Energy)
"""A number of kWh, or an engine's column of them."""


class Status(StrEnum):
    """The first that applies."""

    NO_READINGS = "no_readings"
    NO_AC = "no_ac"
    SHARED_METER = "shared_meter"
    DC_EXCEEDS_AC = "dc_exceeds_ac"
    LOW_ENERGY = "low_energy"
    BELOW_THRESHOLD = "below_threshold"
    OK = "ok"


def efficiency_ratio(ac_kwh: Energy, dc_kwh: Energy) -> Energy:
    """DC over AC, of sums; ``ac_kwh`` is above 0. Of numbers, or of columns of them."""
    ratio: Energy = dc_kwh / ac_kwh
    return ratio


def loss_ratio(ac_kwh: Energy, dc_kwh: Energy) -> Energy:
    """What is lost for each kWh that reaches the battery; ``dc_kwh`` is above 0. Of numbers, or of columns of them."""
    ratio: Energy = ac_kwh / dc_kwh - 1
    return ratio


def surplus_kwh(ac_kwh: Energy, dc_kwh: Energy) -> Energy:
    """DC beyond AC, kWh: what no charger can give. Of numbers, or of columns of them."""
    surplus: Energy = dc_kwh - ac_kwh
    return surplus


def coverage_ratio(covered_s: float, length_s: float) -> float:
    """Readings present over expected, at most 1: each stands for one expected interval of its device."""
    return float(min(1.0, covered_s / length_s))


def low_energy_below_kwh(hours: float) -> float:
    """Where AC and DC are both below this, the vehicle only stood by: idle is not inefficient."""
    return max(LEAST_LOW_ENERGY_KWH, LOW_ENERGY_KWH_A_DAY * hours / 24)


def is_low_energy(ac_kwh: float | None, dc_kwh: float | None, hours: float) -> bool:
    """Whether the vehicle only stood by; AC or DC without readings says nothing."""
    limit_kwh = low_energy_below_kwh(hours)
    return ac_kwh is not None and dc_kwh is not None and ac_kwh < limit_kwh and dc_kwh < limit_kwh


def status_of(ratio: float, threshold: float, *, is_low: bool = False, is_comparable: bool = True) -> Status:
    """How a ratio is rated, by what is shown of it.

    ``is_low``: the vehicle only stood by. Not ``is_comparable``: AC and DC are of different times, so the ratio
    accuses nobody.
    """
    # The ratio that is shown is the one that is rated: nobody should read 0.8500 and "below 0.85" in one answer, nor
    # hear of a fault because two sums of the same energy differ in the last bit.
    shown = round(ratio, SHOWN_DIGITS)
    if is_comparable and shown > 1:
        return Status.DC_EXCEEDS_AC
    if is_low:
        return Status.LOW_ENERGY
    return Status.BELOW_THRESHOLD if is_comparable and shown < threshold else Status.OK


class Extent(NamedTuple):
    """The readings of AC or of DC in a window: those that count and, where it is in the window, the one before them."""

    first: datetime
    last: datetime
    expected_interval_s: int
    """The shortest of its devices'."""

    @property
    def length(self) -> timedelta:
        """From the first reading to the last."""
        return self.last - self.first


def is_mismatched(ac: Extent, dc: Extent) -> bool:
    """Whether AC and DC begin or end further apart than their readings explain."""
    apart = max(abs(ac.first - dc.first), abs(ac.last - dc.last))
    return apart > 2 * timedelta(seconds=min(ac.expected_interval_s, dc.expected_interval_s))


def is_long_enough(span: timedelta, ac: Extent, dc: Extent) -> bool:
    """Whether a common span says as much as AC and DC themselves: at least half of the longer one."""
    return 2 * span >= max(ac.length, dc.length)
