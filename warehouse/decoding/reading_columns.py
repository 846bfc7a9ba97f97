"""The fast path for many readings: columns instead of objects, for a body in which nothing is doubtful.

The full validation (``contract/readings.py``) takes one item at a time and costs several times as much. What the fast
path accepts, the full validation would accept too, as the same reading. Where anything is doubtful, one bad item or an
unusual way to write a timestamp, the whole body is left to the full validation.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import UNSET, UnsetType

from warehouse.contract.readings import (
    BATTERY_TEMP_CELSIUS,
    KWH,
    SMALLEST_KWH,
    SOC_PERCENT,
    VOLTAGE,
    AcceptedWindow,
    Range,
    are_device_ids,
)
from warehouse.contract.tables import DeviceKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_AND_TIME = "dddd-dd-ddTdd:dd:dd"
_OFFSETS = ("Z", "+00:00")
_FIELD_STARTS = (0, 4, 6, 8, 10, 12, 14)
_MICROSECOND_DIGITS = 6
_NANOSECOND_DIGITS = 9
"""As many as clocks print. More are rare, and the full validation reads them too."""


class ReadingColumns(NamedTuple):
    """Readings of one kind of device, a column a field, in the order of their items."""

    external_ids: Sequence[str]
    ts_us: npt.NDArray[np.int64]
    """Microseconds since 1970, UTC."""
    kwh: npt.NDArray[np.float64]
    sensors: Sequence[npt.NDArray[np.float64]]
    """A meter's voltage (V); a vehicle's state of charge (%) and battery temperature (Celsius). NaN: not fitted."""
    indexes: npt.NDArray[np.int64]
    """Of the items in their body."""

    def of(self, is_kept: npt.NDArray[np.bool_]) -> "ReadingColumns":
        """Those of these readings that are kept."""
        ids = [each for each, kept in zip(self.external_ids, is_kept.tolist(), strict=True) if kept]
        sensors = [column[is_kept] for column in self.sensors]
        return ReadingColumns(ids, self.ts_us[is_kept], self.kwh[is_kept], sensors, self.indexes[is_kept])

    def days(self) -> list[date]:
        """The UTC days of these readings."""
        return list(np.unique(self.ts_us.astype("datetime64[us]").astype("datetime64[D]")).tolist())


class _Item(msgspec.Struct, rename="camel", gc=False):
    """A meter's reading or a vehicle's, as JSON; what is not there is unset."""

    timestamp: str
    meter_id: str | UnsetType = UNSET
    vehicle_id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    kwh_consumed_ac: float | UnsetType = UNSET
    voltage: float | UnsetType | None = UNSET
    kwh_delivered_dc: float | UnsetType = UNSET
    soc: float | UnsetType | None = UNSET
    battery_temp: float | UnsetType | None = UNSET


class _DoubtError(Exception):
    """Something is not as it nearly always is; the body needs the full validation"""


_decode = msgspec.json.Decoder(list[_Item]).decode
_decode_line = msgspec.json.Decoder(_Item).decode


def microseconds(ts: datetime) -> int:
    """An aware instant in microseconds since 1970."""
    since = ts - _EPOCH  # whole numbers: a float64 of seconds would lose the last microsecond in the far future
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def columns_of_array(body: bytes, window: AcceptedWindow) -> Mapping[DeviceKind, ReadingColumns] | None:
    """The readings of a JSON array; ``None`` where something is doubtful."""
    try:
        _require_utf8(body)
        return _columns(_decode(body), window)
    except (_DoubtError, ValueError, RecursionError):
        return None


def columns_of_lines(lines: Sequence[bytes], window: AcceptedWindow) -> Mapping[DeviceKind, ReadingColumns] | None:
    """The readings of NDJSON, one a line; ``None`` where something is doubtful, or a line is blank."""
    try:
        for line in lines:  # one by one: together they could make up for each other
            _require_utf8(line)
        return _columns([_decode_line(line) for line in lines], window)
    except (_DoubtError, ValueError, RecursionError):
        return None


def _columns(items: Sequence[_Item], window: AcceptedWindow) -> Mapping[DeviceKind, ReadingColumns]:
    of_meters = np.array([item.meter_id is not UNSET for item in items])
    of_vehicles = np.array([item.vehicle_id is not UNSET for item in items])
    if np.any(of_meters == of_vehicles):
        raise _DoubtError
    found = {}
    for kind, of_kind in ((DeviceKind.METER, of_meters), (DeviceKind.VEHICLE, of_vehicles)):
        indexes = np.flatnonzero(of_kind)
        if indexes.size:
            found[kind] = _columns_of(kind, [items[index] for index in indexes.tolist()], indexes, window)
    return found


def _columns_of(
    kind: DeviceKind, items: Sequence[_Item], indexes: npt.NDArray[np.int64], window: AcceptedWindow
) -> ReadingColumns:
    external_ids: list[Any]
    if kind is DeviceKind.METER:
        external_ids = [item.meter_id for item in items]
        kwh = _kwh([item.kwh_consumed_ac for item in items])
        sensors = [_numbers([item.voltage for item in items], VOLTAGE)]
    else:
        external_ids = [item.vehicle_id for item in items]
        kwh = _kwh([item.kwh_delivered_dc for item in items])
        sensors = [
            _numbers([item.soc for item in items], SOC_PERCENT),
            _numbers([item.battery_temp for item in items], BATTERY_TEMP_CELSIUS),
        ]
    ts_us = _instants_us([item.timestamp for item in items])
    _require(are_device_ids(external_ids))
    _require({item.type for item in items} <= {UNSET, kind.value})
    _require(microseconds(window.earliest) <= ts_us.min() and ts_us.max() <= microseconds(window.latest))
    return ReadingColumns(external_ids, ts_us, kwh, sensors, indexes)


def _numbers(values: Sequence[object], allowed: Range) -> npt.NDArray[np.float64]:
    """The column, NaN for null."""
    try:
        column = np.array(values, dtype=np.float64) + 0.0  # -0.0 becomes 0.0
    except TypeError:  # one is unset
        raise _DoubtError from None
    low, high = allowed
    _require(np.all((column >= low) & (column <= high) | np.isnan(column)))
    return column


def _kwh(values: Sequence[object]) -> npt.NDArray[np.float64]:
    column = _numbers(values, KWH)
    return np.where(column < SMALLEST_KWH, 0.0, column)


def _instants_us(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Timestamps in UTC that are all written alike."""
    joined = "".join(texts)
    _require(joined.isascii() and len(set(map(len, texts))) == 1)
    layout = np.frombuffer(_layout(texts[0]).encode(), np.uint8)
    is_digit = layout == ord("d")
    characters = np.frombuffer(joined.encode(), np.uint8).reshape(len(texts), len(layout))
    digits = characters[:, is_digit] - ord("0")
    _require(np.all(digits <= 9) and np.all(characters[:, ~is_digit] == layout[~is_digit]))
    return _instants_of(digits)


