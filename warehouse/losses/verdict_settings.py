"""The constants of verdicts on losses, in one typed, versioned table; ADR 111 says where each comes from."""

from dataclasses import dataclass

from warehouse.sessions.settings import SETTINGS as SESSIONS


@dataclass(frozen=True)
class VerdictSettings:
    """Constants of what is said about whose loss it is. A log is natural: 0.05 is five percent."""

    version: int = 1
    """Goes up when a constant or a formula changes."""
    told_probability: float = 0.9
    """From here on a cause is told; below, it is undecided."""

    # Bad from the first day.
    least_peers: int = 9
    """Other pairs of the same models, below which nothing is said."""
    first_day_points: float = 3.0
    """Worse than the median of the peers by so many points of efficiency,"""
    first_day_deviations: float = 3.5
    """and by so many robust standard deviations of theirs."""

    # Which register, where vehicle and meter are a fixed pair.
    longest_interval_s: float = 300.0
    """Devices that report less often show no plateau."""
    least_plateau_minutes: float = 20.0
    """A plateau is the middle half of a charge."""
    voltage_share: float = 0.8
    """Of a session's readings: so many have a voltage, or the session has none."""
    least_charged_percent: float = 5.0
    """A smaller change of the state of charge tells nothing of the capacity."""
    least_before: int = 8
    least_after: int = 5
    """Sessions before and since the onset."""
    scatter: tuple[float, float, float, float] = (0.010, 0.008, 0.010, 0.015)
    """Of the logs of energies, AC power, DC power and DC energy a point, before anything is known of a pair;"""
    scatter_sessions: float = 6.0
    """it weighs as much as so many sessions."""
    tail_freedom: float = 4.0
    """Degrees of freedom of Student's t, as which sessions scatter."""
    power_drift: float = 0.005
    """Standard deviation of a shift that both powers share: the set point, the sensor of the voltage."""
    capacity_drift: float = 0.010
    """Of what a point of the state of charge holds: the estimate of a vehicle's electronics."""
    model_drift: float = 0.002
    """Of each signal by itself."""
    changed_share: float = 0.03
    """Prior probability that the set point was changed, or the state of charge calibrated, at the same time;"""
    changed_deviation: float = 0.10
    """by so much (one standard deviation)."""
    other_share: float = 0.02
    """Prior probability that it is something else."""
    shifts: tuple[float, float] = (0.01, 0.30)
    """The smallest and the largest shift of log(E_ac / E_dc) that is thought of."""
    in_car_below_kw: float = SESSIONS.most_ac_kw
    """Above, it is a DC charger, whose power the vehicle sets on the DC side."""

    # Whose fault, where vehicles meet several chargers.
    charger_deviation: float = 0.010
    """How far the loss ratios of a site's chargers lie from one another: one standard deviation."""
    least_window: int = 4
    longest_window: int = 60
    """Sessions of a device since the onset that are looked at."""
    site_windows: tuple[int, ...] = (20, 30, 40, 60, 80, 120, 160, 240)
    """Sessions of the whole site."""
    most_faults: int = 3
    """Of a site at the same time."""
    least_counterparts: int = 3
    """A device is named only if it met so many others since the onset,"""
    most_share: float = 0.6
    """and none of them in more than this share of the sessions."""


VERDICTS = VerdictSettings()
