"""What a reading may look like, and that exactly that is stored."""

import math
from datetime import timedelta
from typing import Any

import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import JSON, NDJSON, Site, encode, new_id

TS = now_s() - timedelta(minutes=1)


def store(site: Site, payload: dict[str, Any]) -> tuple[Any, ...]:
    """Post one reading of a device that has no other; returns the row."""
    answer = site.send(encode(payload))
    assert (answer.status_code, answer.json()) == (201, {"status": "stored"}), answer.text
    (row,) = site.stored(payload.get("meterId") or payload["vehicleId"])
    return row


NOTATIONS = {
    "Z": (TS.strftime("%Y-%m-%dT%H:%M:%SZ"), 0),
    "lower-case t and z": (TS.strftime("%Y-%m-%dt%H:%M:%Sz"), 0),
    "+00:00": (TS.strftime("%Y-%m-%dT%H:%M:%S+00:00"), 0),
    "-00:00": (TS.strftime("%Y-%m-%dT%H:%M:%S-00:00"), 0),
    "1 decimal": (TS.strftime("%Y-%m-%dT%H:%M:%S.5Z"), 500_000),
    "3 decimals": (TS.strftime("%Y-%m-%dT%H:%M:%S.123Z"), 123_000),
    "6 decimals": (TS.strftime("%Y-%m-%dT%H:%M:%S.000001Z"), 1),
    "9 decimals, cut": (TS.strftime("%Y-%m-%dT%H:%M:%S.123456999Z"), 123_456),
    "20 decimals, cut": (TS.strftime("%Y-%m-%dt%H:%M:%S.99999999999999999999z"), 999_999),
    "east": ((TS + timedelta(hours=14)).strftime("%Y-%m-%dT%H:%M:%S+14:00"), 0),
    "west, odd": ((TS - timedelta(hours=9, minutes=30)).strftime("%Y-%m-%dt%H:%M:%S.999999-09:30"), 999_999),
}


@pytest.mark.parametrize("name", NOTATIONS)
def test_a_timestamp_is_stored_as_utc_to_the_microsecond(site: Site, name: str) -> None:
    text, microseconds = NOTATIONS[name]
    row = store(site, meter_payload(meterId=new_id(), timestamp=text))
    assert row[0] == TS + timedelta(microseconds=microseconds)


@pytest.mark.parametrize("items", [2, 60], ids=["validated one by one", "as columns"])
@pytest.mark.parametrize("media_type", [JSON, NDJSON])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_nanoseconds_are_cut_and_a_byte_order_mark_is_skipped_in_every_body(
    site: Site, items: int, media_type: str, bom: bytes
) -> None:
    device = new_id("nanoseconds")
    instants = [TS - timedelta(seconds=n) for n in range(items)]
    texts = [f"{ts:%Y-%m-%dT%H:%M:%S}.123456999Z" for ts in instants]
    payloads = [encode(meter_payload(meterId=device, timestamp=text)) for text in texts]
    body = b"[" + b",".join(payloads) + b"]" if media_type == JSON else b"\r\n".join(payloads)
    answer = site.send(bom + body, media_type)
    assert (answer.status_code, answer.json()["accepted"]) == (200, items), answer.text
    assert [row[0] for row in site.stored(device)] == [ts + timedelta(microseconds=123_456) for ts in sorted(instants)]


def test_a_single_reading_may_begin_with_a_byte_order_mark(site: Site) -> None:
    assert site.send(b"\xef\xbb\xbf" + encode(meter_payload(meterId=new_id(), timestamp=iso(TS)))).status_code == 201


ENDS = [
    ("kwhConsumedAc", 0.0, 1e9),
    ("voltage", 0.0, 1500.0),
    ("kwhDeliveredDc", 0.0, 1e9),
    ("soc", 0.0, 100.0),
    ("batteryTemp", -60.0, 120.0),
]
COLUMN = {"kwhConsumedAc": 1, "voltage": 2, "kwhDeliveredDc": 1, "soc": 2, "batteryTemp": 3}


def with_value(field: str, value: object) -> dict[str, Any]:
    if field in ("kwhConsumedAc", "voltage"):
        return meter_payload(meterId=new_id(), **{field: value})
    return vehicle_payload(vehicleId=new_id(), **{field: value})


@pytest.mark.parametrize("side", ["low", "high"])
@pytest.mark.parametrize(("field", "low", "high"), ENDS)
def test_both_ends_of_a_range_belong_to_it(site: Site, field: str, low: float, high: float, side: str) -> None:
    value = low if side == "low" else high
    assert store(site, with_value(field, value))[COLUMN[field]] == value
    assert store(site, with_value(field, f"@@{value:.0f}@@"))[COLUMN[field]] == value  # written as an integer


@pytest.mark.parametrize("zero", ["-0.0", "-0", "-0e5", "-1e-400"])
@pytest.mark.parametrize("field", COLUMN)
def test_minus_zero_is_zero(site: Site, field: str, zero: str) -> None:
    stored = store(site, with_value(field, f"@@{zero}@@"))[COLUMN[field]]
    assert (stored, math.copysign(1, stored)) == (0.0, 1.0)


@pytest.mark.parametrize("kwh", [0.1, 12034.123, 123456789.12345678, 1e-9, 999_999_999.9999999])
def test_a_register_keeps_every_digit(site: Site, kwh: float) -> None:
    assert store(site, with_value("kwhConsumedAc", kwh))[1] == kwh


def test_sensors_that_are_not_fitted_are_null(site: Site) -> None:
    assert store(site, with_value("voltage", None))[2] is None
    assert store(site, with_value("soc", None))[2:] == (None, 30.0)
    assert store(site, with_value("batteryTemp", None))[2:] == (50.0, None)
    nothing = vehicle_payload(vehicleId=new_id(), soc=None, batteryTemp=None)
    assert store(site, nothing)[2:] == (None, None)


@pytest.mark.parametrize("device", ["a", "7", "A.b_c:d-9", "Z" * 64, "0:._-"])
def test_an_id_may_be_any_of_these(site: Site, device: str) -> None:
    assert store(site, meter_payload(meterId=device))[1] == 100.0


@pytest.mark.parametrize(
    "unknown",
    [
        {"firmware": "1.2"},
        {"": None},
        {"meterID": "x"},
        {"nested": {"deep": [[[]]]}},
        {"Timestamp": "x"},
        {"k" * 5000: 1},
    ],
    ids=lambda unknown: next(iter(unknown))[:9] or "empty",
)
def test_unknown_fields_are_ignored(site: Site, unknown: dict[str, Any]) -> None:
    assert store(site, {**unknown, **meter_payload(meterId=new_id())})[1] == 100.0


def test_a_type_that_agrees_is_welcome(site: Site) -> None:
    store(site, meter_payload(meterId=new_id(), type="meter"))
    store(site, vehicle_payload(vehicleId=new_id(), type="vehicle"))


def test_a_meter_and_a_vehicle_of_one_id_are_two_devices(site: Site) -> None:
    device, ts = new_id(), iso(TS)
    body = [meter_payload(meterId=device, timestamp=ts), vehicle_payload(vehicleId=device, timestamp=ts)]
    assert site.send(encode(body)).json()["accepted"] == 2
    assert site.stored(device) == [(TS, 100.0, 230.0), (TS, 90.0, 50.0, 30.0)]


def test_the_body_may_be_surrounded_by_whitespace_and_the_media_type_followed_by_parameters(site: Site) -> None:
    body = b"\r\n\t " + encode(meter_payload(meterId=new_id())) + b"\n"
    assert site.send(body, "Application/JSON; charset=utf-8").status_code == 201
