"""The readings of a fleet in the order in which they arrive, as JSON or as rows of a binary COPY.

All devices report, one reading or one backlog of readings each, then all of them again, a second of event time between
readings: none comes twice. Only the end of a reading differs between instants, so a million take a second to make.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

import numpy as np
import numpy.typing as npt

from warehouse.contract.tables import DeviceKind

POSTGRES_EPOCH_S = 946_684_800
_REQUEST_HEAD = b"POST /v1/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"


def external_id(kind: DeviceKind, number: int) -> str:
    """What the device with this surrogate id calls itself."""
    return f"{kind}-{number:05d}"


class Fleet:
    """``devices`` meters and as many vehicles. Each call goes on where the one before ended."""

    def __init__(self, devices: int, start: datetime, *, backlog: int = 1, in_order: bool = False) -> None:
        """``start`` is the first instant, ``backlog`` how many readings a device has when its turn comes.

        ``in_order``: device after device, as who collects them sends them, and as COPY and indexes like it best. Else
        at random, as devices come by themselves.
        """
        self._devices = devices
        self._start = start
        self._backlog = backlog
        self._second = 0
        self._random = None if in_order else np.random.default_rng(7)
        self._json = self._arriving()

    def readings(self, count: int) -> list[bytes]:
        """The next ``count`` readings as JSON objects."""
        return list(islice(self._json, count))

    def arrays(self, count: int, items: int) -> list[bytes]:
        """``count`` JSON arrays of the next ``items`` readings each."""
        return [b"[%s]" % b",".join(self.readings(items)) for _ in range(count)]

    def requests(self, count: int) -> list[bytes]:
        """The next ``count`` readings as whole HTTP requests."""
        return [post(reading) for reading in self.readings(count)]

    def copy_rows(self, count: int) -> tuple[int, dict[DeviceKind, bytes]]:
        """At least ``count`` readings as binary COPY data (id, ts, kwh, then the sensors), and how many they are."""
        turns = -(-count // (2 * self._devices * self._backlog))
        data = {kind: self._copy_of(kind, turns) for kind in DeviceKind}
        self._second += turns * self._backlog
        return 2 * turns * self._devices * self._backlog, data

    def _arriving(self) -> Iterator[bytes]:
        numbers = range(1, self._devices + 1)
        heads = [head for number in numbers for head in (_meter_head(number), _vehicle_head(number))]
        while True:
            tails = [self._tail(self._second + number) for number in range(self._backlog)]
            self._second += self._backlog
            for position in self._order(len(heads)).tolist():
                for tail in tails:
                    yield heads[position] + tail

    def _order(self, count: int) -> npt.NDArray[np.int64]:
        return np.arange(count) if self._random is None else self._random.permutation(count)

    def _tail(self, second: int) -> bytes:
        ts = self._start + timedelta(seconds=second)
        return f'{second * 0.05:07.3f},"timestamp":"{ts:%Y-%m-%dT%H:%M:%S}.000Z"}}'.encode()

    def _copy_of(self, kind: DeviceKind, turns: int) -> bytes:
        sensors = 1 if kind is DeviceKind.METER else 2
        values: list[tuple[str, str]] = [("id", ">i4"), ("ts", ">i8"), ("kwh", ">f8")]
        values += [(f"sensor{number}", ">f4") for number in range(sensors)]
        layout = [("fields", ">i2")]
        for name, type_ in values:
            layout += [(f"{name}_bytes", ">i4"), (name, type_)]
        rows: npt.NDArray[np.void] = np.zeros(turns * self._devices * self._backlog, dtype=layout)
        rows["fields"] = len(values)
        for name, type_ in values:
            rows[f"{name}_bytes"] = np.dtype(type_).itemsize
        first_s = int(self._start.timestamp()) - POSTGRES_EPOCH_S
        for turn, block in enumerate(np.split(rows, turns)):
            seconds = self._second + turn * self._backlog + np.tile(np.arange(self._backlog), self._devices)
            block["id"] = np.repeat(self._order(self._devices) + 1, self._backlog)
            block["ts"] = (first_s + seconds) * 1_000_000
            block["kwh"] = (1 + block["id"] % 9) * 1000 + seconds * 0.05
            for number in range(sensors):
                block[f"sensor{number}"] = 20 + block["id"] % 70 * 0.1
        return _COPY_HEADER + rows.tobytes() + _COPY_TRAILER


def post(body: bytes, token: object = None) -> bytes:
    """A request with one small body."""
    credentials = b"" if token is None else f"Authorization: Bearer {token}\r\n".encode()
    return b"%s%sContent-Length: %d\r\n\r\n%s" % (_REQUEST_HEAD, credentials, len(body), body)


def device_of(reading: bytes) -> str:
    """The id of the device that a reading of ours is of."""
    return reading.split(b'"', 4)[3].decode()


def _meter_head(number: int) -> bytes:
    voltage = 220 + number % 200 * 0.1
    identity = external_id(DeviceKind.METER, number)
    return f'{{"meterId":"{identity}","voltage":{voltage:.1f},"kwhConsumedAc":{1 + number % 9}'.encode()


def _vehicle_head(number: int) -> bytes:
    soc, celsius = 10 + number % 899 * 0.1, 10 + number % 300 * 0.1
    identity = external_id(DeviceKind.VEHICLE, number)
    return (
        f'{{"vehicleId":"{identity}","soc":{soc:.1f},"batteryTemp":{celsius:.1f},"kwhDeliveredDc":{1 + number % 9}'
    ).encode()