def _layout(text: str) -> str:
    """How this timestamp is written, if it is a timestamp: ``d`` stands for a digit."""
    offset = next((offset for offset in _OFFSETS if text.endswith(offset)), "")
    fraction = len(text) - len(offset) - len(_DATE_AND_TIME) - 1
    _require(offset and (fraction == -1 or 1 <= fraction <= _NANOSECOND_DIGITS))
    return _DATE_AND_TIME + ("." + "d" * fraction if fraction > 0 else "") + offset


def _instants_of(digits: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """From the digits of YYYYMMDDhhmmss and of a fraction."""
    fields = [_number(digits[:, start:end]) for start, end in pairwise(_FIELD_STARTS)]
    year, month, day, hour, minute, second = fields
    fraction = digits[:, _FIELD_STARTS[-1] : _FIELD_STARTS[-1] + _MICROSECOND_DIGITS]  # cut, as parse_timestamp does
    microsecond = _number(fraction) * 10 ** (_MICROSECOND_DIGITS - fraction.shape[1])
    first_of_month = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    first_day, next_month = (
        each.astype("datetime64[D]").astype(np.int64)
        for each in (first_of_month, first_of_month + np.timedelta64(1, "M"))
    )
    is_date = (month >= 1) & (month <= 12) & (day >= 1) & (day <= next_month - first_day)
    _require(np.all(is_date & (hour < 24) & (minute < 60) & (second < 60)))
    seconds = ((first_day + day - 1) * 24 + hour) * 3600 + minute * 60 + second
    return np.asarray(seconds * 1_000_000 + microsecond, np.int64)


def _number(digits: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The number that each row of digits writes; 0 for none."""
    number = np.zeros(len(digits), np.int64)
    for digit in digits.T:
        number = number * 10 + digit
    return number


def _require_utf8(text: bytes) -> None:
    """The decoder skips the fields that are not declared, whatever bytes are in them."""
    if not text.isascii():
        text.decode()


def _require(is_plain: object) -> None:
    if not is_plain:
        raise _DoubtError
