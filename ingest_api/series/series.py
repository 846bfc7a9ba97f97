"""What a vehicle or a meter did over a span: power, what else it measured, and what a person should see of it."""

from typing import NamedTuple

import numpy as np

from ingest_api.analytics.encoded_readings import microseconds
from ingest_api.database import Connection, Row
from ingest_api.series.grid import Grid
from ingest_api.series.series_reads import Device, find_meters, list_late, read_samples, read_steps
from ingest_api.series.steps import Column, PowerSums
from warehouse.contract.tables import DeviceKind

MOST_MARKS = 500
LATE = "late"
AC, DC = "ac", "dc"
_VOLTAGE, _OF_BATTERY = ("voltage_volts",), ("soc_percent", "battery_temp_celsius")


class MarkedReading(NamedTuple):
    """A reading with a flag of the energy rule, or one that came in late."""

    us: int
    side: str
    flag: str


class Side(NamedTuple):
    """What registers of one side say at each point; NaN where nothing is known."""

    kw: Column
    others: dict[str, Column]
    marks: list[MarkedReading]


async def meter_series(connection: Connection, grid: Grid, row: Row) -> Side:
    """Of one meter."""
    return await _side(connection, grid, AC, [Device.of(DeviceKind.METER, row, grid.start, grid.end)], _VOLTAGE)


async def vehicle_series(connection: Connection, grid: Grid, row: Row) -> tuple[Side, Side, list[Device]]:
    """What the meters say that were mapped to a vehicle, what it says itself, and these meters in order of time."""
    meters = await find_meters(connection, row["vehicle_id"], grid)
    vehicle = Device.of(DeviceKind.VEHICLE, row, grid.start, grid.end)
    ac = await _side(connection, grid, AC, meters, _VOLTAGE)
    return ac, await _side(connection, grid, DC, [vehicle], _OF_BATTERY), meters


def newest_marks(*sides: Side) -> list[MarkedReading]:
    """The newest of all marks, in order of time."""
    return sorted(mark for side in sides for mark in side.marks)[-MOST_MARKS:]


async def _side(connection: Connection, grid: Grid, side: str, devices: list[Device], columns: tuple[str, ...]) -> Side:
    sums = PowerSums(grid)
    others = {column: np.full(grid.points, np.nan) for column in columns}
    marks: list[MarkedReading] = []
    for device, steps in zip(devices, await read_steps(connection, devices), strict=True):
        begin, end = microseconds(device.counts_from), microseconds(device.counts_to)
        sums.add(steps, begin, end)
        sampled = await read_samples(connection, grid, device, steps, columns)
        others = {name: np.where(np.isnan(sampled[name]), others[name], sampled[name]) for name in columns}
        late = [(microseconds(ts), LATE) for ts in await list_late(connection, grid, device)]
        marks += [MarkedReading(us, side, flag) for us, flag in (*steps.marks, *late) if begin <= us < end]
    return Side(sums.kw(), others, marks)
