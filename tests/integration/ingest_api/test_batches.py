"""Arrays and NDJSON: the good items are stored, each bad one is told and kept, and the counts add up."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import NDJSON, Site, assert_problem, encode, new_id

COUNTS = ("accepted", "duplicates", "conflicts", "rejected")


def counts(answer: Any) -> dict[str, int]:
    return {name: answer.json()[name] for name in COUNTS}


def send(site: Site, items: list[bytes], form: str) -> Any:
    return site.send_lines(items) if form == "ndjson" else site.send(b"[" + b", ".join(items) + b"]")


@pytest.mark.parametrize("form", ["array", "ndjson"])
@pytest.mark.parametrize("bad", [b'{ "meterId" : "m" }', b"1e400", b'{"soc":1e999,"vehicleId":"\\ud800"}'], ids=repr)
def test_one_bad_item_costs_only_itself(site: Site, form: str, bad: bytes) -> None:
    device = new_id("batch")
    before = sum(row[3] for row in site.quarantined(bad))
    ts = now_s()
    items = [encode(meter_payload(meterId=device, timestamp=iso(ts - timedelta(seconds=n)))) for n in range(4)]
    answer = send(site, [*items[:2], bad, *items[2:]], form)
    assert answer.status_code == 200
    assert counts(answer) == {"accepted": 4, "duplicates": 0, "conflicts": 0, "rejected": 1}
    (error,) = answer.json()["errors"]
    assert error.keys() == {"index", "code", "pointer", "detail"}
    assert error["index"] == 2
    assert answer.json()["requestId"] == answer.headers["x-request-id"]
    assert len(site.stored(device)) == 4
    ((code, pointer, source, seen),) = site.quarantined(bad)
    assert (code, pointer, source, seen) == (error["code"], error["pointer"], "http", before + 1)


@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_a_batch_without_one_valid_item_is_a_problem_with_the_same_account(site: Site, form: str) -> None:
    bad = [b'{"all":"invalid","form":"%s"}' % form.encode(), b"true", b'{"meterId":5}']
    problem = assert_problem(send(site, bad, form), 422, "all_invalid")
    assert {name: problem[name] for name in COUNTS} == {"accepted": 0, "duplicates": 0, "conflicts": 0, "rejected": 3}
    assert [error["index"] for error in problem["errors"]] == [0, 1, 2]
    assert [error["code"] for error in problem["errors"]] == ["unknown_kind", "not_an_object", "invalid_type"]
    assert site.quarantined(bad[0]) == [("unknown_kind", "", "http", 1)]


@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_a_batch_of_repeats_or_conflicts_is_not_all_invalid(site: Site, form: str) -> None:
    reading = meter_payload(meterId=new_id("batch"))
    other = encode({**reading, "kwhConsumedAc": 5})
    assert site.send(encode(reading)).status_code == 201
    answer = send(site, [encode(reading), other, b'"bad"'], form)
    assert (answer.status_code, counts(answer)) == (
        200,
        {"accepted": 0, "duplicates": 1, "conflicts": 1, "rejected": 1},
    )
    assert site.quarantined(other) == [("conflict", "", "http", 1)]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"[]", "application/json"), (b" [ ] ", "application/json"), (b"", NDJSON), (b"\n\n \r\n\t\n", NDJSON)],
)
def test_nothing_counts_as_nothing(site: Site, body: bytes, media_type: str) -> None:
    answer = site.send(body, media_type)
    assert answer.status_code == 200
    assert answer.json() == {**dict.fromkeys(COUNTS, 0), "errors": [], "requestId": answer.headers["x-request-id"]}
    assert site.quarantined(body) == []


def test_an_item_of_an_array_is_kept_with_its_own_bytes_and_not_its_neighbours(site: Site) -> None:
    items = [b'{ "a":\t"]," }', '{"b": "é\u2028"}'.encode(), b"[ 1 , [ 2 ] ]", b'"\\ud800"', b"-0"]
    answer = site.send(b" [\n" + b"\n,\t".join(items) + b"\r\n] ")
    assert counts(answer)["rejected"] == 5
    for item in items:
        assert len(site.quarantined(item)) == 1


def test_of_equal_keys_in_one_body_the_first_is_stored(site: Site) -> None:
    device = new_id("batch")
    ts = now_s()
    first, second = (vehicle_payload(vehicleId=device, soc=soc, timestamp=iso(ts)) for soc in (40.0, 41.0))
    same_instant = {**first, "timestamp": (ts + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000000+01:00")}
    answer = site.send(encode([first, second, first, same_instant, second]))
    assert counts(answer) == {"accepted": 1, "duplicates": 2, "conflicts": 2, "rejected": 0}
    assert [(error["index"], error["code"]) for error in answer.json()["errors"]] == [(1, "conflict"), (4, "conflict")]
    assert site.stored(device) == [(ts, 90.0, 40.0, 30.0)]
    assert site.quarantined(encode(second)) == [("conflict", "", "http", 2)]


def test_readings_are_compared_as_they_are_stored(site: Site) -> None:
    reading = vehicle_payload(vehicleId=new_id("batch"), soc=33.333333333333336, batteryTemp=None)
    assert site.send(encode(reading)).status_code == 201
    assert site.send(encode({**reading, "soc": 33.3333333})).json() == {"status": "duplicate"}  # the same float4
    assert site.send(encode({**reading, "soc": 33.33334})).status_code == 409
    assert site.send(encode({**reading, "soc": None})).status_code == 409
    assert site.send(encode({**reading, "batteryTemp": 0})).status_code == 409
    assert site.send(encode({**reading, "kwhDeliveredDc": 90.00000000000001})).status_code == 409


def test_sensors_that_are_not_fitted_are_the_same_when_sent_again(site: Site) -> None:
    vehicle = vehicle_payload(vehicleId=new_id("batch"), soc=None, batteryTemp=None)
    meter = meter_payload(meterId=new_id("batch"), voltage=None)
    for reading in (vehicle, meter):
        assert [site.send(encode(reading)).status_code for _ in range(2)] == [201, 200]
    assert site.send(encode({**meter, "voltage": 0})).status_code == 409


def a_mixed_body(seed: int) -> tuple[list[bytes], Counter[str], list[tuple[int, bool]], dict[str, set[str]]]:
    """Items of all sorts with repeats among them; what is to become of them, counted by a plain model."""
    chance = random.Random(seed)  # noqa: S311 - a test's data, not a secret
    ts = now_s() - timedelta(days=1)
    devices = [new_id("mixed") for _ in range(3)]
    first: dict[tuple[str, str], bytes] = {}
    items: list[bytes] = []
    expected: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
    refused: list[tuple[int, bool]] = []
    for index in range(chance.randint(1, 60)):
        if chance.random() < 0.2:
            item = chance.choice([b"7", b"{}", b"1e400", b'{"meterId":"\\ud800"}', encode(meter_payload(voltage=-1))])
            fate = "rejected"
        else:
            device, instant = chance.choice(devices), iso(ts + timedelta(seconds=chance.randint(0, 12)))
            item = encode(
                meter_payload(meterId=device, timestamp=instant, kwhConsumedAc=chance.choice([1.0, 1.0, 2.0]))
            )
            kept = first.setdefault((device, instant), item)
            new = len(first) > expected["accepted"]
            fate = "accepted" if new else "duplicates" if kept == item else "conflicts"
        items.append(item)
        expected[fate] += 1
        if fate in ("rejected", "conflicts"):
            refused.append((index, fate == "conflicts"))
    stored = {device: {instant for owner, instant in first if owner == device} for device in devices}
    return items, expected, refused, stored


@pytest.mark.parametrize("form", ["array", "ndjson"])
@pytest.mark.parametrize("seed", range(12))
def test_accepted_duplicates_conflicts_and_rejected_add_up_to_the_items_sent(site: Site, form: str, seed: int) -> None:
    items, expected, refused, stored = a_mixed_body(seed)
    answer = send(site, items, form)
    assert counts(answer) == expected
    assert sum(counts(answer).values()) == len(items)
    assert [(error["index"], error["code"] == "conflict") for error in answer.json()["errors"]] == refused
    for device, instants in stored.items():
        assert {iso(row[0]) for row in site.stored(device)} == instants
    if expected["accepted"]:  # and all of it again: nothing new, whatever came of it before
        again = counts(send(site, items, form))
        assert again["accepted"] == 0
        assert again["duplicates"] == expected["accepted"] + expected["duplicates"]
        assert (again["conflicts"], again["rejected"]) == (expected["conflicts"], expected["rejected"])


@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_a_hundred_errors_are_listed_and_all_are_counted_and_kept(site: Site, form: str) -> None:
    bad = [b'{"nr":%d,"form":"%s"}' % (number, form.encode()) for number in range(150)]
    answer = send(site, [encode(meter_payload(meterId=new_id("batch"))), *bad], form)
    assert counts(answer) == {"accepted": 1, "duplicates": 0, "conflicts": 0, "rejected": 150}
    assert [error["index"] for error in answer.json()["errors"]] == list(range(1, 101))
    kept = site.rows("SELECT count(*) FROM quarantined_readings WHERE raw = ANY(%s)", [bad])
    assert kept == [(150,)]


def test_the_same_bad_bytes_are_kept_once_and_counted(site: Site) -> None:
    bad = b'{"seen":"often"}'
    for body in (bad, b"[" + bad + b"]", b"[%s,%s]" % (bad, bad)):
        assert site.send(body).status_code == 422
    assert site.send_lines([bad, bad, b""]).status_code == 422
    assert site.quarantined(bad) == [("unknown_kind", "", "http", 6)]
    ((first, last),) = site.rows("SELECT first_seen_at, last_seen_at FROM quarantined_readings WHERE raw = %s", [bad])
    assert first < last


def test_the_same_bytes_may_be_kept_for_two_reasons(site: Site) -> None:
    ts = now_s() - timedelta(hours=1)
    bad = encode(meter_payload(meterId=new_id("batch"), timestamp=iso(ts)))
    assert site.send(bad.replace(b"230.0", b"231.0")).status_code == 201
    assert site.send(bad).status_code == 409
    site.connection.execute("UPDATE quarantined_readings SET code = 'another' WHERE raw = %s", [bad])
    assert site.send(bad).status_code == 409
    assert sorted(site.quarantined(bad)) == [("another", "", "http", 1), ("conflict", "", "http", 1)]
