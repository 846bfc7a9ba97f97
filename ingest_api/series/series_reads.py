"""A device's series out of PostgreSQL: registers by their key alone, of all else each point's newest reading."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from psycopg.sql import Composed, Identifier

from ingest_api.analytics.encoded_readings import microseconds
from ingest_api.database import Connection, Row, fetch_all
from ingest_api.series.grid import Grid
from ingest_api.series.steps import CLASSES, Column, Steps, grown_steps, newest_of_each, ruled_steps
from warehouse import sqlfiles
from warehouse.contract.energy import GAP_INTERVALS, DeviceSettings, EnergyKind
from warehouse.contract.partitions import utc_day
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.binary_arrays import POSTGRES_EPOCH_US, TimestamptzArray
from warehouse.postgres.hours.energy_rule import with_the_rule

MOST_MAPPINGS = 100
LATE_WITHIN = timedelta(days=2)
"""Of longer spans nobody is told which readings were late: each would be looked at in the heap."""
MOST_LATE = 500
_LONGEST_REACH = timedelta(days=1)
_PACKAGE = "ingest_api.series"


class Device(NamedTuple):
    """A device, and the part of the span in which it counts."""

    kind: DeviceKind
    device_id: int
    external_id: str
    settings: DeviceSettings
    counts_from: datetime
    counts_to: datetime
    corrected_until: datetime | None = None
    """Until when it has readings that were ever corrected; ``None``: it has none."""

    @classmethod
    def of(cls, kind: DeviceKind, row: Row, counts_from: datetime, counts_to: datetime) -> "Device":
        """A row with the device table's columns."""
        settings = DeviceSettings(
            energy_kind=EnergyKind(row["energy_kind"]),
            max_power_kw=row["max_power_kw"],
            rollover_kwh=row["rollover_kwh"],
            max_reset_kwh=row["max_reset_kwh"],
            expected_interval_s=row["expected_interval_s"],
        )
        corrected_until = row["corrected_until"]
        return cls(kind, row[kind.device_id], row["external_id"], settings, counts_from, counts_to, corrected_until)

    @property
    def reads(self) -> tuple[datetime, datetime]:
        """Its span, and on both sides as far as a step reaches that is no gap."""
        reach = min(timedelta(seconds=GAP_INTERVALS * self.settings.expected_interval_s), _LONGEST_REACH)
        return self.counts_from - reach, self.counts_to + reach

    @property
    def is_corrected(self) -> bool:
        """Whether readings of its span may count otherwise than they were received."""
        return self.corrected_until is not None and self.corrected_until > self.reads[0]


async def find_meters(connection: Connection, vehicle_id: int, grid: Grid) -> list[Device]:
    """The meters of a vehicle in the grid's span, in order of time."""
    asked = {"vehicle_id": vehicle_id, "window_from": grid.start, "window_to": grid.end, "limit": MOST_MAPPINGS}
    rows = await fetch_all(connection, sqlfiles.load(_PACKAGE, "find_meters"), asked)
    return [Device.of(DeviceKind.METER, row, row["counts_from"], row["counts_to"]) for row in reversed(rows)]


async def read_steps(connection: Connection, devices: Sequence[Device]) -> list[Steps]:
    """The steps of devices of one kind: from what their registers showed, by the whole rule where that is needed."""
    if not devices:
        return []
    spans = [device.reads for device in devices]
    asked = {
        "places": list(range(len(devices))),
        "device_ids": [device.device_id for device in devices],
        "reads_from": [begin for begin, _ in spans],
        "reads_to": [end for _, end in spans],
        "window_from": min(begin for begin, _ in spans),
        "window_to": max(end for _, end in spans),
    }
    question = registers_question(devices[0].kind, corrected=any(device.is_corrected for device in devices))
    cursor = await connection.execute(question, asked, binary=True)
    readings = {row["place"]: row["readings"] or b"" for row in await cursor.fetchall()}
    return [
        grown_steps(readings[place], device.settings) or await _by_the_rule(connection, device)
        for place, device in enumerate(devices)
    ]


def registers_question(kind: DeviceKind, *, corrected: bool = False) -> Composed:
    """Asks what registers of this kind showed."""
    return sqlfiles.load(_PACKAGE, "read_registers").format(**_names(kind, corrected=corrected))


async def _by_the_rule(connection: Connection, device: Device) -> Steps:
    settings = device.settings
    reads_from, reads_to = device.reads
    asked = {
        **settings._asdict(),
        "device_id": device.device_id,
        "reads_from": reads_from,
        "reads_to": reads_to,
        "classes": list(CLASSES),
    }
    cursor = await connection.execute(steps_question(device.kind, corrected=device.is_corrected), asked, binary=True)
    row = await cursor.fetchone()
    return ruled_steps((row and row["steps"]) or b"", settings)


def steps_question(kind: DeviceKind, *, corrected: bool = False) -> Composed:
    """Asks what the energy rule finds in one device's readings."""
    return with_the_rule(_PACKAGE, "list_steps", **_names(kind, corrected=corrected))


async def read_samples(
    connection: Connection, grid: Grid, device: Device, steps: Steps, columns: Sequence[str]
) -> dict[str, Column]:
    """What else the device measured, at each point by its newest reading; NaN where there is none."""
    found = {column: np.full(grid.points, np.nan) for column in columns}
    begin, end = microseconds(device.counts_from), microseconds(device.counts_to)
    points, newest = newest_of_each(grid, steps.us[(steps.us >= begin) & (steps.us < end)])
    if newest.size:
        asked = {
            "device_id": device.device_id,
            "instants": TimestamptzArray(newest + POSTGRES_EPOCH_US),
            "reads_from": device.counts_from,
            "reads_to": device.counts_to,
        }
        rows = await fetch_all(connection, samples_question(device.kind, corrected=device.is_corrected), asked)
        place = dict(zip(newest.tolist(), points.tolist(), strict=True))
        for row in rows:
            for column in columns:
                if row[column] is not None:
                    found[column][place[microseconds(row["ts"])]] = row[column]
    return found


def samples_question(kind: DeviceKind, *, corrected: bool = False) -> Composed:
    """Asks for a device's readings at some instants."""
    return sqlfiles.load(_PACKAGE, "list_samples").format(**_names(kind, corrected=corrected))


async def list_late(connection: Connection, grid: Grid, device: Device) -> list[datetime]:
    """Which of the device's readings came in late, the newest first; of a span that is longer than two days: none."""
    if grid.end - grid.start > LATE_WITHIN:
        return []
    asked = {
        "device_id": device.device_id,
        "reads_from": device.counts_from,
        "reads_to": device.counts_to,
        "stream": device.kind.readings,
        "first_day": utc_day(device.counts_from),
        "last_day": utc_day(device.counts_to),
        "limit": MOST_LATE,
    }
    query = sqlfiles.load(_PACKAGE, "list_late").format(**_names(device.kind))
    return [row["ts"] for row in await fetch_all(connection, query, asked)]


def _names(kind: DeviceKind, *, corrected: bool = False) -> dict[str, Identifier]:
    """``corrected``: readings as they count, which are dearer to read than as they were received."""
    readings = kind.counting_readings if corrected else kind.readings
    return {"readings": Identifier(readings), "device_id": Identifier(kind.device_id)}
