"""What counts as a charge: the constants of sessions and standby, in one place."""

from dataclasses import dataclass

from warehouse.contract.reporting import CHARGING_KW, CHARGING_TICKS

HOUR_US = 3_600_000_000
"""Microseconds of an hour."""


@dataclass(frozen=True)
class SessionSettings:
    """Constants of the session rule; ADR 101 says where each comes from."""

    active_kw: float = CHARGING_KW
    """A step of a register is part of a charge from this mean power on."""
    pause_s: int = 600
    """The longest pause within an island, besides the time in which a tick of the register stays unseen."""
    least_kwh: float = 0.2
    """What an island holds at least; less is energy between sessions."""
    longest_h: int = 36
    """A longer island is cut; a longer wait for a reading ends."""
    event_intervals: int = 3
    """A step of more expected intervals from a reading at rest: the device reports only begin and end of a charge."""
    reaches_before_share: float = 0.75
    """How near to the change before, in sampling intervals, a computed start counts as having reached it."""
    single_tick: float = CHARGING_TICKS
    """An opening step of at most so many resolutions is one tick, of which half was there before."""
    plateau_ticks: float = 20.0
    """A run of steps tells a power from so many ticks of the register on;"""
    plateau_runs: int = 10
    """the median of at least so many is the plateau, of fewer the mean power of them together."""
    guard_s: int = 600
    """So long before and after an island nothing is called standby."""
    voltage_before_s: int = 1800
    """How long before a session the voltage at rest is taken from."""
    qualified_kwh: float = 1.0
    """A session tells of efficiency from this AC energy on, and"""
    qualified_coverage: float = 0.9
    """where of the readings of both sides at least so many came."""
    sigma_ac: float = 0.01
    """Relative error of an AC register, one standard deviation (class B)."""
    sigma_dc: float = 0.02
    """Relative error of a DC register."""
    implausible_sigma: float = 3.0
    """DC above AC by so many standard deviations is a fault of the data."""
    least_ac_loss: float = 0.01
    """No charger in a car loses less: the best that ADAC measured lost 6 %."""
    most_ac_kw: float = 25.0
    """More than a charger in a car takes (22 kW, with margin): this is a DC charger, which may be metered behind it."""

    @property
    def longest_us(self) -> int:
        """``longest_h`` in microseconds."""
        return self.longest_h * HOUR_US


SETTINGS = SessionSettings()
