"""Data faults from files of the lake to files of the lake: which go in, which come out."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.clock import clock_lags
from warehouse.data_faults.fault_day import Carried, FaultInputs, faults_of_day
from warehouse.lake.file_format import ROW_GROUP_ROWS, Location


class FaultFiles(NamedTuple):
    """The files that the faults of one day are found in."""

    charging_sessions: Location
    daily_standby: Location
    flagged_steps: Location
    device_last: Location
    meters: Location
    vehicles: Location
    vehicle_meter_map: Location

    def inputs(self, carried: Carried) -> FaultInputs:
        """What the faults are found in."""
        return FaultInputs(
            pl.read_parquet(self.charging_sessions),
            pl.read_parquet(self.daily_standby),
            pl.read_parquet(self.flagged_steps),
            pl.read_parquet(self.device_last, columns=["kind", "device_id", "ts"]),
            {kind: self._devices(kind) for kind in DeviceKind},
            pl.read_parquet(self.vehicle_meter_map),
            carried,
        )

    def _devices(self, kind: DeviceKind) -> pl.DataFrame:
        frame = pl.read_parquet(self.meters if kind is DeviceKind.METER else self.vehicles)
        settings = ("resolution_kwh", "expected_interval_s", "model")
        return frame.select(pl.col(kind.device_id).alias("device_id"), "external_id", *settings)


def read_carried(locations: Mapping[str, Location]) -> Carried:
    """What a day carried on, by dataset; nothing of what has no file.

    Files of before a column was added have nulls in it.
    """
    nothing = Carried.nothing()._asdict()
    stored = {name: pl.read_parquet(location) for name, location in locations.items()}
    return Carried(*(pl.concat([nothing[name], stored.get(name, nothing[name])], how="diagonal") for name in nothing))


def read_clock_lags(data_faults: Location | None) -> pl.DataFrame:
    """What the day after these faults takes off the clocks of vehicles; nothing where there is no file."""
    return clock_lags(Carried.nothing().data_faults if data_faults is None else pl.read_parquet(data_faults))


def write_data_faults(
    files: FaultFiles, day: date, carried: Mapping[str, Location], targets: Mapping[str, Path]
) -> dict[str, int]:
    """Write the datasets of ``Carried`` of one day, each to its target; returns how many rows each has."""
    found = faults_of_day(files.inputs(read_carried(carried)), day)._asdict()
    for name, target in targets.items():
        found[name].write_parquet(target, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    return {name: found[name].height for name in targets}
