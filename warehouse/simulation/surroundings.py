"""The weather that the fleet shares, how cold it is where vehicles are parked, and the voltage of the grid."""

import numpy as np

from warehouse.simulation.clock import DAY_S, EPOCH_S, HOUR_S
from warehouse.simulation.draws import Draws, Floats, Ints, What
from warehouse.simulation.traits import Chargers, Vehicles

MEAN_CELSIUS = 9.0
SEASON_KELVIN = 9.0
DAILY_KELVIN = 1.8
"""Half of the swing between night and afternoon that is left in a battery."""
YEAR_S = 365.25 * DAY_S
FRONTS = ((4 * DAY_S, 2.6), (11 * DAY_S, 2.4))
"""How long a front lasts in seconds, and its standard deviation in kelvin."""
INDOOR_CELSIUS = 15.0
SOAK_KELVIN = 1.2
NOMINAL_VOLTS = 231.0
VOLTS_OF_DAY = 1.0
EVENING_VOLTS = 1.5
SAG_VOLTS_PER_KW = 0.5
"""For each kW that a phase carries."""
DC_SAG_VOLTS_PER_KW = 0.1
"""At a DC charger, which has a transformer of its own."""


class Surroundings:
    """What is around the devices of one seed, at any instant. Arrays of one shape; ``*_number`` says whose."""

    def __init__(self, draws: Draws, chargers: Chargers, vehicles: Vehicles) -> None:
        self._draws = draws
        self._chargers = chargers
        self._vehicles = vehicles

    def outdoor_celsius(self, instants_s: Ints) -> Floats:
        """Seasons, days and nights, and fronts that come over the whole fleet at once."""
        season = np.cos(2 * np.pi * ((instants_s - EPOCH_S) / YEAR_S - 0.54))  # warmest in mid July
        daily = np.cos(2 * np.pi * (instants_s % DAY_S - 15 * HOUR_S) / DAY_S)  # and at 15:00
        celsius: Floats = MEAN_CELSIUS + SEASON_KELVIN * season + DAILY_KELVIN * daily
        for number, (lasts_s, kelvin) in enumerate(FRONTS):
            celsius = celsius + kelvin * self._front(instants_s, number, lasts_s)
        return celsius

    def soak_kelvin(self, vehicle: Ints, day: Ints) -> Floats:
        """What the drive and the parking place of a day make of a battery's temperature."""
        return SOAK_KELVIN * self._draws.normal(What.SOAK, vehicle, day)

    def parked_celsius(self, vehicle: Ints, soak_kelvin: Floats, outdoor_celsius: Floats) -> Floats:
        """The temperature of a battery that nothing warms."""
        vehicles = self._vehicles
        outside = outdoor_celsius + vehicles.site_kelvin[vehicle]
        return INDOOR_CELSIUS + (outside - INDOOR_CELSIUS) * vehicles.indoors_ratio[vehicle] + soak_kelvin

    def volts_of_day(self, charger: Ints, day: Ints) -> Floats:
        """The mean voltage at a charger on a day, while nothing is drawn."""
        of_day = VOLTS_OF_DAY * self._draws.normal(What.VOLTAGE_OF_DAY, charger, day)
        volts: Floats = NOMINAL_VOLTS + self._chargers.site_volts[charger] + of_day
        return volts

    def evening_volts(self, instants_s: Ints) -> Floats:
        """By how much the voltage of the grid is lower at these instants: most at 19:00."""
        lower: Floats = EVENING_VOLTS * np.cos(2 * np.pi * (instants_s % DAY_S - 19 * HOUR_S) / DAY_S)
        return lower

    def sagging_volts(self, charger: Ints, ac_kw: Floats) -> Floats:
        """By how much it is lower for this power."""
        sag = np.where(self._chargers.is_dc[charger], DC_SAG_VOLTS_PER_KW, SAG_VOLTS_PER_KW)
        volts: Floats = sag * ac_kw / self._chargers.phases[charger]
        return volts

    def _front(self, instants_s: Ints, number: int, lasts_s: int) -> Floats:
        """One normal draw each ``lasts_s`` seconds, and a smooth way from one to the next."""
        # Drawn once for each of the few fronts of the span, not for each instant.
        first, last = int(instants_s.min()) // lasts_s, int(instants_s.max()) // lasts_s + 1
        knots = np.arange(first, last + 1, dtype=np.int64)
        values = self._draws.normal(What.FRONT, np.full(len(knots), number), knots)
        place, second = np.divmod(instants_s, lasts_s)
        share = second / lasts_s
        before, after = values[place - first], values[place - first + 1]
        front: Floats = before + (after - before) * share * share * (3 - 2 * share)
        return front
