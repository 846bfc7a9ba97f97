"""Turns bytes of telemetry into readings: JSON as devices send it, validated item by item.

A large body in which nothing is doubtful becomes columns at once. Any other is validated item by item, so that a bad
item costs none of its neighbours. That takes several times as long, so it can be done in steps (``body_in_steps``,
``lines_in_steps``).
"""

from collections.abc import Callable, Container, Generator, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

import msgspec
import numpy as np

from warehouse.contract.partitions import utc_day
from warehouse.contract.readings import (
    AcceptedWindow,
    InvalidReadingError,
    MeterReading,
    Reading,
    VehicleReading,
    parse_reading,
)
from warehouse.contract.tables import DeviceKind
from warehouse.decoding.json_bodies import MalformedBodyError, decode, is_blank, raw_items
from warehouse.decoding.reading_columns import ReadingColumns, columns_of_array, columns_of_lines

_MANY_LINES = 32
_MANY_BYTES = 100 * _MANY_LINES
"""From here on columns are quicker than readings one by one."""

_ITEMS_A_STEP = 100
_BYTES_A_STEP = 16 * 1024
"""Of lines, which are decoded and validated within a step: half a millisecond."""

READINGS = {DeviceKind.METER: MeterReading, DeviceKind.VEHICLE: VehicleReading}


class TooManyItemsError(Exception):
    """The body is an array of more items than one request may hold"""


class Rejection(msgspec.Struct, frozen=True, order=True):
    """Why the item at ``index`` is not stored: a stable code, a JSON pointer into the item, words for people."""

    index: int
    code: str
    pointer: str
    detail: str


class Sender(Protocol):
    """Who sent a body, and in which request: asked only for what goes to quarantine."""

    @property
    def client_address(self) -> str | None:
        """The address that it came from."""
        ...

    @property
    def request_id(self) -> str | None:
        """What the request is called."""
        ...


class Telemetry:
    """The readings of one body, each with the index of its item, and the items that are none (blank lines are none).

    Readings that were validated one by one are in ``readings``, those of a large plain body in ``columns``.
    """

    __slots__ = (
        "_raw_items",
        "_source",
        "columns",
        "indexes",
        "is_batch",
        "readings",
        "rejections",
        "sender",
        "token_id",
    )

    def __init__(self, source: bytes | Sequence[bytes], *, is_batch: bool) -> None:
        self._source = source
        self._raw_items: Sequence[bytes] | None = None
        self.is_batch = is_batch
        self.sender: Sender | None = None
        self.token_id: str | None = None  # of the token that it was sent with, where there is one
        self.readings: list[Reading] = []
        self.indexes: list[int] = []
        self.columns: Mapping[DeviceKind, ReadingColumns] = {}
        self.rejections: list[Rejection] = []

    @classmethod
    def undecodable(cls, body: bytes, error: MalformedBodyError) -> "Telemetry":
        """A body that is no JSON, as one rejected item: so it is kept like any other."""
        telemetry = cls(body, is_batch=False)
        telemetry.rejections.append(Rejection(0, error.code, "", error.detail))
        return telemetry

    @classmethod
    def of_columns(cls, source: bytes | Sequence[bytes], columns: Mapping[DeviceKind, ReadingColumns]) -> "Telemetry":
        """A body of many readings and nothing else."""
        telemetry = cls(source, is_batch=True)
        telemetry.columns = columns
        return telemetry

    def __len__(self) -> int:
        """The number of items."""
        return self.reading_count + len(self.rejections)

    def days(self, kind: DeviceKind) -> set[date]:
        """The UTC days of the readings of one kind of device."""
        days = {utc_day(reading.ts) for reading in self.readings if type(reading) is READINGS[kind]}
        if columns := self.columns.get(kind):
            days.update(columns.days())
        return days

    @property
    def reading_count(self) -> int:
        """The number of items that are readings."""
        if not self.columns:  # nearly always
            return len(self.readings)
        return len(self.readings) + sum(len(columns.external_ids) for columns in self.columns.values())

    def validate(
        self, items: Iterable[tuple[int, object]], window: AcceptedWindow, *, absent_sensor_is_null: bool = False
    ) -> "Telemetry":
        """Add each decoded item as a reading or as a rejection."""
        for index, item in items:
            try:
                self.readings.append(parse_reading(item, window, absent_sensor_is_null=absent_sensor_is_null))
                self.indexes.append(index)
            except InvalidReadingError as error:
                self.rejections.append(Rejection(index, error.code, error.pointer, error.detail))
        return self

    def reject_devices_but(self, allows: Callable[[str], bool], code: str, detail: str) -> None:
        """Make rejections of the readings whose devices are not allowed."""
        for position in reversed(range(len(self.readings))):
            if not allows(self.readings[position][0]):
                kind = DeviceKind.METER if isinstance(self.readings.pop(position), MeterReading) else DeviceKind.VEHICLE
                self._reject(self.indexes.pop(position), kind, code, detail)
        if not self.columns:
            return
        kept = {}
        for kind, columns in self.columns.items():
            known = {device_id: allows(device_id) for device_id in set(columns.external_ids)}
            is_allowed = np.array([known[device_id] for device_id in columns.external_ids])
            for index in columns.indexes[~is_allowed].tolist():
                self._reject(index, kind, code, detail)
            if is_allowed.any():
                kept[kind] = columns.of(is_allowed)
        self.columns = kept

    def _reject(self, index: int, kind: DeviceKind, code: str, detail: str) -> None:
        self.rejections.append(Rejection(index, code, f"/{kind}Id", detail))

    def raw_item(self, index: int) -> bytes:
        """The bytes of one item as they were sent. Made only for what goes to quarantine."""
        if not isinstance(self._source, bytes):
            return self._source[index]
        if not self.is_batch:
            return self._source
        if self._raw_items is None:
            self._raw_items = raw_items(self._source)
        return self._raw_items[index]


