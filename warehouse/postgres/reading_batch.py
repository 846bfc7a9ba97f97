"""The readings of several bodies as sorted columns, each row still knowing which item of which body it came from."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from warehouse.contract.readings import MeterReading, Reading
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.binary_arrays import BinaryArray, Float4Array, Float8Array, Int4Array, TimestamptzArray
from warehouse.postgres.devices import DeviceIds
from warehouse.telemetry import Telemetry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAN = float("nan")


class Origin(NamedTuple):
    """Where a row came from: the body's number in the batch and the reading's number in the body."""

    body: int
    reading: int


class Key(NamedTuple):
    """What makes a reading itself: the device and the instant, in microseconds since 1970."""

    device_id: int
    ts_us: int


class Columns:
    """The rows of one stream, sorted by (device, ts); equal keys stay in the order in which they arrived."""

    def __init__(self, rows: Sequence[tuple[Any, ...]], origins: Sequence[Origin]) -> None:
        columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.array([])] * 5
        order = np.lexsort((columns[1], columns[0]))
        self._columns: list[npt.NDArray[Any]] = [column[order] for column in columns]
        self.origins = [origins[position] for position in order]

    def __len__(self) -> int:
        return len(self.origins)

    def keys(self) -> list[Key]:
        """The key of each row, in order."""
        device_ids, instants = self._columns[0].tolist(), self._columns[1].tolist()
        return [Key(device_id, ts_us) for device_id, ts_us in zip(device_ids, instants, strict=True)]

    def parameters(self, names: Sequence[str], positions: Sequence[int] | None = None) -> dict[str, BinaryArray]:
        """These columns (or only these rows of them) as the named parameters of a statement."""
        types = (Int4Array, TimestamptzArray, Float8Array, Float4Array, Float4Array)
        chosen = self._columns if positions is None else [column[list(positions)] for column in self._columns]
        return {name: array(column) for name, array, column in zip(names, types, chosen, strict=False)}


PARAMETERS = {
    DeviceKind.METER: ("meter_ids", "meter_ts", "meter_kwh", "meter_volts"),
    DeviceKind.VEHICLE: ("vehicle_ids", "vehicle_ts", "vehicle_kwh", "vehicle_soc", "vehicle_temp"),
}
"""What the statements call the columns of each stream."""


class ReadingBatch:
    """Several bodies made ready to be stored: the columns of both streams, and the readings of unknown devices."""

    def __init__(self, bodies: Sequence[Telemetry], ids: DeviceIds) -> None:
        rows: dict[DeviceKind, list[tuple[Any, ...]]] = {kind: [] for kind in DeviceKind}
        origins: dict[DeviceKind, list[Origin]] = {kind: [] for kind in DeviceKind}
        meter_ids, vehicle_ids = ids.of(DeviceKind.METER), ids.of(DeviceKind.VEHICLE)
        self.unknown: list[Origin] = []
        for body_number, body in enumerate(bodies):
            for reading_number, reading in enumerate(body.readings):
                origin = Origin(body_number, reading_number)
                is_meter = type(reading) is MeterReading
                device_id = meter_ids.get(reading[0]) if is_meter else vehicle_ids.get(reading[0])
                if device_id is None:
                    self.unknown.append(origin)
                    continue
                kind = DeviceKind.METER if is_meter else DeviceKind.VEHICLE
                values = [_NAN if value is None else value for value in reading[3:]]
                rows[kind].append((device_id, _microseconds(reading.ts), reading.kwh, *values))
                origins[kind].append(origin)
        self.columns = {kind: Columns(rows[kind], origins[kind]) for kind in DeviceKind}

    def parameters(self) -> dict[str, BinaryArray]:
        """The parameters of ``store_readings.sql``."""
        return {
            name: array
            for kind, columns in self.columns.items()
            for name, array in columns.parameters(PARAMETERS[kind]).items()
        }


def external_ids(bodies: Iterable[Telemetry]) -> dict[DeviceKind, set[str]]:
    """The devices that these bodies speak of."""
    found: dict[DeviceKind, set[str]] = {kind: set() for kind in DeviceKind}
    for body in bodies:
        for reading in body.readings:
            found[kind_of(reading)].add(reading[0])
    return found


def kind_of(reading: Reading) -> DeviceKind:
    """The kind of device that sent this reading."""
    return DeviceKind.METER if type(reading) is MeterReading else DeviceKind.VEHICLE


def key_of(device_id: int, ts: datetime) -> Key:
    """The key of a row as the database returns it."""
    return Key(device_id, _microseconds(ts))


def _microseconds(ts: datetime) -> int:
    since = ts - _EPOCH  # whole numbers: a float64 of seconds would lose the last microsecond in the far future
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
