"""How well power, voltage and state of charge are known of a session, besides what registers leave open.

The fleet itself is clean: chargers hold their set point within 0.4 %, the voltage is right, and a state of charge is
only rounded. In the field a charger follows its load management and the heat, a voltage is measured on one phase by a
cheap sensor, and a state of charge is an estimate. None of it depends on faults.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.simulation.draws import Draws, Floats, Ints, What

DRIFT_DAYS = 30
"""From one value of a drift to the next, in a straight line."""


@dataclass(frozen=True, slots=True)
class SignalNoise:
    """Standard deviations, of a session unless it says otherwise."""

    power_ratio: float = 0.0
    """Scale of the heavy-tailed wander of the power around its set point: the same on both sides."""
    volts: float = 0.0
    """Of the mean voltage."""
    volts_drift: float = 0.0
    """Of the slow drift of a voltage sensor."""
    soc_percent: float = 0.0
    """Of each state of charge."""
    soc_drift_ratio: float = 0.0
    """Of the slow drift of what a vehicle takes for its capacity."""


CLEAN = SignalNoise()
PESSIMISTIC = SignalNoise(power_ratio=0.012, volts=1.0, volts_drift=1.0, soc_percent=0.7, soc_drift_ratio=0.01)


@dataclass(frozen=True, slots=True)
class Signals:
    """One element a session: by what its signals are wrong."""

    power_factor: Floats
    volts: Floats
    soc_percent: tuple[Floats, Floats]
    """At its start and at its end."""
    soc_factor: Floats
    """Of the energy that is missing in the battery."""


def draw_signals(draws: Draws, noise: SignalNoise, charger: Ints, vehicle: Ints, subject: Ints, day: Ints) -> Signals:
    """Of the sessions of these devices on these days; ``subject`` tells the sessions of a day apart."""
    volts = noise.volts * draws.normal(What.VOLTAGE_OF_SESSION, subject, day)
    return Signals(
        power_factor=1 + noise.power_ratio * draws.heavy_tailed(What.POWER_WANDERS, subject, day),
        volts=volts + noise.volts_drift * _drift(draws, What.VOLTAGE_DRIFT, charger, day),
        soc_percent=(
            noise.soc_percent * draws.normal(What.SOC_AT_START, subject, day),
            noise.soc_percent * draws.normal(What.SOC_AT_END, subject, day),
        ),
        soc_factor=1 + noise.soc_drift_ratio * _drift(draws, What.SOC_DRIFT, vehicle, day),
    )


def _drift(draws: Draws, what: What, subject: Ints, day: Ints) -> Floats:
    knot, within = np.divmod(day, DRIFT_DAYS)
    share = within / DRIFT_DAYS
    drift: Floats = (1 - share) * draws.normal(what, subject, knot) + share * draws.normal(what, subject, knot + 1)
    return drift
