"""Vehicle and charger models: what is printed on them, and what they lose.

A vehicle's loss is a share of the AC energy and a fixed power, ``loss = a + P0 / P``, fitted to what ADAC measured in
2022 (Zoe, ID.3, Model 3, 500e at 2.3 to 11 kW, in the warm). What it loses in the cold is ours.
"""

from typing import NamedTuple


class VehicleModel(NamedTuple):
    """A car. Losses are those of its own AC charger; a DC charger passes it by."""

    name: str
    share: float
    capacity_kwh: float
    loss_ratio: float
    fixed_loss_kw: float
    cold_loss_kw: float
    """More fixed loss for each degree of the battery below 15 C."""
    max_ac_kw: float
    max_dc_kw: float
    soc_step_percent: float
    soak_ratio: float
    """How much of the outdoor cold its battery takes on."""


VEHICLE_MODELS = (
    VehicleModel("Renault Zoe", 0.30, 52.0, 0.059, 0.422, 0.018, 22.0, 46.0, 1.0, 0.90),
    VehicleModel("VW ID.3", 0.30, 58.0, 0.078, 0.134, 0.013, 11.0, 100.0, 0.5, 0.85),
    VehicleModel("Tesla Model 3", 0.25, 57.5, 0.057, 0.218, 0.015, 11.0, 150.0, 1.0, 0.85),
    VehicleModel("Fiat 500e", 0.15, 37.3, 0.046, 0.186, 0.010, 11.0, 85.0, 0.1, 0.95),
)
DC_VEHICLE_LOSS_RATIO = 0.008
DC_VEHICLE_FIXED_LOSS_KW = 0.15
"""What a car loses behind a DC charger: pumps, cooling, wires."""


class ChargerModel(NamedTuple):
    """A charger, whose meter is on the AC side."""

    name: str
    ac_kw: float
    """Of a DC charger: the power at its plug."""
    phases: int
    loss_ratio: float
    electronics_kw: float
    """Lost while it charges."""
    standby_kw: float
    is_dc: bool = False


CHARGER_MODELS = (
    ChargerModel("wallbox-3.7", 3.7, 1, 0.010, 0.015, 0.004),
    ChargerModel("wallbox-7.4", 7.4, 1, 0.011, 0.018, 0.005),
    ChargerModel("wallbox-11", 11.0, 3, 0.010, 0.020, 0.005),
    ChargerModel("wallbox-22", 22.0, 3, 0.012, 0.025, 0.007),
    ChargerModel("fast-50", 50.0, 3, 0.052, 0.600, 0.045, is_dc=True),
    ChargerModel("fast-150", 150.0, 3, 0.045, 1.200, 0.080, is_dc=True),
)
SHARES_AT_PAIRS = (0.15, 0.20, 0.40, 0.17, 0.05, 0.03)
SHARES_AT_DEPOTS = (0.0, 0.0, 0.55, 0.35, 0.10, 0.0)
"""All chargers of a depot are of one model."""
