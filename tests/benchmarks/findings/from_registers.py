"""A season from registers: what is known of a simulated fleet on each day, from the readings of its devices.

Readings have gaps, clocks are seconds off, registers show 1, 10 or 100 Wh. The product's own code finds the sessions
day by day and carries what is open, then the faults of the data, takes out what they explain, and folds the findings.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from tests.benchmarks.data_faults.fleet_days import FleetDays
from tests.benchmarks.findings.seasons import Season
from warehouse.contract.tables import DeviceKind
from warehouse.losses.charger_scores import Known
from warehouse.losses.loss_day import LossInputs, lookback_days, losses_of_day
from warehouse.losses.sample import SAMPLE
from warehouse.losses.schemas import ACCEPTED, COMMON_MODES, FIRST_DAY_VERDICTS, FLEET_FITS
from warehouse.sessions.schemas import CHARGING_SESSIONS
from warehouse.simulation.fleet import Fleet

TOLD_EACH_DAYS = 20
"""How often progress is told."""


@dataclass(frozen=True)
class Registers:
    """What a season's readings gave, with the ``day`` on which it was known."""

    sessions: pl.DataFrame
    """``charging_sessions``"""
    faults: pl.DataFrame
    """``data_faults``"""
    devices: Mapping[DeviceKind, pl.DataFrame]

    def findings_of_days(self, season: Season) -> Iterator[pl.DataFrame]:
        """``LOSS_FINDINGS`` of each day, as the daily pipeline makes them."""
        known, samples = Known.nothing(), pl.DataFrame(schema=SAMPLE)
        fits, first_days = pl.DataFrame(schema=FLEET_FITS), pl.DataFrame(schema=FIRST_DAY_VERDICTS)
        for day in (season.first + timedelta(days=number) for number in range(season.days)):
            is_looked_back_on = pl.col("day").is_between(day - timedelta(days=lookback_days()), day)
            made = losses_of_day(
                LossInputs(
                    self.sessions.filter(pl.col("day") == day).select(CHARGING_SESSIONS.names()),
                    self.devices,
                    samples.filter(is_looked_back_on).lazy(),
                    self.faults.filter(is_looked_back_on),
                    known,
                    fits,
                    first_days,
                    pl.DataFrame(schema=ACCEPTED),
                ),
                day,
            )
            samples = pl.concat([samples, made.loss_samples.with_columns(day=pl.lit(day)).select(SAMPLE.names())])
            modes = made.common_modes.with_columns(day=pl.lit(day)).select(COMMON_MODES.names())
            known = Known(made.loss_findings, pl.concat([known.common_modes, modes]))
            fits, first_days = made.fleet_fits, made.first_day_verdicts
            yield made.loss_findings


def registers(fleet: Fleet, season: Season, interval_minutes: int, name: str = "") -> Registers:
    """Simulate a season reading by reading, and find the sessions and the faults of each day."""
    days = FleetDays(fleet, interval_minutes)
    sessions, faults = [], []
    for number, (each, carried) in enumerate(days.faults(season.first, season.days), start=1):
        day = pl.lit(each.day).alias("day")
        sessions.append(each.sessions.charging_sessions.with_columns(day))
        faults.append(carried.data_faults.with_columns(day))
        if number % TOLD_EACH_DAYS == 0:
            sys.stderr.write(f"{name}: {number} of {season.days} days\n")
    return Registers(pl.concat(sessions), pl.concat(faults), days.devices)


def kept_registers(fleet: Fleet, season: Season, seed: int, interval_minutes: int, folder: Path | None) -> Registers:
    """The same from the files of an earlier run in this folder, where there are; else they are written.

    They hold for the fleets, the sessions and the faults of the code that wrote them.
    """
    name = f"{season.name}, seed {seed}, {fleet.size} pairs, each {interval_minutes} min"
    if folder is None:
        return registers(fleet, season, interval_minutes, name)
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.replace(", ", "-").replace(" ", "-")
    files = [folder / f"{stem}-{part}.parquet" for part in ("sessions", "faults")]
    if not all(file.exists() for file in files):
        made = registers(fleet, season, interval_minutes, name)
        for file, frame in zip(files, (made.sessions, made.faults), strict=True):
            frame.write_parquet(file)
    sessions, faults = (pl.read_parquet(file) for file in files)
    return Registers(sessions, faults, FleetDays(fleet, interval_minutes).devices)