Steps = Generator[None, None, Telemetry]
"""Validates a body step by step and returns it: whoever takes the steps may do something else in between."""


def decode_body(body: bytes, window: AcceptedWindow, *, max_items: int | None = None) -> Telemetry:
    """Read a JSON body: one object, or an array of them.

    Raises:
        MalformedBodyError: the body is no JSON.
        TooManyItemsError: it is an array of more than ``max_items``. They are not validated: a megabyte of
            ``[1,1,1...`` would keep everyone else waiting for seconds.
    """
    if len(body) < _MANY_BYTES:  # nearly always
        return _validated_at_once(decode(body), body, window, max_items)
    return _in_one_go(body_in_steps(body, window, max_items=max_items))


def body_in_steps(body: bytes, window: AcceptedWindow, *, max_items: int | None = None) -> Steps:
    """The same in steps; a body in which nothing is doubtful, or of a few items, is a single one. Raises the same."""
    if len(body) < _MANY_BYTES:
        return _validated_at_once(decode(body), body, window, max_items)
    if columns := columns_of_array(body, window):
        telemetry = Telemetry.of_columns(body, columns)
        _check_count(len(telemetry), max_items)
        return telemetry
    yield
    value = decode(body)
    if not isinstance(value, list):
        return _validated_at_once(value, body, window, max_items)
    _check_count(len(value), max_items)
    telemetry = Telemetry(body, is_batch=True)
    for first in range(0, len(value), _ITEMS_A_STEP):
        telemetry.validate(enumerate(value[first : first + _ITEMS_A_STEP], first), window)
        yield
    return telemetry


def _validated_at_once(value: object, body: bytes, window: AcceptedWindow, max_items: int | None) -> Telemetry:
    if not isinstance(value, list):
        return Telemetry(body, is_batch=False).validate([(0, value)], window)
    _check_count(len(value), max_items)
    return Telemetry(body, is_batch=True).validate(enumerate(value), window)


def _in_one_go(steps: Steps) -> Telemetry:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            telemetry: Telemetry = end.value
            return telemetry


def _check_count(items: int, max_items: int | None) -> None:
    if max_items is not None and items > max_items:
        raise TooManyItemsError


def decode_lines(
    lines: Sequence[bytes],
    window: AcceptedWindow,
    *,
    absent_sensor_is_null: bool = False,
    cut_lines: Container[int] = (),
) -> Telemetry:
    """Read NDJSON lines, one reading a line; a line that is no JSON is one rejection, a blank line is nothing.

    ``cut_lines``: those of which only the beginning is there, because they were too long; each is one rejection.
    """
    return _in_one_go(
        lines_in_steps(lines, window, absent_sensor_is_null=absent_sensor_is_null, cut_lines=cut_lines),
    )


def lines_in_steps(
    lines: Sequence[bytes],
    window: AcceptedWindow,
    *,
    absent_sensor_is_null: bool = False,
    cut_lines: Container[int] = (),
) -> Steps:
    """The same in steps; lines in which nothing is doubtful, or a few short ones, are a single one."""
    if len(lines) >= _MANY_LINES and not cut_lines:
        if columns := columns_of_lines(lines, window):
            return Telemetry.of_columns(lines, columns)
        yield
    telemetry = Telemetry(lines, is_batch=True)
    longest = max(map(len, lines), default=0)
    step = min(_ITEMS_A_STEP, _BYTES_A_STEP // (longest + 1) + 1)
    for first in range(0, len(lines), step):
        if first:
            yield
        numbered = enumerate(lines[first : first + step], first)
        items = _decoded_lines(numbered, cut_lines, telemetry.rejections)
        telemetry.validate(items, window, absent_sensor_is_null=absent_sensor_is_null)
    return telemetry


def _decoded_lines(
    numbered: Iterable[tuple[int, bytes]], cut_lines: Container[int], rejections: list[Rejection]
) -> Iterable[tuple[int, object]]:
    for index, line in numbered:
        if index in cut_lines:
            rejections.append(Rejection(index, "line_too_long", "", "the line is too long; its beginning is kept"))
        elif not is_blank(line):
            try:
                yield index, decode(line)
            except MalformedBodyError as error:
                rejections.append(Rejection(index, error.code, "", error.detail))
