"""What the faults do to the physics on each day: losses, leaks, gains, frozen and reset registers, swapped pairs."""

from collections.abc import Sequence

import numpy as np

from warehouse.simulation.draws import Floats, Ints
from warehouse.simulation.faults import Fault, FaultKind

MOST_DRIFT_RATIO = 0.12
"""Where a drift ends, as a share of the AC energy."""


class DailyEffects:
    """What the faults do on the days of a page: arrays of days (rows) by chargers or vehicles."""

    charger_points: Floats
    """What the charger adds to the share of AC energy that is lost."""
    vehicle_points: Floats
    leak_kw: Floats
    meter_gain: Floats
    register_gain: Floats
    freezing_share: Floats
    resetting_share: Floats
    charges_like: Ints
    """The vehicle at whose charger a vehicle charges: itself, unless two are swapped."""

    def __init__(self, faults: Sequence[Fault], first_day: int, days: int, chargers: int, vehicles: int) -> None:
        self.charger_points, self.leak_kw = np.zeros((days, chargers)), np.zeros((days, chargers))
        self.freezing_share, self.resetting_share = np.zeros((days, chargers)), np.zeros((days, chargers))
        self.meter_gain, self.register_gain = np.ones((days, chargers)), np.ones((days, vehicles))
        self.vehicle_points = np.zeros((days, vehicles))
        self.charges_like = np.tile(np.arange(vehicles, dtype=np.int64), (days, 1))
        for fault in faults:
            begin, end = max(fault.since_day - first_day, 0), min(fault.until_day - first_day, days)
            if begin < end:
                self._apply(fault, slice(begin, end), np.arange(begin, end) + first_day - fault.since_day)

    def _apply(self, fault: Fault, rows: slice, age_days: Ints) -> None:
        where = (rows, fault.number)
        match fault.kind:
            case FaultKind.CHARGER_STEP | FaultKind.BAD_FROM_FIRST_DAY:
                self.charger_points[where] += fault.size / 100
            case FaultKind.CHARGER_DRIFT:
                self.charger_points[where] += np.minimum(fault.size / 100 * age_days / 30, MOST_DRIFT_RATIO)
            case FaultKind.VEHICLE_LOSS:
                self.vehicle_points[where] += fault.size / 100
            case FaultKind.LEAKAGE:
                self.leak_kw[where] += fault.size / 1000
            case FaultKind.METER_GAIN | FaultKind.DEAD_TRANSFORMER:
                self.meter_gain[where] *= 1 + fault.size / 100
            case FaultKind.DC_REGISTER_GAIN:
                self.register_gain[where] *= 1 + fault.size / 100
            case FaultKind.FROZEN_METER:
                self.freezing_share[where] = fault.size
            case FaultKind.REGISTER_RESET:
                self.resetting_share[where] = fault.size
            case FaultKind.SWAPPED_MAPPING:
                self.charges_like[where] = fault.number - 1
                self.charges_like[rows, fault.number - 1] = fault.number
