"""A single reading that is not valid: 422 under a stable code and a pointer, and kept byte for byte."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import Site, assert_problem, encode, new_id


class Case(NamedTuple):
    """A valid reading of a kind with one field changed, and what is said of it."""

    fields: Mapping[str, Any]
    code: str
    pointer: str
    vehicle: bool = False


RANGES = {
    "kwhConsumedAc": (0.0, 1e9),
    "voltage": (0.0, 1500.0),
    "kwhDeliveredDc": (0.0, 1e9),
    "soc": (0.0, 100.0),
    "batteryTemp": (-60.0, 120.0),
}
METER_FIELDS = {"meterId", "kwhConsumedAc", "voltage", "timestamp"}
VEHICLE_FIELDS = {"vehicleId", "soc", "kwhDeliveredDc", "batteryTemp", "timestamp"}
NUMBERS = list(RANGES)
OPTIONAL = {"voltage", "soc", "batteryTemp"}
STRINGS = ["meterId", "vehicleId", "timestamp"]


def is_of_vehicle(field: str) -> bool:
    return field in VEHICLE_FIELDS - METER_FIELDS


def one(field: str, value: object, code: str) -> Case:
    return Case({field: value}, code, f"/{field}", is_of_vehicle(field))


def at(timestamp: object, code: str) -> Case:
    return one("timestamp", timestamp, code)


def out_of_range(field: str) -> dict[str, Case]:
    low, high = RANGES[field]
    values: dict[str, object] = {
        "just below": math.nextafter(low, -math.inf),
        "just above": math.nextafter(high, math.inf),
        "1e400": "@@1e400@@",
        "-1e400": "@@-1e400@@",
        "500 digits": "@@" + "9" * 500 + "@@",
        "5000 digits": "@@-" + "9" * 5000 + "@@",
    }
    return {f"{field} {name}": one(field, value, "out_of_range") for name, value in values.items()}


def not_a_number(field: str) -> dict[str, Case]:
    values: list[Any] = ["1", "", "NaN", True, False, [], [1.0], {}]
    if field not in OPTIONAL:
        values.append(None)
    return {f"{field} {value!r}": one(field, value, "invalid_type") for value in values}


def not_a_string(field: str) -> dict[str, Case]:
    values: list[Any] = [None, 1, 1.5, True, [], {}]
    return {f"{field} {value!r}": one(field, value, "invalid_type") for value in values}


NOW = now_s()
CLOCK = NOW.strftime("%Y-%m-%dT%H:%M:%S")

CASES: dict[str, Case] = {
    "neither id": Case({"meterId": ...}, "unknown_kind", ""),
    "both ids": Case({"vehicleId": "v"}, "ambiguous_kind", ""),
    "both ids, one null": Case({"vehicleId": None}, "ambiguous_kind", ""),
    "type of the other kind": one("type", "vehicle", "type_mismatch"),
    "type of the other kind, vehicle": Case({"type": "meter"}, "type_mismatch", "/type", vehicle=True),
    "type unknown": one("type", "charger", "type_mismatch"),
    "type null": one("type", None, "type_mismatch"),
    "type a surrogate": one("type", "\ud800", "type_mismatch"),
    "naive": at(CLOCK, "naive_timestamp"),
    "naive with decimals": at(CLOCK + ".123456", "naive_timestamp"),
    "a leap second": at("2026-02-08T12:00:60Z", "invalid_timestamp"),
    "a space": at(CLOCK.replace("T", " ") + "Z", "invalid_timestamp"),
    "+0000": at(CLOCK + "+0000", "invalid_timestamp"),
    "no decimals after the point": at(CLOCK + ".Z", "invalid_timestamp"),
    "an offset of 60 minutes": at(CLOCK + "+05:60", "invalid_timestamp"),
    "an offset of 24 hours": at(CLOCK + "+24:00", "invalid_timestamp"),
    "24 o'clock": at(CLOCK[:11] + "24:00:00Z", "invalid_timestamp"),
    "30 February": at("2026-02-30T12:00:00Z", "invalid_timestamp"),
    "year 0000": at("0000-01-01T00:00:00Z", "invalid_timestamp"),
    "year 0001": at("0001-01-01T00:00:00Z", "timestamp_too_old"),
    "year 0001 ahead of UTC": at("0001-01-01T00:00:00+23:59", "timestamp_too_old"),
    "year 9999": at("9999-12-31T23:59:59.999999Z", "timestamp_in_future"),
    "year 9999 behind UTC": at("9999-12-31T23:59:59-23:59", "timestamp_in_future"),
    "just too old": at(iso(NOW - timedelta(days=7, seconds=1)), "timestamp_too_old"),
    "in the future": at(iso(NOW + timedelta(hours=6)), "timestamp_in_future"),  # NOW is when the tests were collected
    "Unix seconds": at(int(NOW.timestamp()), "invalid_type"),
    "Unix seconds as text": at(str(int(NOW.timestamp())), "invalid_timestamp"),
    **{
        f"{field} {name}": one(field, text, "invalid_timestamp" if field == "timestamp" else "invalid_id")
        for field in STRINGS
        for name, text in {"a surrogate": "\ud800", "NUL": "a\0b", "empty": "", "a line break": "a\n"}.items()
    },
    **{
        f"id {text!a}": one("meterId", text, "invalid_id")
        for text in [
            "a" * 65,
            "-first",
            ".first",
            "_first",
            ":first",
            "with space",
            "with/slash",
            "caf\xe9",
            "\uff11\uff12",
        ]
    },
    **{
        f"{field} missing": Case({field: ...}, "missing_field", f"/{field}", is_of_vehicle(field))
        for field in sorted(METER_FIELDS | VEHICLE_FIELDS - {"timestamp"})
        if not field.endswith("Id")
    },
    "timestamp missing, vehicle": Case({"timestamp": ...}, "missing_field", "/timestamp", vehicle=True),
    **{name: case for field in NUMBERS for name, case in {**out_of_range(field), **not_a_number(field)}.items()},
    **{name: case for field in STRINGS for name, case in not_a_string(field).items()},
}


@pytest.mark.parametrize("name", CASES)
def test_an_invalid_reading_is_refused_and_kept_byte_for_byte(site: Site, name: str) -> None:
    case = CASES[name]
    device = new_id("refused")
    valid = vehicle_payload(vehicleId=device) if case.vehicle else meter_payload(meterId=device)
    changed = {**valid, **case.fields, "unknown": f"marker of {name}"}
    body = encode({field: value for field, value in changed.items() if value is not ...})
    answer = site.send(body)
    problem = assert_problem(answer, 422, case.code)
    assert problem["pointer"] == case.pointer
    assert "retry-after" not in answer.headers
    assert "marker of" not in answer.text
    assert site.quarantined(body) == [(case.code, case.pointer, "http", 1)]
    assert not site.is_registered(device)


@pytest.mark.parametrize("body", [b"5", b'"text"', b"null", b"true", b" -1.5e3 "], ids=repr)
def test_what_is_no_object_is_refused_and_kept(site: Site, body: bytes) -> None:
    assert assert_problem(site.send(body), 422, "not_an_object")["pointer"] == ""
    assert site.quarantined(body) == [("not_an_object", "", "http", 1)]


@pytest.mark.parametrize(
    ("value", "field"), [("secret-looking value", "meterId"), ("2026-99-99T99:99:99Z", "timestamp")]
)
def test_a_refusal_does_not_repeat_what_was_sent(site: Site, value: str, field: str) -> None:
    answer = site.send(encode(meter_payload(**{field: value})))
    assert answer.status_code == 422
    assert value not in answer.text


def test_an_instant_at_the_edge_of_what_is_accepted_is_told_from_one_just_beyond(site: Site) -> None:
    device = new_id("edge")

    def status(ts: datetime) -> int:
        return site.send(encode(meter_payload(meterId=device, timestamp=iso(ts)))).status_code

    now, a_minute = now_s(), timedelta(minutes=1)  # the clock goes on while the test runs, hence not to the second
    assert status(now - timedelta(days=7) + a_minute) == 201
    assert status(now - timedelta(days=7) - a_minute) == 422
    assert status(now + timedelta(minutes=5)) == 201
    assert status(now + timedelta(minutes=6)) == 422
