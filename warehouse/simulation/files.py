"""Readings of the simulated fleet as files that ``fleetwatt import`` takes, with the truth beside them.

``meters.parquet`` and ``vehicles.parquet`` are in order of time, each minute of all devices together. What a device
kept while it was cut off stands where it belongs, what was lost is missing, what is sent twice is there twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.simulation.clock import MINUTE_S
from warehouse.simulation.draws import Floats
from warehouse.simulation.fleet import Columns, Fleet
from warehouse.simulation.mappings import mapping_history
from warehouse.simulation.payloads import bodies
from warehouse.simulation.sessions import sessions
from warehouse.simulation.truth import lines

READINGS_AT_ONCE = 60_000
"""Of one kind: what numpy computes fastest, and a row group."""
METERS, VEHICLES, READINGS = "meters.parquet", "vehicles.parquet", "readings.ndjson"
DEVICES, MAPPINGS = "devices.ndjson", "mappings.json"
SESSIONS, FAULTS = "sessions.parquet", "faults.ndjson"

Told = Callable[[float, int], None]
"""Is told the share that is written, and how many readings these are."""


def write_parquet(fleet: Fleet, start: datetime, end: datetime, folder: Path, told: Told) -> int:
    """Write what is taken in ``[start, end)``; returns how many readings these are."""
    at_once = max(1, READINGS_AT_ONCE // max(fleet.size, len(fleet.meter_ids)))
    first, last = int(start.timestamp()) // MINUTE_S, int(end.timestamp()) // MINUTE_S
    written = 0
    with (
        _whole(folder / METERS) as meters_path,
        _whole(folder / VEHICLES) as vehicles_path,
        pq.ParquetWriter(meters_path, _METERS, compression="zstd", compression_level=1) as meters,
        pq.ParquetWriter(vehicles_path, _VEHICLES, compression="zstd", compression_level=1) as vehicles,
    ):
        for minute in range(first, last, at_once):
            count = min(at_once, last - minute)
            for table, writer in (
                (_of_meters(fleet, minute, count), meters),
                (_of_vehicles(fleet, minute, count), vehicles),
            ):
                writer.write_table(table)
                written += table.num_rows
            told((minute + count - first) / (last - first), written)
    return written


def write_ndjson(fleet: Fleet, start: datetime, end: datetime, folder: Path, told: Told) -> int:
    """Write what arrives in ``[start, end)``, in the order in which it does; returns how many readings these are."""
    start_s, end_s, written = int(start.timestamp()), int(end.timestamp()), 0
    with _whole(folder / READINGS) as path, path.open("wb") as file:
        for body in bodies(fleet, start_s, end_s):
            file.write(body.content)
            written += body.lines
            told((body.last_s - start_s) / (end_s - start_s), written)
    return written


def write_truth(fleet: Fleet, start: datetime, end: datetime, folder: Path) -> None:
    """Write the devices, the mappings, the sessions as they really were, and the faults that have begun."""
    with _whole(folder / DEVICES) as path:
        path.write_bytes(msgspec.json.Encoder().encode_lines(fleet.devices()))
    with _whole(folder / MAPPINGS) as path:
        path.write_bytes(msgspec.json.encode(mapping_history(fleet, start, end)))
    with _whole(folder / SESSIONS) as path:
        sessions(fleet, start, end).write_parquet(path)
    with _whole(folder / FAULTS) as path:
        path.write_bytes(lines(fleet.faults(end)))


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Where to write a file that is there as a whole or not at all: cut off, NDJSON would be taken for less of it."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


_METERS = pa.schema(
    [
        ("meterId", pa.dictionary(pa.int32(), pa.string())),
        ("timestamp", pa.timestamp("ms", "UTC")),
        ("kwhConsumedAc", pa.float64()),
        ("voltage", pa.float64()),
    ]
)
_VEHICLES = pa.schema(
    [
        ("vehicleId", pa.dictionary(pa.int32(), pa.string())),
        ("timestamp", pa.timestamp("ms", "UTC")),
        ("kwhDeliveredDc", pa.float64()),
        ("soc", pa.float64()),
        ("batteryTemp", pa.float64()),
    ]
)


def _of_meters(fleet: Fleet, minute: int, count: int) -> pa.Table:
    meters = fleet.meters(minute, count)
    return _table(_METERS, fleet.meter_ids, meters, [meters.kwh, meters.voltage_volts])


def _of_vehicles(fleet: Fleet, minute: int, count: int) -> pa.Table:
    vehicles = fleet.vehicles(minute, count)
    return _table(
        _VEHICLES, fleet.vehicle_ids, vehicles, [vehicles.kwh, vehicles.soc_percent, vehicles.battery_celsius]
    )


def _table(schema: pa.Schema, ids: list[str], columns: Columns, values: list[Floats]) -> pa.Table:
    row, device = np.nonzero(columns.reported)
    row, device = (np.repeat(each, 1 + columns.repeated[row, device]) for each in (row, device))
    order = np.argsort(columns.instants_s[row, device], kind="stable")
    where = (row[order], device[order])
    named = pa.DictionaryArray.from_arrays(pa.array(where[1].astype(np.int32)), pa.array(ids))
    instants = pa.array(columns.instants_s[where] * 1_000).cast(pa.timestamp("ms", "UTC"))
    numbers = [pa.array(each[where], mask=np.isnan(each[where])) for each in values]
    return pa.Table.from_arrays([named, instants, *numbers], schema=schema)
