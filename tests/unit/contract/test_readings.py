"""A reading is validated by its fields: which values pass, and under which code each other one is refused."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from warehouse.contract.readings import (
    AcceptedWindow,
    InvalidReadingError,
    MeterReading,
    VehicleReading,
    is_device_id,
    parse_reading,
    parse_timestamp,
)

NOW = datetime(2026, 2, 8, 12, tzinfo=UTC)
WINDOW = AcceptedWindow.around(NOW, age=timedelta(days=7), ahead=timedelta(minutes=5))
METER = {"meterId": "m", "kwhConsumedAc": 1, "voltage": 230.0, "timestamp": "2026-02-08T12:00:00Z"}
VEHICLE = {"vehicleId": "v", "kwhDeliveredDc": 1, "soc": 50, "batteryTemp": -1, "timestamp": "2026-02-08T12:00:00Z"}


def refusal(item: Any) -> tuple[str, str]:
    with pytest.raises(InvalidReadingError) as caught:
        parse_reading(item, WINDOW)
    return caught.value.code, caught.value.pointer


def timestamp_refusal(text: str) -> str:
    with pytest.raises(InvalidReadingError) as caught:
        parse_timestamp(text)
    assert caught.value.pointer == "/timestamp"
    return caught.value.code


def test_numbers_become_floats_and_null_sensors_none() -> None:
    meter = parse_reading({**METER, "voltage": None}, WINDOW)
    assert meter == MeterReading("m", NOW, 1.0, None)
    vehicle = parse_reading({**VEHICLE, "soc": None, "batteryTemp": None}, WINDOW)
    assert vehicle == VehicleReading("v", NOW, 1.0, None, None)
    assert type(meter.kwh) is float


@pytest.mark.parametrize(("sent", "kept"), [(5e-324, 0.0), (5.5e-17, 0.0), (0.99e-9, 0.0), (1e-9, 1e-9)])
def test_a_register_that_shows_less_than_anything_resolves_shows_0(sent: float, kept: float) -> None:
    assert parse_reading({**METER, "kwhConsumedAc": sent}, WINDOW).kwh == kept
    assert parse_reading({**VEHICLE, "kwhDeliveredDc": sent}, WINDOW).kwh == kept


@pytest.mark.parametrize("zero", [-0.0, 0, -0, 0.0])
def test_zero_has_no_sign(zero: float) -> None:
    reading = parse_reading({**VEHICLE, "kwhDeliveredDc": zero, "soc": zero, "batteryTemp": zero}, WINDOW)
    assert isinstance(reading, VehicleReading)
    values = [reading.kwh, reading.soc_percent, reading.battery_temp_celsius]
    assert [math.copysign(1, value or 0.0) for value in values] == [1, 1, 1]


@pytest.mark.parametrize("item", [None, True, 5, 1.5, "text", [], [METER]], ids=repr)
def test_only_an_object_is_a_reading(item: object) -> None:
    assert refusal(item) == ("not_an_object", "")


def test_the_id_field_tells_the_kind() -> None:
    assert refusal({"timestamp": "2026-02-08T12:00:00Z"}) == ("unknown_kind", "")
    assert refusal({**METER, **VEHICLE}) == ("ambiguous_kind", "")
    assert refusal({**METER, "vehicleId": None}) == ("ambiguous_kind", "")  # present, whatever its value


@pytest.mark.parametrize("given", ["vehicle", "Meter", "METER", "", " meter", None, 1, True, ["meter"], {}], ids=repr)
def test_a_type_must_agree_with_the_id_field(given: object) -> None:
    assert refusal({**METER, "type": given}) == ("type_mismatch", "/type")
    assert parse_reading({**METER, "type": "meter"}, WINDOW) == parse_reading(METER, WINDOW)
    assert parse_reading({**VEHICLE, "type": "vehicle"}, WINDOW) == parse_reading(VEHICLE, WINDOW)


@pytest.mark.parametrize("text", ["a", "7", "A.b_c:d-9", "a" * 64, "9" * 64])
def test_a_device_id(text: str) -> None:
    assert is_device_id(text)


@pytest.mark.parametrize(
    "text",
    ["", "a" * 65, "-a", ".a", "_a", ":a", "a b", "a\n", "\na", "a/b", "a%", "é", "\uff11", "a\u0660", "a\0", "\ud800"],
    ids=ascii,
)
def test_no_device_id(text: str) -> None:
    assert not is_device_id(text)
    assert refusal({**METER, "meterId": text}) == ("invalid_id", "/meterId")


INSTANTS = {
    "2026-02-08T12:00:00Z": NOW,
    "2026-02-08t12:00:00z": NOW,
    "2026-02-08T12:00:00+00:00": NOW,
    "2026-02-08T12:00:00-00:00": NOW,
    "2026-02-08T17:30:00+05:30": NOW,
    "2026-02-08T00:01:00-11:59": NOW,
    "2026-02-09T11:59:00+23:59": NOW,
    "2026-02-08T12:00:00.1Z": NOW + timedelta(microseconds=100_000),
    "2026-02-08T12:00:00.123Z": NOW + timedelta(microseconds=123_000),
    "2026-02-08T12:00:00.000001Z": NOW + timedelta(microseconds=1),
    "2026-02-08T12:00:00.999999z": NOW + timedelta(microseconds=999_999),
    "2026-02-08T12:00:00.1234567Z": NOW + timedelta(microseconds=123_456),
    "2026-02-08T12:00:00.000000999z": NOW,
    "2026-02-08T11:59:59.9999999999+00:00": NOW - timedelta(microseconds=1),
    "2026-02-08T17:30:00.12345678901234567890+05:30": NOW + timedelta(microseconds=123_456),
    "1969-12-31T23:59:59.9999999Z": datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
    f"2026-02-08T12:00:00.{'9' * 100_000}Z": NOW + timedelta(microseconds=999_999),
    "2024-02-29T12:00:00Z": datetime(2024, 2, 29, 12, tzinfo=UTC),
    "0001-01-01T00:00:00+23:59": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23, minutes=59))),
    "9999-12-31T23:59:59.999999-23:59": datetime(
        9999, 12, 31, 23, 59, 59, 999_999, timezone(-timedelta(hours=23, minutes=59))
    ),
}


@pytest.mark.parametrize("text", INSTANTS, ids=lambda text: text[:50])
def test_an_instant_in_rfc_3339_is_read_to_the_microsecond(text: str) -> None:
    assert parse_timestamp(text) == INSTANTS[text]


@pytest.mark.parametrize(
    "text", ["2026-02-08T12:00:00", "2026-02-08t12:00:00.5", "2026-02-08T12:00:00.1234567", "2026-13-45T99:99:99"]
)
def test_an_instant_without_an_offset_is_naive(text: str) -> None:
    assert timestamp_refusal(text) == "naive_timestamp"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-02-08",
        "2026-02-08 12:00:00Z",
        "2026-02-08_12:00:00Z",
        "2026-02-08T12:00Z",
        "2026-02-08T12Z",
        "20260208T120000Z",
        "2026-W06-7T12:00:00Z",
        "2026-039T12:00:00Z",
        "2026-2-8T12:00:00Z",
        "2026-02-08T12:00:00.Z",
        "2026-02-08T12:00:00,5Z",
        "2026-02-08T12:00:00.12345678901\u0661Z",
        "2026-02-08T12:00:00.123.456Z",
        "2026-02-08T12:00:60Z",
        "2026-02-08T12:00:60.9999999Z",
        "2026-02-08T12:60:00Z",
        "2026-02-08T24:00:00Z",
        "2026-02-30T12:00:00Z",
        "2025-02-29T12:00:00Z",
        "2026-00-08T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "-2026-02-08T12:00:00Z",
        "2026-02-08T12:00:00+0000",
        "2026-02-08T12:00:00+00",
        "2026-02-08T12:00:00 +00:00",
        "2026-02-08T12:00:00+05:60",
        "2026-02-08T12:00:00+00:99",
        "2026-02-08T12:00:00+24:00",
        "2026-02-08T12:00:00-24:00",
        "2026-02-08T12:00:00+05:30:15",
        "2026-02-08T12:00:00ZZ",
        "2026-02-08T12:00:00UTC",
        "2026-02-08T12:00:00Z\n",
        " 2026-02-08T12:00:00Z",
        "2026-02-08T12:00:00Z\0",
        "２０２６-02-08T12:00:00Z",  # noqa: RUF001 - full-width digits, on purpose
        "\ud800",
    ],
    ids=ascii,
)
def test_no_instant_in_rfc_3339(text: str) -> None:
    assert timestamp_refusal(text) == "invalid_timestamp"


@pytest.mark.parametrize(
    ("ts", "code"),
    [
        (WINDOW.earliest, None),
        (WINDOW.latest, None),
        (WINDOW.earliest - timedelta(microseconds=1), "timestamp_too_old"),
        (WINDOW.latest + timedelta(microseconds=1), "timestamp_in_future"),
    ],
)
def test_both_ends_of_the_accepted_window_belong_to_it(ts: datetime, code: str | None) -> None:
    item = {**METER, "timestamp": ts.isoformat()}
    if code is None:
        assert parse_reading(item, WINDOW).ts == ts
    else:
        assert refusal(item) == (code, "/timestamp")


def test_a_refusal_says_where_the_window_begins_and_ends_but_not_what_was_sent() -> None:
    for year, limit in (("0001", "2026-02-01T12:00:00Z"), ("9999", "2026-02-08T12:05:00Z")):
        with pytest.raises(InvalidReadingError, match=limit) as caught:
            parse_reading({**METER, "timestamp": f"{year}-12-31T00:00:00Z"}, WINDOW)
        assert year not in caught.value.detail


@pytest.mark.parametrize(
    ("reading", "name", "sentinel"),
    [
        (VEHICLE, "soc", 65535),
        (VEHICLE, "soc", 100.4),
        (VEHICLE, "soc", -1),
        (VEHICLE, "batteryTemp", 215),
        (METER, "voltage", 6553.5),
    ],
)
def test_a_value_that_stands_for_none_is_refused_and_null_is_advised(
    reading: dict[str, object], name: str, sentinel: float
) -> None:
    with pytest.raises(InvalidReadingError, match="sends null, not a stand-in") as refused:
        parse_reading({**reading, name: sentinel}, WINDOW)
    assert (refused.value.code, refused.value.pointer) == ("out_of_range", f"/{name}")
    assert str(sentinel) not in refused.value.detail.partition(";")[0], "the input is not repeated"
    parse_reading({**reading, name: None}, WINDOW)


def test_of_a_register_no_null_is_advised() -> None:
    with pytest.raises(InvalidReadingError, match=r"^kwhConsumedAc lies between 0 and 1e\+09$"):
        parse_reading({**METER, "kwhConsumedAc": -1}, WINDOW)
