"""The constants of excess loss, in one typed, versioned table; ADR 110 says where each comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Thresholds:
    """From where on a score is told."""

    suspected_z: float = 4.5
    open_z: float = 5.0
    open_points: float = 1.5
    """It opens only where the efficiency is lower by more than this."""
    notify_z: float = 5.5
    close_share: float = 1 / 3
    """It closes when the median of ``close_sessions`` sessions lies below this share of its shift; and of a window that
    is told, ``shifted_share`` of the sessions lie above."""


@dataclass(frozen=True)
class LossSettings:
    """Constants of the expected loss of a pair, and of what counts as more than that.

    A loss ratio is energy lost for each kWh that reaches the battery, ``E_ac / E_dc - 1``. A point is a hundredth of
    the efficiency ``E_dc / E_ac``.
    """

    version: int = 3
    """Goes up when a constant or a formula changes."""

    # What a session tells.
    cold_knees_celsius: tuple[float, float] = (18.0, 8.0)
    """Below each of them the fixed loss grows with the cold of the battery."""
    heated_below_celsius: float = 8.0
    """Where the fleet's batteries are colder than this, a heater may take energy: they are switched on at 0 to 5 C of a
    parked battery, and a charge warms it by some kelvin."""
    fleet_temperature_days: int = 7
    """Where a vehicle has no sensor and nothing is known of the day, the fleet's median of so many days is taken;"""
    borrowed_temperature_kw: float = 0.06
    """standard deviation of the fixed loss that a borrowed temperature brings,"""
    no_temperature_ratio: float = 0.02
    """and of the loss ratio where no temperature is known at all."""

    # What a pair is expected to lose: a, P in kW, H1 and H2 in kW per kelvin, B in kWh per kelvin.
    fleet_start: tuple[float, float, float, float, float] = (0.075, 0.20, 0.012, 0.006, 0.0)
    """Coefficients of a fleet of which nothing is known,"""
    fleet_start_deviation: tuple[float, float, float, float, float] = (0.03, 0.15, 0.006, 0.006, 0.02)
    """and how far those of a real fleet lie from them."""
    pair_deviation: tuple[float, float, float, float, float] = (0.020, 0.10, 0.008, 0.006, 0.10)
    """How far the coefficients of a pair lie from its fleet's: one standard deviation each. A battery of 60 kWh takes
    0.1 kWh for each kelvin; whether it has a heater is not known."""
    huber: float = 2.0
    """Beyond so many standard deviations a residual counts with a lower weight (Huber 1964)."""
    fleet_digits: int = 4
    """To so many digits the fleet's coefficients are told: a late session of one pair must not restate all others."""
    sigma_ratio: float = 0.008
    """A pair's own scatter from session to session before anything is known of it,"""
    sigma_sessions: float = 10.0
    """which weighs as much as so many sessions."""
    clip_sigmas: float = 4.0
    """A single session counts no further than this."""

    # What the sessions of a window say.
    history_days: int = 180
    """Sessions are looked back on so far."""
    least_older_sessions: int = 14
    """A window is compared with at least so many sessions before it."""
    windows: tuple[int, ...] = (3, 4, 5, 6, 8, 10, 14, 20, 28, 40)
    """In sessions, counted back from the newest."""
    distant_windows: tuple[tuple[int, int], ...] = ((10, 28), (14, 40), (20, 40))
    """For what grows slowly: windows of so many sessions, and how many of the newest their baselines leave out. The
    beginning of a drift would else be part of what it is compared with."""
    shifted_share: float = 0.7
    """At least so many of a window lie above ``close_share`` of its shift."""
    model_error_ratio: float = 0.002
    """Standard deviation of what the model leaves out,"""
    weather_error_share: float = 0.10
    """of what it makes of other weather, as a share of that,"""
    cold_error_kw_per_kelvin: float = 0.002
    """and of what the cold adds to the fixed loss, for each kelvin of change."""
    tail_sessions: float = 5.0
    """A window of k sessions is less sure by sqrt(1 + this / k): few sessions with heavy tails are not normal."""

    window_sessions: float = 4.0
    """How much the sessions of a window scatter counts as much as if it were expected from so many besides."""

    # What all pairs share.
    common_days: int = 2
    common_least_sessions: int = 30
    """Fewer sessions within those days tell nothing of the fleet."""
    common_deviation_kw: float = 0.03
    """How large a change that the whole fleet shares is expected to be."""
    common_digits: int = 3
    """It is told to the watt, for the same reason as the fleet's coefficients."""

    # What becomes of it.
    thresholds: Thresholds = Thresholds()
    thresholds_of_models: Mapping[str, Thresholds] = field(default_factory=dict)
    """By charger model: these instead, all of them."""
    close_sessions: int = 7
    """So many sessions have to be as before until a finding closes."""
    unseen_days: int = 45
    """Without a session that could be compared for so long nothing is known of a pair any more: what was open closes,
    what was suspected is dropped. As long as data faults keep sessions (``kept_days``), and longer than a holiday."""
    same_finding_days: int = 14
    """What comes back within so many days is the same finding."""


SETTINGS = LossSettings()
