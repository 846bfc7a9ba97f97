"""A vehicle's and a meter's series, from readings as they were sent."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import Site, assert_problem, encode, new_id

START = now_s().replace(minute=0, second=0) - timedelta(hours=30)
SPAN = {"from": iso(START), "to": iso(START + timedelta(minutes=10))}


@pytest.fixture(autouse=True)
def _nothing_is_late(site: Site) -> None:
    site.connection.execute("UPDATE partition_ledger SET late_after = 'infinity', seal_after = 'infinity'")


def minute(number: float) -> str:
    return iso(START + timedelta(minutes=number))


def send(site: Site, readings: list[dict[str, Any]]) -> None:
    assert site.send(encode(readings)).json()["accepted"] == len(readings)


def meter(device: str, registers: list[float], first: int = 0, **fields: Any) -> list[dict[str, Any]]:
    return [
        meter_payload(meterId=device, kwhConsumedAc=kwh, timestamp=minute(first + place), **fields)
        for place, kwh in enumerate(registers)
    ]


def map_to(site: Site, vehicle: str, meter_id: str, at: str) -> None:
    mapping = {"vehicleId": vehicle, "meterId": meter_id, "validFrom": at}
    assert site.client.post("/v1/mappings", json=mapping).status_code == 201


def asked(site: Site, path: str, **changed: str) -> dict[str, Any]:
    answer = site.client.get(path, params={**SPAN, "step": "60", **changed})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_vehicles_series_is_its_own_and_of_whichever_meter_was_its_own_then(site: Site) -> None:
    vehicle, first, second = new_id("veh"), new_id("meter"), new_id("meter")
    map_to(site, vehicle, first, minute(2))
    map_to(site, vehicle, second, minute(6))
    send(site, meter(first, [10 + 0.1 * each for each in range(11)], voltage=229.0))
    send(site, meter(second, [50 + 0.2 * each for each in range(11)], voltage=231.0))
    own = [
        vehicle_payload(
            vehicleId=vehicle,
            kwhDeliveredDc=90 + 0.05 * each,
            soc=40 + each,
            batteryTemp=None if each == 3 else 20.123,
            timestamp=minute(each),
        )
        for each in range(8)
    ]
    send(site, own)
    found = asked(site, f"/v1/vehicles/{vehicle}/series")
    assert (found["vehicleId"], found["fromTs"], found["stepSeconds"]) == (vehicle, SPAN["from"][:-1] + ".000Z", 60)
    assert found["acKw"] == [None, None, *[6.0] * 4, *[12.0] * 4]
    assert found["voltage"] == [None, None, *[229.0] * 4, *[231.0] * 4]
    assert found["dcKw"] == [*[3.0] * 7, None, None, None]
    assert found["soc"] == [*range(40, 48), None, None]
    assert found["batteryTemp"] == [20.12, 20.12, 20.12, None, *[20.12] * 4, None, None]
    assert found["meters"] == [
        {"meterId": each, "fromTs": begin[:-1] + ".000Z", "toTs": end[:-1] + ".000Z"}
        for each, begin, end in ((first, minute(2), minute(6)), (second, minute(6), minute(10)))
    ]
    assert found["marks"] == []


def test_a_register_that_restarted_is_marked_and_what_flowed_is_booked_by_the_rule(site: Site) -> None:
    device = new_id("meter")
    send(site, meter(device, [100.0, 100.1, 0.1, 0.2, 9000.0, 9000.1]))
    found = asked(site, f"/v1/meters/{device}/series")
    assert found["acKw"] == [6.0, 6.0, 6.0, None, 6.0, *[None] * 5]
    assert found["marks"] == [
        {"at": minute(2)[:-1] + ".000Z", "side": "ac", "flag": "reset"},
        {"at": minute(4)[:-1] + ".000Z", "side": "ac", "flag": "jump"},
    ]
    assert found["voltage"] == [*[230.0] * 6, *[None] * 4]


def test_a_register_is_shown_as_it_counts_once_it_is_corrected(site: Site) -> None:
    device = new_id("meter")
    send(site, meter(device, [100.0, 100.1, 100.2, 150.0, 100.4]))
    false = {"device": device, "from": minute(3), "why": "a corrupt row"}
    shown = asked(site, f"/v1/meters/{device}/series")
    replaced = {**false, "action": "replace", "kwh": 100.3}
    assert site.client.post("/v1/corrections", json=replaced).status_code == 201
    found = asked(site, f"/v1/meters/{device}/series")
    assert (found["acKw"], found["marks"]) == ([6.0] * 4 + [None] * 6, [])
    assert site.client.post("/v1/corrections", json={**false, "action": "restore"}).status_code == 201
    assert asked(site, f"/v1/meters/{device}/series") == shown != found


def test_a_gap_is_a_gap_and_an_hourly_register_is_none(site: Site) -> None:
    gap, hourly = new_id("meter"), new_id("meter")
    send(site, [*meter(gap, [10.0]), *meter(gap, [11.0, 11.1], first=20)])
    assert asked(site, f"/v1/meters/{gap}/series")["acKw"] == [None] * 10
    site.client.patch(f"/v1/meters/{hourly}", json={"expectedIntervalSeconds": 3600})
    send(site, [*meter(hourly, [10.0]), *meter(hourly, [17.2], first=60)])
    assert asked(site, f"/v1/meters/{hourly}/series")["acKw"] == [7.2] * 10


def test_an_interval_device_and_longer_steps(site: Site) -> None:
    device = new_id("meter")
    site.client.patch(f"/v1/meters/{device}", json={"energyKind": "interval"})
    send(site, meter(device, [5.0, *[0.1] * 5, *[0.2] * 5]))
    assert asked(site, f"/v1/meters/{device}/series", step="300")["acKw"] == [6.0, 12.0]


def test_late_readings_are_marked(site: Site) -> None:
    device = new_id("meter")
    send(site, meter(device, [10.0, 10.1, 10.2]))
    site.connection.execute("UPDATE partition_ledger SET late_after = '1970-01-01Z'")
    send(site, meter(device, [10.3], first=3))
    late_at = minute(3)[:-1] + ".000Z"
    assert asked(site, f"/v1/meters/{device}/series")["marks"] == [{"at": late_at, "side": "ac", "flag": "late"}]


def test_without_readings_or_a_mapping_there_is_nothing_but_the_span(site: Site) -> None:
    vehicle = new_id("veh")
    site.client.patch(f"/v1/vehicles/{vehicle}", json={})
    found = asked(site, f"/v1/vehicles/{vehicle}/series")
    assert {name: found[name] for name in ("acKw", "dcKw", "soc", "batteryTemp", "voltage")} == dict.fromkeys(
        ("acKw", "dcKw", "soc", "batteryTemp", "voltage"), [None] * 10
    )
    assert (found["meters"], found["marks"]) == ([], [])
    assert len(site.client.get(f"/v1/vehicles/{vehicle}/series").json()["acKw"]) in (1440, 1441)


def test_as_csv_it_is_a_row_a_point(site: Site) -> None:
    device = new_id("meter")
    send(site, meter(device, [10.0, 10.1]))
    answer = site.client.get(
        f"/v1/meters/{device}/series", params={**SPAN, "step": "60"}, headers={"Accept": "text/csv"}
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 10
    assert rows[0] == {"ts": SPAN["from"], "acKw": "6.0", "voltage": "230.0"}
    assert rows[9] == {"ts": minute(9), "acKw": "", "voltage": ""}


@pytest.mark.parametrize(
    ("span", "says"),
    [
        ({"from": "2016-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "1999 hours or less"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from does not lie before to"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from does not lie before to"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z", "step": "60"}, "a step of 87 s or more"),
        ({"step": "59"}, "greater than or equal to 60"),
        ({"step": "3601"}, "less than or equal to 3600"),
        ({"from": "yesterday"}, ""),
    ],
)
def test_a_span_that_cannot_be_answered_is_refused_in_words(site: Site, span: dict[str, str], says: str) -> None:
    for path in ("/v1/vehicles/v/series", "/v1/meters/m/series"):
        assert says in assert_problem(site.client.get(path, params=span), 422, "invalid_request")["detail"]


def test_an_unknown_device(site: Site) -> None:
    assert_problem(site.client.get("/v1/vehicles/nobody/series"), 404, "vehicle_not_found")
    assert_problem(site.client.get("/v1/meters/nobody/series"), 404, "meter_not_found")
    assert_problem(site.client.get("/v1/vehicles/-x/series"), 422, "invalid_request")
