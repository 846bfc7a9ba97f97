"""What a charge loses: the share of the power that never arrives, and the power that is lost whatever flows.

While a vehicle charges, ``dc = alpha * ac / noise - beta``: ``alpha`` holds the losses that grow with the power (the
charger's, the vehicle's, and what a fault adds), ``beta`` the fixed ones (electronics, pumps, what the cold adds). For
a car at an AC charger this is ADAC's ``loss = a + P0 / P``.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.simulation.draws import Draws, Floats, What
from warehouse.simulation.effects import DailyEffects
from warehouse.simulation.habits import Needs
from warehouse.simulation.models import DC_VEHICLE_FIXED_LOSS_KW, DC_VEHICLE_LOSS_RATIO
from warehouse.simulation.traits import Chargers, Vehicles

COLD_BELOW_CELSIUS = 15.0


@dataclass(frozen=True, slots=True)
class Losses:
    """One element a charge."""

    alpha: Floats
    beta_kw: Floats
    noise: Floats
    """Around 1, with heavy tails."""
    points: Floats
    """The share of the AC energy that faults take; within ``alpha``."""

    def dc_kw(self, ac_kw: Floats) -> Floats:
        """What reaches the battery of this power from the grid."""
        return self.alpha * ac_kw / self.noise - self.beta_kw

    def ac_kw(self, dc_kw: Floats) -> Floats:
        """What the grid gives for this power at the battery; a column a phase."""
        return (dc_kw + self.beta_kw[:, None]) / self.alpha[:, None] * self.noise[:, None]


def draw_losses(
    draws: Draws, needs: Needs, chargers: Chargers, vehicles: Vehicles, effects: DailyEffects, celsius: Floats
) -> Losses:
    """Of these charges, whose batteries are so warm."""
    car, plug, row = needs.vehicle, needs.plug, needs.row
    is_dc = chargers.is_dc[plug]
    points = effects.charger_points[row, plug] + effects.vehicle_points[row, car]
    loss_ratio = np.where(is_dc, DC_VEHICLE_LOSS_RATIO, vehicles.loss_ratio[car])
    cold_kw = vehicles.cold_loss_kw[car] * np.maximum(COLD_BELOW_CELSIUS - celsius, 0.0)
    fixed_kw = np.where(is_dc, DC_VEHICLE_FIXED_LOSS_KW, vehicles.fixed_loss_kw[car])
    return Losses(
        alpha=(1 - loss_ratio) * (1 - chargers.loss_ratio[plug]) - points,
        beta_kw=(1 - loss_ratio) * chargers.electronics_kw[plug] + fixed_kw + cold_kw,
        noise=1 + vehicles.noise_ratio[car] * draws.heavy_tailed(What.SESSION_NOISE, needs.subject, needs.day),
        points=points,
    )
