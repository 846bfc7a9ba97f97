"""What a vehicle, its charger and its meter are for good: capacity, habits, sensors, the registers' first values.

Vehicle number 0 is ``veh-00001``; its charger's AC meter is ``meter-00001``. Each trait is drawn by the vehicle's own
number, so a larger fleet begins with exactly the vehicles of a smaller one.

A vehicle lives by days of its own: they begin with a full battery, at another hour for each vehicle.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from warehouse.simulation.charger import MODELS
from warehouse.simulation.draws import Bools, Draws, Floats, Ints, What

EPOCH_S = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
"""The simulated history begins here; a vehicle's day 0 is the one that lasts at this instant."""
DAY_S = 86_400
SENSOR_MISSING_RATIO = 0.03


@dataclass(frozen=True, slots=True)
class Vehicles:
    """One array element a vehicle."""

    number: Ints
    day_begins_s: Ints
    """How long before midnight UTC the vehicle's own day begins, so that at any hour somebody charges."""
    capacity_kwh: Floats
    full_soc_percent: Floats
    usual_energy_kwh: Floats
    model: Ints
    ac_kw: Floats
    efficiency_ratio: Floats
    fixed_loss_kw: Floats
    standby_kw: Floats
    first_ac_kwh: Floats
    first_dc_kwh: Floats
    site_volts: Floats
    site_celsius: Floats
    has_voltage: Bools
    has_temperature: Bools
    meter_phase_s: Ints
    """The second of each minute at which the meter reports."""
    vehicle_phase_s: Ints

    def own_time(self, instants_s: Ints) -> tuple[Ints, Floats]:
        """The vehicle's own day and the second in it; the last axis of ``instants_s`` is the vehicles."""
        day, second = np.divmod(instants_s - EPOCH_S + self.day_begins_s, DAY_S)
        return day, second.astype(np.float64)

    @property
    def vehicle_ids(self) -> list[str]:
        """``veh-00001`` and on."""
        return [f"veh-{number + 1:05d}" for number in self.number.tolist()]

    @property
    def meter_ids(self) -> list[str]:
        """``meter-00001`` and on."""
        return [f"meter-{number + 1:05d}" for number in self.number.tolist()]


def draw_vehicles(draws: Draws, count: int) -> Vehicles:
    """The first ``count`` vehicles of this seed."""
    number = np.arange(count, dtype=np.int64)

    def unit(what: What) -> Floats:
        return draws.unit(what, number)

    def between(low: float, high: float, what: What) -> Floats:
        return draws.between(low, high, what, number)

    def whole(below: int, what: What) -> Ints:
        return (unit(what) * below).astype(np.int64)

    # The same for every seed: a fleet of another seed reports at the same instants, so the API notices the mix-up as
    # conflicts instead of storing two fleets in one.
    phases = Draws(0)

    def phase_s(what: What) -> Ints:
        return (phases.unit(what, number) * 60).astype(np.int64)

    model = whole(len(MODELS), What.CHARGER_MODEL)
    first_ac_kwh = 300.0 * 100.0 ** unit(What.FIRST_REGISTER)  # 300..30,000 kWh, as many small as large
    return Vehicles(
        number=number,
        day_begins_s=whole(86_400, What.DAY_BEGINS),
        capacity_kwh=between(40.0, 80.0, What.BATTERY_CAPACITY),
        full_soc_percent=between(85.0, 95.0, What.FULL_SOC),
        usual_energy_kwh=between(12.0, 28.0, What.USUAL_ENERGY),
        model=model,
        ac_kw=np.array([each.ac_kw for each in MODELS])[model],
        efficiency_ratio=np.array([each.efficiency_ratio for each in MODELS])[model]
        + between(-0.003, 0.003, What.CHARGER_EFFICIENCY),
        fixed_loss_kw=between(0.12, 0.25, What.FIXED_LOSS),
        standby_kw=between(0.003, 0.008, What.STANDBY),
        first_ac_kwh=first_ac_kwh,
        first_dc_kwh=0.9 * first_ac_kwh,
        site_volts=between(-3.0, 3.0, What.SITE_VOLTAGE),
        site_celsius=between(-3.0, 3.0, What.SITE_CLIMATE),
        has_voltage=unit(What.VOLTAGE_SENSOR) >= SENSOR_MISSING_RATIO,
        has_temperature=unit(What.TEMPERATURE_SENSOR) >= SENSOR_MISSING_RATIO,
        meter_phase_s=phase_s(What.METER_PHASE),
        vehicle_phase_s=phase_s(What.VEHICLE_PHASE),
    )
