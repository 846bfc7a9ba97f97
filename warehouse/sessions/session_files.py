"""Sessions from files of the lake to files of the lake: which go in, which come out."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.lake.corrected_readings import counting
from warehouse.lake.file_format import ROW_GROUP_ROWS, Location
from warehouse.sessions.charger_day import charger_days
from warehouse.sessions.schemas import MEASURED, OPEN_ISLANDS
from warehouse.sessions.session_day import SessionInputs, sessions_of_day


class SessionFiles(NamedTuple):
    """The files that the sessions of one day are made from."""

    meter_readings: Location
    vehicle_readings: Location
    meters: Location
    vehicles: Location
    vehicle_meter_map: Location
    carried_samples: Location
    flagged_steps: Location
    corrected_readings: Location

    def inputs(self, open_islands: Location | None, clock_lags: pl.DataFrame) -> SessionInputs:
        """What the sessions are made from. ``open_islands``: of the day before; ``None``: there is none."""
        carried_samples = pl.read_parquet(self.carried_samples)
        return SessionInputs(
            {kind: self._readings(kind) for kind in DeviceKind},
            {kind: carried_samples.filter(pl.col("kind") == kind.value).drop("kind") for kind in DeviceKind},
            {kind: self._devices(kind) for kind in DeviceKind},
            pl.read_parquet(self.flagged_steps),
            pl.read_parquet(self.vehicle_meter_map),
            read_open_islands(open_islands),
            clock_lags,
        )

    def _readings(self, kind: DeviceKind) -> pl.LazyFrame:
        frame = pl.scan_parquet(self.meter_readings if kind is DeviceKind.METER else self.vehicle_readings)
        received = frame.select(pl.col(kind.device_id).alias("device_id"), "ts", "kwh", *MEASURED[kind])
        return counting(received, kind, self.corrected_readings)

    def _devices(self, kind: DeviceKind) -> pl.DataFrame:
        frame = pl.read_parquet(self.meters if kind is DeviceKind.METER else self.vehicles)
        return frame.select(
            pl.col(kind.device_id).alias("device_id"), "energy_kind", "resolution_kwh", "expected_interval_s"
        ).sort("device_id")


def read_open_islands(location: Location | None) -> pl.DataFrame:
    """What a day carried on; nothing where there is no file."""
    return pl.DataFrame(schema=OPEN_ISLANDS) if location is None else pl.read_parquet(location)


def write_sessions(
    files: SessionFiles,
    clock_lags: pl.DataFrame,
    day: date,
    carried: Mapping[str, Location],
    targets: Mapping[str, Path],
) -> dict[str, int]:
    """Write the datasets of sessions of one day, each to its target; returns how many rows each has.

    ``clock_lags``: ``CLOCK_LAGS``, as the day before knew them; ``carried``: ``open_islands`` of the day before, where
    there was one.
    """
    found = sessions_of_day(files.inputs(carried.get("open_islands"), clock_lags), day)
    frames = {**found._asdict(), "daily_charger_sessions": charger_days(found.charging_sessions, found.daily_standby)}
    for name, target in targets.items():
        frames[name].write_parquet(target, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    return {name: frames[name].height for name in targets}
