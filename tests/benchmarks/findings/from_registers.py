"""A season from registers: what is known of a simulated fleet on each day, from the readings of its devices.

Readings have gaps, clocks are seconds off, registers show 1, 10 or 100 Wh. The product's own code finds the sessions
day by day and carries what is open, then the faults of the data, then takes out what they explain.
"""

import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from tests.benchmarks.data_faults.fleet_days import FleetDays
from tests.benchmarks.findings.seasons import Season
from warehouse.contract.tables import DeviceKind
from warehouse.losses.explained import last_known, unexplained
from warehouse.losses.sample import fleet_temperatures, sample
from warehouse.simulation.fleet import Fleet

TOLD_EACH_DAYS = 20
"""How often progress is told."""


@dataclass(frozen=True)
class Registers:
    """What a season's readings gave, with the ``day`` on which it was known."""

    sessions: pl.DataFrame
    """``charging_sessions``, with the resolutions of their registers."""
    faults: pl.DataFrame
    """``data_faults``"""

    def sample_on(self, day: date) -> pl.DataFrame:
        """The sample of the sessions that are known on a day, without what the faults explain that are known on it."""
        is_known = pl.col("day") <= day
        told = unexplained(self.sessions.filter(is_known), last_known(self.faults.filter(is_known)))
        return sample(told, fleet_temperatures(told))


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
    found = pl.concat(sessions)
    for kind, side in ((DeviceKind.METER, "ac"), (DeviceKind.VEHICLE, "dc")):
        resolution = days.devices[kind].select(
            pl.col("device_id").alias(kind.device_id), pl.col("resolution_kwh").alias(f"{side}_resolution_kwh")
        )
        found = found.join(resolution, on=kind.device_id, how="left", maintain_order="left")
    return Registers(found, pl.concat(faults))


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
    return Registers(*(pl.read_parquet(file) for file in files))
