"""What a valid reading IS: its fields, their ranges, and the code each violation is reported under.

The only definition: the HTTP edge and the file import both validate here. It takes decoded JSON values and is
written for speed, since it runs once a reading on the ingest path.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, NoReturn

DEVICE_ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._:*-]{0,63}"
DEVICE_ID_WORDS = "1 to 64 letters, digits and ._:*- and begins with a letter or digit"
"""What the pattern says. Chargers are called by their EVSE ids: ``DE*ABC*E1234*1``."""

_ID = re.compile(DEVICE_ID_PATTERN, re.ASCII).fullmatch
_TIMESTAMP = re.compile(
    # The offset is checked here: datetime reads +05:60 as six hours.
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
).fullmatch
_NAIVE_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?", re.ASCII).fullmatch


_NO_VALUE = "a device that has no value sends null, not a stand-in such as -1, 255, 6553.5, 65535 or -999"
_NO_SENSORS = {"voltage": None, "soc": None, "batteryTemp": None}
_ID_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:*-"
_ID_LENGTHS = frozenset(range(1, 65))

Range = tuple[float, float]
"""The least and the greatest value that a field may have."""
KWH: Range = (0.0, 1e9)
SMALLEST_KWH = 1e-9
"""A register that shows less shows 0: nothing resolves it, and a product of such numbers is an error in PostgreSQL."""
VOLTAGE: Range = (0.0, 1500.0)
SOC_PERCENT: Range = (0.0, 100.0)
BATTERY_TEMP_CELSIUS: Range = (-60.0, 120.0)


class MeterReading(NamedTuple):
    """The AC register of a meter. ``ts`` is an aware instant; ``voltage_volts`` is ``None`` without a sensor."""

    meter_id: str
    ts: datetime
    kwh: float
    voltage_volts: float | None


class VehicleReading(NamedTuple):
    """The DC register of a vehicle, its state of charge and battery temperature (``None``: no sensor fitted)."""

    vehicle_id: str
    ts: datetime
    kwh: float
    soc_percent: float | None
    battery_temp_celsius: float | None


Reading = MeterReading | VehicleReading


class AcceptedWindow(NamedTuple):
    """The timestamps that are accepted, both ends included."""

    earliest: datetime
    latest: datetime

    @classmethod
    def around(cls, now: datetime, *, age: timedelta, ahead: timedelta) -> "AcceptedWindow":
        """From ``now - age`` to ``now + ahead``."""
        return cls(now - age, now + ahead)


class InvalidReadingError(Exception):
    """A value that is no reading: a stable ``code``, a JSON ``pointer`` to the field, and a ``detail`` for people."""

    def __init__(self, code: str, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.pointer = pointer
        self.detail = detail


def parse_reading(item: object, window: AcceptedWindow, *, absent_sensor_is_null: bool = False) -> Reading:
    """Read one decoded JSON value as a reading.

    A device says of each sensor that it has none (``null``); a file of old measurements may just leave it out.

    Raises:
        InvalidReadingError: with one of the codes ``not_an_object``, ``unknown_kind``, ``ambiguous_kind``,
            ``type_mismatch``, ``missing_field``, ``invalid_type``, ``out_of_range``, ``invalid_id``,
            ``invalid_timestamp``, ``naive_timestamp``, ``timestamp_too_old``, ``timestamp_in_future``.
    """
    if not isinstance(item, dict):
        raise InvalidReadingError("not_an_object", "", "a reading is a JSON object")
    is_meter = "meterId" in item
    if is_meter == ("vehicleId" in item):
        _refuse_kind(both=is_meter)
    if "type" in item:
        _check_type(item["type"], "meter" if is_meter else "vehicle")
    if absent_sensor_is_null:
        item = {**_NO_SENSORS, **item}
    try:
        if is_meter:
            return MeterReading(
                _identifier(item["meterId"], "meterId"),
                _timestamp(item["timestamp"], window),
                _kwh(item["kwhConsumedAc"], "kwhConsumedAc"),
                _optional_number(item["voltage"], "voltage", VOLTAGE),
            )
        return VehicleReading(
            _identifier(item["vehicleId"], "vehicleId"),
            _timestamp(item["timestamp"], window),
            _kwh(item["kwhDeliveredDc"], "kwhDeliveredDc"),
            _optional_number(item["soc"], "soc", SOC_PERCENT),
            _optional_number(item["batteryTemp"], "batteryTemp", BATTERY_TEMP_CELSIUS),
        )
    except KeyError as missing:
        (name,) = missing.args
        raise InvalidReadingError("missing_field", f"/{name}", f"{name} is required") from None


def parse_timestamp(text: str) -> datetime:
    """An RFC 3339 instant with an offset. Of any number of fraction digits, the first six count: cut, never rounded.

    Raises:
        InvalidReadingError: ``naive_timestamp`` without an offset, else ``invalid_timestamp``.
    """
    if _TIMESTAMP(text):
        try:
            return datetime.fromisoformat(text.upper())
        except ValueError:  # the shape is right and the date is not: 30 February, 24:00:00, a leap second
            pass
    elif _NAIVE_TIMESTAMP(text):
        raise InvalidReadingError("naive_timestamp", "/timestamp", "the timestamp has no offset; end it in Z or +hh:mm")
    raise InvalidReadingError(
        "invalid_timestamp", "/timestamp", "expected RFC 3339 with an offset, e.g. 2026-02-08T04:00:00.000Z"
    )


def is_device_id(text: str) -> bool:
    """Whether this is a device id: ASCII, 1..64 letters, digits and ``._:*-``, the first a letter or digit."""
    return _ID(text) is not None


def are_device_ids(texts: Sequence[str]) -> bool:
    """Whether each of them is a device id: ``is_device_id`` for many at a tenth of the price."""
    lengths = set(map(len, texts))
    everything, firsts = "".join(texts), "".join([text[:1] for text in texts])
    return (
        lengths <= _ID_LENGTHS
        and everything.isascii()
        and not everything.encode().translate(None, _ID_BYTES)
        and firsts.isalnum()
    )


def _refuse_kind(*, both: bool) -> NoReturn:
    if both:
        raise InvalidReadingError("ambiguous_kind", "", "meterId and vehicleId are both present; a reading has one")
    raise InvalidReadingError("unknown_kind", "", "neither meterId nor vehicleId is present")


def _check_type(value: object, kind: str) -> None:
    if value != kind:
        raise InvalidReadingError("type_mismatch", "/type", f"the id field says this is a {kind}, type does not")


def _identifier(value: object, name: str) -> str:
    if type(value) is not str:
        raise InvalidReadingError("invalid_type", f"/{name}", f"{name} is a string")
    if not _ID(value):
        raise InvalidReadingError("invalid_id", f"/{name}", f"{name} is {DEVICE_ID_WORDS}")
    return value


def _number(value: object, name: str, allowed: Range) -> float:
    if type(value) is not float and type(value) is not int:
        raise InvalidReadingError("invalid_type", f"/{name}", f"{name} is a number")
    low, high = allowed
    if not low <= value <= high:
        hint = f"; {_NO_VALUE}" if name in _NO_SENSORS else ""
        raise InvalidReadingError("out_of_range", f"/{name}", f"{name} lies between {low:g} and {high:g}{hint}")
    return value + 0.0  # -0.0 becomes 0.0, an integer a float


def _kwh(value: object, name: str) -> float:
    kwh = _number(value, name, KWH)
    return kwh if kwh >= SMALLEST_KWH else 0.0


def _optional_number(value: object, name: str, allowed: Range) -> float | None:
    return None if value is None else _number(value, name, allowed)


def _timestamp(value: object, window: AcceptedWindow) -> datetime:
    if type(value) is not str:
        raise InvalidReadingError("invalid_type", "/timestamp", "timestamp is a string")
    ts = parse_timestamp(value)
    if ts < window.earliest:
        raise InvalidReadingError(
            "timestamp_too_old", "/timestamp", f"readings before {_instant(window.earliest)} are not accepted here"
        )
    if ts > window.latest:
        raise InvalidReadingError(
            "timestamp_in_future", "/timestamp", f"readings after {_instant(window.latest)} are not accepted"
        )
    return ts


def _instant(ts: datetime) -> str:
    return ts.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
