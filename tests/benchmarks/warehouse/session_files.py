"""A day of the simulated fleet as the files that sessions are made from, written straight to Parquet.

They lie as an export leaves them: sorted by device and time, instants as differences. The flagged steps are what the
energy rule found, and the islands that are open at midnight those of the twelve hours before.
"""

from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow.parquet as pq

from tests.simulated_readings import device_ids, devices, mappings, readings
from warehouse.contract.energy import DeviceSettings
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.lake.corrected_readings import CORRECTED
from warehouse.lake.energy_day import LAST_SAMPLES, DayInputs, write_energy
from warehouse.lake.file_format import ROW_GROUP_ROWS
from warehouse.lake.hourly_energy import FLAGGED
from warehouse.lifecycle.session_step import SESSIONS
from warehouse.sessions.schemas import CLOCK_LAGS
from warehouse.sessions.session_files import SessionFiles, write_sessions
from warehouse.simulation.fleet import Fleet

DAY_MINUTES = 1440
EVENING_MINUTES = 720
DEVICES_AT_ONCE = 500


class SessionDay(NamedTuple):
    """What ``write_sessions`` takes, but for the targets."""

    files: SessionFiles
    open_islands: Path
    day: date


def write_session_day(folder: Path, devices_of_a_kind: int, day: date) -> SessionDay:
    """Write the files of a day of so many pairs into a folder."""
    fleet = Fleet(devices_of_a_kind)
    evening, whole = folder / "evening", folder / "day"
    for each in (evening, whole):
        each.mkdir(parents=True)
    last = [_write_readings(fleet, kind, day, evening, whole) for kind in DeviceKind]
    for each, boundary in ((evening, pl.DataFrame(schema=LAST_SAMPLES)), (whole, pl.concat(last))):
        boundary.write_parquet(each / "carried_samples.parquet")
        pl.DataFrame(schema=FLAGGED).write_parquet(each / "flagged_steps.parquet")
        pl.DataFrame(schema=CORRECTED).write_parquet(each / "corrected_readings.parquet")
        _write_devices(fleet, day, each)
    inputs = DayInputs(**{name: whole / f"{name}.parquet" for name in DayInputs._fields})
    write_energy(inputs, day, whole / "hourly_energy.parquet", whole / "flagged_steps.parquet")
    targets = {name: evening / f"{name}.parquet" for name in SESSIONS}
    write_sessions(_files(evening), pl.DataFrame(schema=CLOCK_LAGS), day - timedelta(days=1), {}, targets)
    return SessionDay(_files(whole), targets["open_islands"], day)


def _files(folder: Path) -> SessionFiles:
    return SessionFiles(*(folder / f"{name}.parquet" for name in SessionFiles._fields))


def _write_readings(fleet: Fleet, kind: DeviceKind, day: date, evening: Path, whole: Path) -> pl.DataFrame:
    """Write the readings of the evening and of the day; returns each device's last one of the evening."""
    begins = midnight(day)
    first_minute = int(begins.timestamp()) // 60 - EVENING_MINUTES
    ids, last = device_ids(fleet, kind), [pl.DataFrame(schema=LAST_SAMPLES)]
    with ExitStack() as stack:
        writers: dict[Path, pq.ParquetWriter] = {}
        for begin in range(0, len(ids), DEVICES_AT_ONCE):
            some = ids[begin : begin + DEVICES_AT_ONCE]
            read = readings(fleet, kind, first_minute, EVENING_MINUTES + DAY_MINUTES, some)
            is_before = pl.col("ts") < begins
            before = read.filter(is_before)
            last.append(
                before.group_by("device_id", maintain_order=True)
                .last()
                .select(pl.lit(kind.value).alias("kind"), "device_id", "ts", "kwh")
            )
            of_the_day = read.filter(~is_before, pl.col("ts") < begins + timedelta(days=1))
            for folder, frame in ((evening, before), (whole, of_the_day)):
                table = frame.rename({"device_id": kind.device_id}).to_arrow()
                if folder not in writers:
                    writers[folder] = stack.enter_context(
                        pq.ParquetWriter(
                            folder / f"{kind.readings}.parquet",
                            table.schema,
                            compression="zstd",
                            use_dictionary=False,
                            column_encoding={kind.device_id: "DELTA_BINARY_PACKED", "ts": "DELTA_BINARY_PACKED"},
                        )
                    )
                writers[folder].write_table(table, row_group_size=ROW_GROUP_ROWS)
    return pl.concat(last)


def _write_devices(fleet: Fleet, day: date, folder: Path) -> None:
    known = DeviceSettings()
    for kind in DeviceKind:
        of_kind = devices(fleet, kind).rename({"device_id": kind.device_id})
        of_kind.with_columns(
            max_power_kw=pl.lit(known.max_power_kw, pl.Float64),
            rollover_kwh=pl.lit(known.rollover_kwh, pl.Float64),
        ).write_parquet(folder / f"{kind.devices}.parquet")
    begins = midnight(day)
    mappings(fleet, begins - timedelta(days=1), begins + timedelta(days=1)).write_parquet(
        folder / "vehicle_meter_map.parquet"
    )
