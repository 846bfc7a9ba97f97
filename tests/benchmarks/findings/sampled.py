"""The sample of losses of a simulated fleet of known faults, and what its pairs are expected to lose."""

from datetime import datetime

import polars as pl

from tests.benchmarks.findings.seasons import as_in_the_lake
from warehouse.losses.baseline import posterior, reference
from warehouse.losses.fleet_fit import fleet_fit
from warehouse.losses.panel import Floats, Panel
from warehouse.losses.sample import fleet_temperatures, sample
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.sessions import sessions
from warehouse.simulation.signals import CLEAN, SignalNoise


def sampled(fleet: Fleet, start: datetime, end: datetime, noise: SignalNoise = CLEAN) -> pl.DataFrame:
    """``SAMPLE`` of the sessions that end in this span; a device's id is its number in the fleet, from 1."""
    charging = as_in_the_lake(sessions(fleet, start, end, noise))
    return sample(charging, fleet_temperatures(charging))


def fleet_coefficients(rows: pl.DataFrame) -> Floats:
    """What a pair of this fleet loses: a, P, H1, H2."""
    return fleet_fit(Panel.of(rows)).coefficients


def pair_coefficients(rows: pl.DataFrame, fleet: Floats) -> Floats:
    """The same of each pair of a sample, in order."""
    return posterior(reference(Panel.of(rows), fleet).total, fleet).coefficients
