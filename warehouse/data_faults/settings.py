"""The constants of the rules for data faults, in one place; ADR 103 says where each comes from."""

from dataclasses import dataclass

from warehouse.contract.reporting import OFFLINE_S, STALE_INTERVALS
from warehouse.sessions.settings import SETTINGS as SESSIONS


@dataclass(frozen=True)
class FaultSettings:
    """Constants of R9, R8, R7, R6, R5 and R4, in order of precedence."""

    version: int = 2
    """Goes up when a constant or a formula changes. The first was a rule on the ratio of a day."""

    # What is kept of sessions from day to day.
    kept_sessions: int = 16
    """So many of each device,"""
    kept_days: int = 45
    """and none older."""
    forgotten_after_days: int = 14
    """A fault that closed is remembered so long: found again within that time, it is the same one."""

    # R9: silence.
    stale_intervals: int = STALE_INTERVALS
    """A device is stale after so many expected intervals without a reading,"""
    offline_s: int = OFFLINE_S
    """and offline after this time; one that reports seldom, when it is stale."""

    # When both sides of a session agree; R8 and R7.
    match_base_s: int = 240
    """Starts and ends agree within this, for devices that report each minute,"""
    match_per_interval: float = 2.0
    """more for each second by which the longer sampling interval exceeds a minute,"""
    match_power_kw: float = 2.3
    """and as long as ticks of both registers stay unseen at this power: the slowest usual charge."""
    least_island_kwh: float = 2.0
    """Smaller islands are not compared: preheating, growth by braking."""
    least_sessions: int = 6
    """So many of the side that has fewer are compared;"""
    windows: tuple[int, ...] = (6, 9, 12)
    """of the last so many."""
    unmatched_below: float = 0.5
    """The two sides do not belong together where less of the sessions agree."""
    matched_from: float = 0.7
    """A lag, or another meter, explains them from this share on."""
    least_lag_s: int = 600
    """A smaller lag is no fault of a clock."""
    longest_lag_s: int = 50_400
    """14 h: every time zone's error."""
    plausible_ratio: tuple[float, float] = (0.5, 1.05)
    """DC over AC of a session that may be of one vehicle and one meter."""

    # R6: a meter that stands still.
    frozen_least_kwh: float = 0.5
    frozen_resolutions: float = 5.0
    """DC of at least this, or of so many ticks of both registers,"""
    frozen_share: float = 0.2
    """with less AC than this share of it,"""
    frozen_sessions: int = 2
    """so many times,"""
    frozen_window: int = 10
    """of the last so many sessions with DC at the meter."""
    least_sag_volts: float = 1.0
    """The voltage is lower by at least this while a vehicle charges at the meter,"""
    least_sag_share: float = 0.5
    """and by this share of what is usual there."""
    usual_plateau_share: float = 0.15
    """How far the DC power may be from the usual one at this meter."""
    usual_sessions: int = 3
    """Sessions from which on there is a usual power."""

    # R5: more DC than AC; R6 and R5: coverage.
    excess_sessions: int = 7
    excess_sigmas: float = 3.0
    sigma_ac: float = SESSIONS.sigma_ac
    """Relative error of an AC register, one standard deviation (class B)."""
    sigma_dc: float = SESSIONS.sigma_dc
    """Relative error of a DC register."""
    least_coverage: float = SESSIONS.qualified_coverage
    """Of both sides' readings."""

    # R4: leakage.
    idle_least_hours: float = 6.0
    """A day with less idle time says nothing."""
    early_days: int = 7
    """A meter's own standby is the median of its first so many days,"""
    early_least_days: int = 3
    """and known from so many on."""
    fleet_margin_watts: float = 10.0
    """A standby is not above its peers' median by more than this."""
    least_peers: int = 9
    """Fewer chargers have no median that counts."""
    most_ac_kw: float = SESSIONS.most_ac_kw
    """Chargers up to this power are peers of each other; above it only those of one model are."""
    leak_least_watts: float = 15.0
    leak_sigmas: float = 4.0
    tick_watt_hours: float = 700.0
    """Uncertainty of idle energy in Wh for each kWh of resolution: a tick at either end of an idle span."""
    leak_days: int = 3
    leak_of_days: int = 4


SETTINGS = FaultSettings()
