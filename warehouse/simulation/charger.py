"""A charger: its models, and what a charging session draws from the grid and brings to the battery at any second.

A session is a closed formula of time: constant power, then a taper in which the power falls linearly. So its energy up
to any second is exact, and nothing is summed up minute by minute. All fields are arrays of one shape, one element a
vehicle-day (or an instant), and all seconds count from the beginning of the vehicle's own day.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from warehouse.simulation.draws import Floats

TAPER_SHARE = 0.12
"""The share of a session's energy that is charged while the power falls."""
LAST_POWER_RATIO = 0.1
"""The power at which the charger stops, as a share of the constant power."""
WARM_UP_S = 3600.0
COOL_DOWN_S = 7200.0


class ChargerModel(NamedTuple):
    """What is printed on the charger: its AC power, and its efficiency without the fixed losses."""

    name: str
    ac_kw: float
    efficiency_ratio: float


MODELS = (
    ChargerModel("wallbox-7", 7.4, 0.940),
    ChargerModel("wallbox-11", 11.0, 0.935),
    ChargerModel("depot-22", 22.0, 0.930),
)


@dataclass(frozen=True, slots=True)
class Session:
    """One charging session a vehicle-day; a day without one has a session of 0 kWh."""

    start_s: Floats
    energy_kwh: Floats
    """What the battery receives."""
    dc_kw: Floats
    """The constant power at the battery, before the taper."""
    efficiency_ratio: Floats
    fixed_loss_kw: Floats
    """Electronics, fans, contactors: drawn while charging, however small the power."""

    def map(self, change: Callable[[Floats], Floats]) -> "Session":
        """The same session with each field changed, e.g. picked by index."""
        return Session(
            change(self.start_s),
            change(self.energy_kwh),
            change(self.dc_kw),
            change(self.efficiency_ratio),
            change(self.fixed_loss_kw),
        )

    @property
    def constant_s(self) -> Floats:
        """How long the power is constant."""
        return (1 - TAPER_SHARE) * 3600 * self.energy_kwh / self.dc_kw

    @property
    def taper_s(self) -> Floats:
        """How long the power falls."""
        return TAPER_SHARE * 3600 * self.energy_kwh / (self.dc_kw * (1 + LAST_POWER_RATIO) / 2)

    @property
    def end_s(self) -> Floats:
        """When the charger stops."""
        return self.start_s + self.constant_s + self.taper_s

    def charged_s(self, second: Floats) -> Floats:
        """How long the session has lasted by this second."""
        return np.clip(second - self.start_s, 0.0, self.constant_s + self.taper_s)

    def delivered_kwh(self, second: Floats) -> Floats:
        """What the battery has received by this second."""
        charged_s, constant_s, taper_s = self.charged_s(second), self.constant_s, self.taper_s
        tapered_s = np.maximum(charged_s - constant_s, 0.0)
        missed_s = (1 - LAST_POWER_RATIO) * tapered_s**2 / (2 * np.maximum(taper_s, 1.0))
        full_power_s: Floats = np.minimum(charged_s, constant_s) + tapered_s - missed_s
        return self.dc_kw * full_power_s / 3600

    def drawn_kwh(self, second: Floats) -> Floats:
        """What the grid has given by this second."""
        return self.delivered_kwh(second) / self.efficiency_ratio + self.fixed_loss_kw * self.charged_s(second) / 3600

    def ac_kw(self, second: Floats) -> Floats:
        """The power drawn from the grid at this second."""
        elapsed_s = second - self.start_s
        tapered_s = np.maximum(elapsed_s - self.constant_s, 0.0)
        ratio = 1 - (1 - LAST_POWER_RATIO) * tapered_s / np.maximum(self.taper_s, 1.0)
        charging = (elapsed_s >= 0) & (elapsed_s < self.constant_s + self.taper_s)
        return np.where(charging, self.dc_kw * ratio / self.efficiency_ratio + self.fixed_loss_kw, 0.0)

    def warming_celsius(self, second: Floats) -> Floats:
        """How much warmer the battery is for this session: it warms within an hour, and cools down within two."""
        warm = np.minimum(self.charged_s(second) / WARM_UP_S, 1.0)
        cold = np.clip((second - self.end_s) / COOL_DOWN_S, 0.0, 1.0)
        share: Floats = warm * (2 - warm) * (1 - cold) ** 2
        return (4.0 + 0.5 * self.dc_kw) * share
