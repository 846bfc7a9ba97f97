"""The readings of several bodies as sorted columns, each row still knowing which item of which body it came from."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from warehouse.contract.tables import DeviceKind
from warehouse.decoding.reading_columns import ReadingColumns, microseconds
from warehouse.decoding.telemetry import READINGS, Telemetry
from warehouse.postgres.binary_arrays import BinaryArray, Float4Array, Float8Array, Int4Array, TimestamptzArray
from warehouse.postgres.readings.device_ids import DeviceIds

_UNKNOWN = -1
"""No device has this id."""


class Origin(NamedTuple):
    """Where a row came from: the body's number in the batch and the item's in the body, both from 0."""

    body: int
    item: int


class Key(NamedTuple):
    """What makes a reading itself: the device and the instant, in microseconds since 1970."""

    device_id: int
    ts_us: int


class Columns:
    """The rows of one stream, sorted by (device, ts); equal keys stay in the order in which they arrived."""

    def __init__(self, chunks: Sequence[Sequence[npt.ArrayLike]]) -> None:
        """Each chunk holds the columns of some rows: device id, microseconds, kWh, sensors, body, index in the body."""
        if len(chunks) == 1:
            columns = [np.asarray(column) for column in chunks[0]]
        else:
            columns = [np.concatenate(pieces) for pieces in zip(*chunks, strict=True)] or [np.array([])] * 7
        order = np.lexsort((columns[1], columns[0]))
        *self._columns, self._bodies, self._indexes = (column[order] for column in columns)

    def __len__(self) -> int:
        return len(self._bodies)

    def origin(self, position: int) -> Origin:
        """Where the row at this position came from."""
        return Origin(int(self._bodies[position]), int(self._indexes[position]))

    def keys(self) -> list[Key]:
        """The key of each row, in order."""
        device_ids, instants = self._columns[0].tolist(), self._columns[1].tolist()
        return [Key(device_id, ts_us) for device_id, ts_us in zip(device_ids, instants, strict=True)]

    def parameters(self, names: Sequence[str], positions: Sequence[int] | None = None) -> dict[str, BinaryArray]:
        """These columns (or only these rows of them) as the named parameters of a statement."""
        chosen = self._columns if positions is None else [column[list(positions)] for column in self._columns]
        return {name: array(column) for name, array, column in zip(names, _ARRAYS, chosen, strict=False)}


PARAMETERS = {
    DeviceKind.METER: ("meter_ids", "meter_ts", "meter_kwh", "meter_volts"),
    DeviceKind.VEHICLE: ("vehicle_ids", "vehicle_ts", "vehicle_kwh", "vehicle_soc", "vehicle_temp"),
}
"""What the statements call the columns of each stream."""
_ARRAYS = (Int4Array, TimestamptzArray, Float8Array, Float4Array, Float4Array)
ARRAY_OIDS = {
    name: array.array_oid for names in PARAMETERS.values() for name, array in zip(names, _ARRAYS, strict=False)
}
"""The types of these parameters."""
_TYPES = {
    kind: (np.int64, np.int64, *[np.float64] * (len(names) - 2), np.int64, np.int64)
    for kind, names in PARAMETERS.items()
}
"""Of the columns of a chunk. A missing sensor becomes NaN."""


class ReadingBatch:
    """Several bodies made ready to be stored: the columns of both streams, and the readings of unknown devices."""

    def __init__(self, bodies: Sequence[Telemetry], ids: DeviceIds) -> None:
        self.unknown: list[Origin] = []
        chunks: dict[DeviceKind, list[Sequence[npt.ArrayLike]]] = {kind: [] for kind in DeviceKind}
        singly: dict[DeviceKind, list[tuple[Any, ...]]] = {kind: [] for kind in DeviceKind}
        of_type = {reading: (ids.of(kind), singly[kind]) for kind, reading in READINGS.items()}
        for number, body in enumerate(bodies):
            for kind, columns in body.columns.items():
                chunks[kind].append(self._known(number, columns, ids.of(kind)))
            for item, reading in zip(body.indexes, body.readings, strict=True):
                known, rows = of_type[type(reading)]
                device_id = known.get(reading[0])
                if device_id is None:
                    self.unknown.append(Origin(number, item))
                else:
                    rows.append((device_id, microseconds(reading[1]), *reading[2:], number, item))
        self.columns = {kind: Columns([*chunks[kind], *_as_chunk(kind, singly[kind])]) for kind in DeviceKind}

    def _known(self, number: int, columns: ReadingColumns, ids: Mapping[str, int]) -> Sequence[npt.ArrayLike]:
        """The rows of one body whose devices are known."""
        device_ids = np.array([ids.get(each, _UNKNOWN) for each in columns.external_ids])
        rows = (
            device_ids,
            columns.ts_us,
            columns.kwh,
            *columns.sensors,
            np.full(len(device_ids), number),
            columns.indexes,
        )
        is_known = device_ids != _UNKNOWN
        if is_known.all():
            return rows
        self.unknown += [Origin(number, item) for item in columns.indexes[~is_known].tolist()]
        return [column[is_known] for column in rows]

    def parameters(self) -> dict[str, BinaryArray]:
        """The parameters of ``store_readings.sql``."""
        return {
            name: array
            for kind, columns in self.columns.items()
            for name, array in columns.parameters(PARAMETERS[kind]).items()
        }


def external_ids(bodies: Sequence[Telemetry]) -> dict[DeviceKind, set[str]]:
    """The devices that these bodies speak of."""
    found: dict[DeviceKind, set[str]] = {kind: set() for kind in DeviceKind}
    of_type = {reading: found[kind] for kind, reading in READINGS.items()}
    for body in bodies:
        for kind, columns in body.columns.items():
            found[kind].update(columns.external_ids)
        for reading in body.readings:
            of_type[type(reading)].add(reading[0])
    return found


def _as_chunk(kind: DeviceKind, rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[npt.ArrayLike]]:
    """The rows that were validated one by one; none where there are none."""
    if rows:
        yield [np.array(column, dtype) for column, dtype in zip(zip(*rows, strict=True), _TYPES[kind], strict=True)]


def key_of(device_id: int, ts: datetime) -> Key:
    """The key of a row as the database returns it."""
    return Key(device_id, microseconds(ts))
