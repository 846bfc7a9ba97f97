"""Days of the simulated fleet in PostgreSQL: sessions, sensors that some devices lack, and all its known faults.

Written as they arrive, minute after minute, so that the heap lies as it would. Autovacuum works as the product has set
it, and is left as far behind at the end as it would be had the day taken a day.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from psycopg.sql import SQL, Identifier

from tests.benchmarks.fleet import POSTGRES_EPOCH_S
from tests.benchmarks.full_day import wait_for_autovacuum
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect
from warehouse.simulation.fleet import Fleet, MeterColumns, VehicleColumns

MINUTES = 1440
MINUTES_AT_ONCE = 10
COPY_MINUTES = 60
"""Of one transaction."""
LAST_MINUTES = 6
"""Written when autovacuum is done with the rest: of 10,000 devices these are 60,000 rows, for it to come once more."""
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"

COLUMNS = {
    DeviceKind.METER: ("meter_id", "ts", "kwh", "voltage_volts"),
    DeviceKind.VEHICLE: ("vehicle_id", "ts", "kwh", "battery_temp_celsius", "soc_percent"),
}
"""Of the sensors the first is missing on some devices."""


def write_days(url: str, devices: int, days: Iterable[date], every_minutes: int = 1) -> int:
    """Write all readings of these days, which follow each other; returns how many they are."""
    first_minutes = [int(midnight(day).timestamp()) // 60 for day in days]
    whole = (first_minutes[0], first_minutes[-1] + MINUTES - LAST_MINUTES)
    rest = (whole[1], whole[1] + LAST_MINUTES)
    with ThreadPoolExecutor(len(DeviceKind)) as pool:
        rows = sum(pool.map(lambda kind: _write(url, kind, devices, every_minutes, *whole), DeviceKind))
        wait_for_autovacuum(url)
        return rows + sum(pool.map(lambda kind: _write(url, kind, devices, every_minutes, *rest), DeviceKind))


def days_before(day: date, count: int) -> Sequence[date]:
    """``count`` days that end with this one."""
    return [day - timedelta(days=count - 1 - number) for number in range(count)]


def _write(url: str, kind: DeviceKind, devices: int, every: int, first_minute: int, end_minute: int) -> int:
    fleet, rows = Fleet(devices), 0
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        Identifier(kind.readings), SQL(", ").join(map(Identifier, COLUMNS[kind]))
    )
    with connect(url) as connection:
        for begin in range(first_minute, end_minute, COPY_MINUTES):
            with connection.cursor() as cursor:
                with cursor.copy(statement) as stream:
                    stream.write(COPY_HEADER)
                    for piece in _pieces(fleet, kind, range(begin, min(begin + COPY_MINUTES, end_minute)), every):
                        stream.write(piece)
                    stream.write(COPY_TRAILER)
                rows += cursor.rowcount
    return rows


def _pieces(fleet: Fleet, kind: DeviceKind, minutes: range, every: int) -> Iterator[bytes]:
    for minute in minutes[:: MINUTES_AT_ONCE if every == 1 else every]:
        count = min(MINUTES_AT_ONCE, minutes.stop - minute) if every == 1 else 1
        if kind is DeviceKind.METER:
            meters = fleet.meters(minute, count)
            yield from _rows(meters, [meters.voltage_volts])
        else:
            vehicles = fleet.vehicles(minute, count)
            yield from _rows(vehicles, [vehicles.battery_celsius, vehicles.soc_percent])


def _rows(columns: MeterColumns | VehicleColumns, sensors: Sequence[npt.NDArray[np.float64]]) -> Iterator[bytes]:
    """Each minute as rows of a binary COPY, in order of time: those with all sensors, then those without the first."""
    for minute, reported in enumerate(columns.reported):
        order = np.argsort(columns.instants_s[minute], kind="stable")
        order = order[reported[order]]
        lacking = np.isnan(sensors[0][minute])
        for is_lacking in (False, True):
            chosen = order[lacking[order] == is_lacking]
            yield _encoded(columns, [None if is_lacking else sensors[0], *sensors[1:]], minute, chosen)


def _encoded(
    columns: MeterColumns | VehicleColumns,
    sensors: Sequence[npt.NDArray[np.float64] | None],
    minute: int,
    chosen: npt.NDArray[np.intp],
) -> bytes:
    values: list[tuple[str, npt.NDArray[np.generic] | None]] = [
        (">i4", chosen + 1),
        (">i8", (columns.instants_s[minute, chosen] - POSTGRES_EPOCH_S) * 1_000_000),
        (">f8", columns.kwh[minute, chosen]),
        *((">f4", None if sensor is None else sensor[minute, chosen]) for sensor in sensors),
    ]
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for place, (type_, value) in enumerate(values):
        layout.append((f"bytes{place}", ">i4"))
        if value is not None:
            layout.append((f"value{place}", type_))
    rows: npt.NDArray[np.void] = np.zeros(len(chosen), dtype=layout)
    rows["fields"] = len(values)
    for place, (type_, value) in enumerate(values):
        rows[f"bytes{place}"] = -1 if value is None else np.dtype(type_).itemsize
        if value is not None:
            rows[f"value{place}"] = value
    return rows.tobytes()
