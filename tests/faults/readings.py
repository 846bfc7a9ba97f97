"""The readings of a fleet under test: every device is shared by all connections, and no key comes twice."""

from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import count
from typing import NamedTuple

from tests.faults.connection import post

METERS = VEHICLES = 40
LATE_EVERY = 7
"""Each seventh reading is of the day before: it must enter history and leave the newer state alone."""


class Shape(Enum):
    """How readings are sent; the value is the media type and whether the body is an array."""

    SINGLE = ("application/json", False)
    ARRAY = ("application/json", True)
    LINES = ("application/x-ndjson", False)


class Sent(NamedTuple):
    """One reading: as it is posted, and as the ledger notes it (kind, device, instant, kWh)."""

    json: bytes
    line: bytes


class Body(NamedTuple):
    """One request, and what the ledger notes of it once it is acknowledged."""

    shape: Shape
    request: bytes
    lines: list[bytes]


class Readings:
    """What one connection sends. Instants are a millisecond apart, and off by a microsecond for each connection."""

    def __init__(self, connection: int, start: datetime) -> None:
        self._start = start + timedelta(microseconds=connection)
        self._numbers = count()
        self._connection = connection

    def next(self) -> Sent:
        """A reading that was not sent before."""
        number = next(self._numbers)
        ts = self._start + timedelta(milliseconds=number, days=-(number % LATE_EVERY == LATE_EVERY - 1))
        instant = f"{ts.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        kwh = f"{1000 + number * 0.001:.3f}"
        device = (number + self._connection) // 2
        if number % 2:
            name = meter(device)
            text = f'{{"meterId":"{name}","kwhConsumedAc":{kwh},"voltage":{220 + number % 20},"timestamp":"{instant}"}}'
            return Sent(text.encode(), f"meter\t{name}\t{instant}\t{kwh}\n".encode())
        name = vehicle(device)
        text = (
            f'{{"vehicleId":"{name}","soc":{number % 100},"kwhDeliveredDc":{kwh},"batteryTemp":{20 + number % 30},'
            f'"timestamp":"{instant}"}}'
        )
        return Sent(text.encode(), f"vehicle\t{name}\t{instant}\t{kwh}\n".encode())

    def body(self, shape: Shape, items: int) -> Body:
        """The next readings as one request."""
        media_type, is_array = shape.value
        sent = [self.next() for _ in range(1 if shape is Shape.SINGLE else items)]
        content = b",".join(each.json for each in sent) if is_array else b"\n".join(each.json for each in sent)
        return Body(shape, post(b"[%s]" % content if is_array else content, media_type), [each.line for each in sent])


def meter(number: int) -> str:
    """The id of a meter."""
    return f"meter-{number % METERS:03d}"


def vehicle(number: int) -> str:
    """The id of a vehicle."""
    return f"veh-{number % VEHICLES:03d}"
