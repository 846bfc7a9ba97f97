"""The fast path for many readings accepts only what the full validation accepts, and leaves the rest to it."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import meter_payload, vehicle_payload
from warehouse.contract.readings import AcceptedWindow
from warehouse.contract.tables import DeviceKind
from warehouse.decoding.json_bodies import MalformedBodyError
from warehouse.decoding.reading_columns import ReadingColumns, columns_of_array, columns_of_lines, microseconds
from warehouse.decoding.telemetry import READINGS, Telemetry, decode_body, decode_lines

NOW = datetime(2026, 2, 8, 12, tzinfo=UTC)
WINDOW = AcceptedWindow.around(NOW, age=timedelta(days=7), ahead=timedelta(minutes=5))
AGES = AcceptedWindow(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
"""No instant is too old or in the future."""

Rows = dict[DeviceKind, list[tuple[Any, ...]]]


def at(timestamp: object) -> dict[str, Any]:
    return meter_payload(timestamp=timestamp)


def validated(telemetry: Telemetry) -> Rows:
    """(device, microseconds, kWh, sensors..., index) of the readings that were validated one by one."""
    rows: Rows = {}
    for index, reading in zip(telemetry.indexes, telemetry.readings, strict=True):
        kind = DeviceKind.METER if type(reading) is READINGS[DeviceKind.METER] else DeviceKind.VEHICLE
        sensors = (None if value is None else float(value) for value in reading[3:])
        rows.setdefault(kind, []).append((reading[0], microseconds(reading.ts), reading.kwh, *sensors, index))
    return rows


def seen(columns: Iterable[tuple[DeviceKind, ReadingColumns]]) -> Rows:
    """The same of columns."""
    return {
        kind: list(
            zip(
                found.external_ids,
                found.ts_us.tolist(),
                found.kwh.tolist(),
                *([None if np.isnan(value) else value for value in sensor.tolist()] for sensor in found.sensors),
                found.indexes.tolist(),
                strict=True,
            )
        )
        for kind, found in columns
    }


def validate(items: Sequence[object], window: AcceptedWindow = WINDOW) -> Telemetry:
    return Telemetry(b"", is_batch=True).validate(enumerate(items), window)


def assert_taken(items: Sequence[object], window: AcceptedWindow = WINDOW) -> None:
    columns = columns_of_array(json.dumps(items).encode(), window)
    assert columns is not None
    assert seen(columns.items()) == validated(validate(items, window))


ODD_TIMES = [
    "2026-02-08T12:00:00z",
    "2026-02-08t12:00:00Z",
    "2026-02-08T13:00:00+01:00",
    "2026-02-08T12:00:00-00:00",
    "2026-02-08T12:00:00.Z",
    "2026-02-08T12:00:00.1234567890Z",
    "2026-02-08 12:00:00Z",
    "2026-02-08T12:00:00",
    "2026-02-30T12:00:00Z",
    "2026-00-08T12:00:00Z",
    "2026-13-08T12:00:00Z",
    "2026-02-00T12:00:00Z",
    "2026-02-08T24:00:00Z",
    "2026-02-08T12:60:00Z",
    "2026-02-08T12:00:60Z",
    "0000-02-08T12:00:00Z",
    "2026-02-08T12:00:0\u0661Z",
    "2026-02-08T12:00:0/Z",
    "2026-02-08T12:00:0:Z",
    "2026-02-08T12:05:00.001Z",
    "2026-02-01T11:59:59Z",
    "",
    "Z",
    "+00:00",
]
plain_times = st.datetimes(NOW.replace(tzinfo=None) - timedelta(days=6), NOW.replace(tzinfo=None)).map(
    lambda ts: f"{ts.isoformat(timespec='milliseconds')}Z"
)
times = st.one_of(plain_times, st.sampled_from(ODD_TIMES), st.text(max_size=3), st.none(), st.integers())
numbers = st.one_of(
    st.floats(-70, 200, allow_nan=False),
    st.sampled_from([-0.0, 0, 5e-324, 1e-9, 1e9, 1e10, 1501, 10**30, True, "1"]),
    st.none(),
)
ids = st.one_of(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:*-]{0,5}", fullmatch=True), st.text(max_size=3), st.none())
meters = st.builds(
    lambda device, kwh, volts, ts: meter_payload(meterId=device, kwhConsumedAc=kwh, voltage=volts, timestamp=ts),
    ids,
    numbers,
    numbers,
    times,
)
vehicles = st.builds(
    lambda device, kwh, soc, temp, ts: vehicle_payload(
        vehicleId=device, kwhDeliveredDc=kwh, soc=soc, batteryTemp=temp, timestamp=ts
    ),
    ids,
    numbers,
    numbers,
    numbers,
    times,
)
sane_times = st.shared(st.integers(0, 9), key="digits").flatmap(
    lambda digits: (
        plain_times.map(lambda text: text[:20] + text[20:].rstrip("Z").ljust(9, "7")[:digits] + "Z")
        if digits
        else plain_times.map(lambda text: f"{text[:19]}Z")
    )
)


@given(st.lists(st.one_of(meters, vehicles), max_size=6))
def test_whatever_the_fast_path_accepts_the_validation_accepts_too_and_as_the_same(items: list[dict[str, Any]]) -> None:
    body = json.dumps(items).encode()
    columns = columns_of_array(body, WINDOW)
    if columns is not None:
        telemetry = validate(json.loads(body))
        assert not telemetry.rejections
        assert seen(columns.items()) == validated(telemetry)


@given(st.lists(sane_times, min_size=1, max_size=6), st.floats(0, 1e9), st.one_of(st.none(), st.floats(0, 100)))
def test_plain_readings_are_taken(timestamps: list[str], kwh: float, sensor: float | None) -> None:
    given_meters = [meter_payload(kwhConsumedAc=kwh, voltage=sensor, timestamp=ts) for ts in timestamps]
    given_vehicles = [
        vehicle_payload(kwhDeliveredDc=kwh, soc=sensor, batteryTemp=sensor, timestamp=ts) for ts in timestamps
    ]
    assert_taken(given_meters)
    assert_taken(given_vehicles)
    assert_taken([*given_vehicles, *given_meters])


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 - its offset is written behind it
def test_any_date_is_read_as_the_validation_reads_it(ts: datetime) -> None:
    for written in (f"{ts.isoformat(timespec='microseconds')}Z", f"{ts.isoformat(timespec='seconds')}+00:00"):
        assert_taken([at(written)], AGES)


@given(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 30)),  # noqa: DTZ001 - its offset is written behind it
    st.text("0123456789", max_size=25),
    st.sampled_from(["Z", "z", "+00:00", "-00:00"]),
)
def test_a_fraction_of_any_length_is_cut_to_microseconds_by_both(ts: datetime, fraction: str, offset: str) -> None:
    whole = ts.replace(microsecond=0)
    written = whole.isoformat() + (f".{fraction}" if fraction else "") + offset
    expected = microseconds(whole.replace(tzinfo=UTC)) + int(fraction[:6].ljust(6, "0"))
    assert validated(validate([at(written)], AGES))[DeviceKind.METER][0][1] == expected
    columns = columns_of_array(json.dumps([at(written)]).encode(), AGES)
    assert (columns is not None) == (offset in {"Z", "+00:00"} and len(fraction) <= 9)
    if columns is not None:
        assert columns[DeviceKind.METER].ts_us.tolist() == [expected]


@pytest.mark.parametrize("ts", [WINDOW.earliest, WINDOW.latest])
def test_both_ends_of_the_window_are_taken(ts: datetime) -> None:
    assert_taken([at(f"{ts:%Y-%m-%dT%H:%M:%S}Z")])


@pytest.mark.parametrize("timestamp", ODD_TIMES)
def test_an_odd_timestamp_is_left_to_the_full_validation(timestamp: str) -> None:
    good = at("2026-02-08T12:00:00Z")
    for items in ([at(timestamp)], [good, at(timestamp)], [at(timestamp), good]):
        assert columns_of_array(json.dumps(items).encode(), WINDOW) is None


def test_timestamps_whose_lengths_make_up_for_each_other_are_not_cut_into_others() -> None:
    halves = [at("2026-02-08T04:00:00.00"), at("0Z2026-02-08T04:00:00.000Z"), at("2026-02-08T04:00:00.000Z")]
    assert columns_of_array(json.dumps(halves[::-1]).encode(), WINDOW) is None


@pytest.mark.parametrize(
    "item",
    [
        meter_payload(type="vehicle", timestamp="2026-02-08T12:00:00Z"),
        meter_payload(type=None, timestamp="2026-02-08T12:00:00Z"),
        meter_payload(vehicleId="v", timestamp="2026-02-08T12:00:00Z"),
        meter_payload(meterId="_", timestamp="2026-02-08T12:00:00Z"),
        meter_payload(meterId="m" * 65, timestamp="2026-02-08T12:00:00Z"),
        meter_payload(meterId="", timestamp="2026-02-08T12:00:00Z"),
        meter_payload(meterId="m\u00e9", timestamp="2026-02-08T12:00:00Z"),
        meter_payload(kwhConsumedAc=None, timestamp="2026-02-08T12:00:00Z"),
        {"meterId": "m", "kwhConsumedAc": 1, "timestamp": "2026-02-08T12:00:00Z"},
        {"kwhConsumedAc": 1, "voltage": 1, "timestamp": "2026-02-08T12:00:00Z"},
        5,
        None,
        [],
    ],
    ids=repr,
)
def test_a_doubtful_item_is_left_to_the_full_validation(item: object) -> None:
    assert columns_of_array(json.dumps([at("2026-02-08T12:00:00Z"), item]).encode(), WINDOW) is None


METER = json.dumps(at("2026-02-08T12:00:00Z")).encode()


@pytest.mark.parametrize(
    "lines",
    [
        [METER + METER, b""],
        [METER + b" " + METER, b" "],
        [METER[:20], METER[20:], METER + METER],
        [METER, b"", METER],
        [METER, b"\r"],
        [b"[" + METER + b"]"],
        [METER + b","],
    ],
)
def test_lines_are_one_reading_each_or_left_to_the_full_validation(lines: list[bytes]) -> None:
    assert columns_of_lines(lines, WINDOW) is None


@pytest.mark.parametrize(
    "unknown", [b'"x":"\xff"', b'"x":"\xc0\x80"', b'"x":"\xed\xa0\x80"', b'"\xff":1', b'"x":{"a":["\xff"]}']
)
def test_bad_utf8_is_refused_in_unknown_fields_too(unknown: bytes) -> None:
    plain = [
        json.dumps(meter_payload(meterId=f"meter-{number}", timestamp=NOW.isoformat())).encode() for number in range(60)
    ]
    spoilt = [*plain[:-1], plain[-1][:-1] + b"," + unknown + b"}"]
    assert columns_of_lines(plain, WINDOW) is not None
    assert columns_of_lines(spoilt, WINDOW) is None
    assert columns_of_array(b"[" + b",".join(spoilt) + b"]", WINDOW) is None
    (rejection,) = decode_lines(spoilt, WINDOW).rejections
    assert (rejection.index, rejection.code) == (59, "invalid_utf8")
    with pytest.raises(MalformedBodyError, match="UTF-8"):
        decode_body(b"[" + b",".join(spoilt) + b"]", WINDOW)


def test_what_is_no_ascii_and_is_utf8_is_plain() -> None:
    lines = [json.dumps({**meter_payload(timestamp=NOW.isoformat()), "site": "Köln"}, ensure_ascii=False).encode()] * 40
    assert columns_of_lines(lines, WINDOW) is not None
    assert columns_of_array(b"[" + b",".join(lines) + b"]", WINDOW) is not None


def test_lines_may_end_in_a_carriage_return() -> None:
    columns = columns_of_lines([METER + b"\r", b" " + METER, METER], WINDOW)
    assert columns is not None
    assert columns[DeviceKind.METER].indexes.tolist() == [0, 1, 2]


def test_a_large_body_takes_the_fast_path_and_one_bad_item_sends_it_to_the_full_validation() -> None:
    items: list[object] = [at("2026-02-08T12:00:00Z")] * 50
    lines = [json.dumps(item).encode() for item in items]
    for telemetry in (decode_body(json.dumps(items).encode(), WINDOW), decode_lines(lines, WINDOW)):
        assert (telemetry.reading_count, len(telemetry.readings), len(telemetry)) == (50, 0, 50)
        assert set(telemetry.columns[DeviceKind.METER].external_ids) == {"meter-1"}
        assert telemetry.days(DeviceKind.METER) == {date(2026, 2, 8)}
        assert telemetry.days(DeviceKind.VEHICLE) == set()
    spoilt = decode_body(json.dumps([*items, 5]).encode(), WINDOW)
    assert (spoilt.reading_count, len(spoilt.readings), [each.index for each in spoilt.rejections]) == (50, 50, [50])
