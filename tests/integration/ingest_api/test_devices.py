"""The current state of meters and vehicles, one by one and in pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem, encode, new_id

DEFAULTS = {
    "energyKind": "counter",
    "maxPowerKw": 400.0,
    "resolutionKwh": 0.01,
    "rolloverKwh": None,
    "maxResetKwh": 150.0,
    "expectedIntervalSeconds": 60,
    "model": None,
    "displayName": None,
    "site": None,
    "tags": [],
}


def test_a_meter_shows_its_newest_reading_how_old_it_is_and_its_settings(site: Site) -> None:
    device = new_id("meter")
    ts = now_s() - timedelta(minutes=3)
    for minutes, kwh in ((0, 12034.123), (5, 7.0)):
        reading = meter_payload(meterId=device, timestamp=iso(ts - timedelta(minutes=minutes)), kwhConsumedAc=kwh)
        assert site.send(encode(reading)).status_code == 201
    state = site.client.get(f"/v1/meters/{device}").json()
    received = datetime.fromisoformat(state.pop("receivedAt"))
    assert timedelta(0) <= datetime.now(UTC) - received < timedelta(minutes=1)
    age = state.pop("ageSeconds")
    assert 180 <= age <= (datetime.now(UTC) - ts).total_seconds()
    assert state == {
        "meterId": device,
        "timestamp": ts.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "kwhConsumedAc": 12034.123,
        "voltage": 230.0,
        "status": "stale",
        "powerKw": None,
        "isCharging": False,
        "settings": DEFAULTS,
    }


def test_a_vehicle_shows_null_for_sensors_it_does_not_have(site: Site) -> None:
    device = new_id("veh")
    assert site.send(encode(vehicle_payload(vehicleId=device, soc=None, batteryTemp=31.5))).status_code == 201
    state = site.client.get(f"/v1/vehicles/{device}").json()
    assert (state["vehicleId"], state["kwhDeliveredDc"], state["soc"], state["batteryTemp"]) == (
        device,
        90.0,
        None,
        31.5,
    )
    assert state.keys() >= {"timestamp", "receivedAt", "ageSeconds", "settings"}


def test_a_reading_ahead_of_the_clock_has_age_zero(site: Site) -> None:
    device = new_id("meter")
    ahead = meter_payload(meterId=device, timestamp=iso(now_s() + timedelta(minutes=4)))
    assert site.send(encode(ahead)).status_code == 201
    assert site.client.get(f"/v1/meters/{device}").json()["ageSeconds"] == 0


def test_a_device_without_readings_has_a_state_of_nulls(site: Site) -> None:
    device = new_id("silent")
    site.client.patch(f"/v1/meters/{device}", json={})
    site.client.patch(f"/v1/vehicles/{device}", json={})
    nothing = {
        **{"timestamp": None, "receivedAt": None, "ageSeconds": None, "status": "unseen", "powerKw": None},
        **{"isCharging": False, "settings": DEFAULTS},
    }
    assert site.client.get(f"/v1/meters/{device}").json() == {
        "meterId": device,
        "kwhConsumedAc": None,
        "voltage": None,
        **nothing,
    }
    assert site.client.get(f"/v1/vehicles/{device}").json() == {
        "vehicleId": device,
        "kwhDeliveredDc": None,
        "soc": None,
        "batteryTemp": None,
        **nothing,
    }


def test_unknown_devices(site: Site) -> None:
    assert_problem(site.client.get("/v1/meters/nobody"), 404, "meter_not_found")
    assert_problem(site.client.get("/v1/vehicles/nobody"), 404, "vehicle_not_found")
    device = new_id("meter")
    site.client.patch(f"/v1/meters/{device}", json={})
    assert_problem(site.client.get(f"/v1/vehicles/{device}"), 404, "vehicle_not_found")


@pytest.mark.parametrize("kind", ["meters", "vehicles"])
@pytest.mark.parametrize("name", ["-a", "a" * 65, "a%20b", "%00", "%ff", "caf%C3%A9", "a%0A", "%ED%A0%80"])
def test_an_id_that_is_none(site: Site, kind: str, name: str) -> None:
    url = httpx.URL(site.client.base_url).copy_with(raw_path=f"/v1/{kind}/{name}".encode())
    for method in ("GET", "PATCH"):
        answer = site.client.request(method, url, json={} if method == "PATCH" else None)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def pages(client: httpx.Client, path: str, limit: int) -> list[list[dict[str, Any]]]:
    found = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(path, params={"limit": limit, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200
        found.append(answer.json()["items"])
        cursor = answer.json()["nextCursor"]
    return found


IDS = ["B", "a", "1", "a-1", "a.1", "a10", "a2"]


@pytest.fixture(scope="module")
def fleet(make_site: MakeSite) -> Site:
    """Seven meters and seven vehicles; of each one has sent a reading."""
    fleet = make_site()
    assert [pages(fleet.client, path, 3) for path in ("/v1/meters", "/v1/vehicles")] == [[[]], [[]]]
    for table in ("meters", "vehicles"):
        fleet.connection.execute(f"INSERT INTO {table} (external_id) SELECT unnest(%s::text[])".encode(), [IDS])
    assert fleet.send(encode([meter_payload(meterId="a2"), vehicle_payload(vehicleId="a2")])).json()["accepted"] == 2
    return fleet


@pytest.mark.parametrize(("path", "name"), [("/v1/meters", "meterId"), ("/v1/vehicles", "vehicleId")])
def test_lists_are_in_the_order_of_ids_over_any_number_of_pages(fleet: Site, path: str, name: str) -> None:
    ordered = sorted(IDS)  # by bytes, whatever the server's language thinks of hyphens
    for limit, sizes in ((3, [3, 3, 1]), (7, [7]), (1, [1] * 7), (1000, [7])):
        found = pages(fleet.client, path, limit)
        assert [len(page) for page in found] == sizes
        assert [item[name] for page in found for item in page] == ordered
    (page,) = pages(fleet.client, path, 7)
    assert [item["timestamp"] is None for item in page] == [device != "a2" for device in ordered]


def test_a_list_holds_a_hundred_a_page_unless_asked(site: Site) -> None:
    site.connection.execute("INSERT INTO meters (external_id) SELECT 'm' || n FROM generate_series(1, 101) AS n")
    answer = site.client.get("/v1/meters").json()
    assert len(answer["items"]) == 100
    assert answer["nextCursor"] == answer["items"][-1]["meterId"]


@pytest.mark.parametrize("asked", ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "cursor=" + "a" * 1025])
@pytest.mark.parametrize("path", ["/v1/meters", "/v1/vehicles"])
def test_a_question_that_makes_no_sense(site: Site, path: str, asked: str) -> None:
    assert_problem(site.client.get(f"{path}?{asked}"), 422, "invalid_request")


@pytest.mark.parametrize("cursor", ["zzzz", "%00", "%ff", "not/an/id", "~", "%F0%9F%98%80"])
def test_any_other_cursor_is_a_place_in_the_order(site: Site, cursor: str) -> None:
    assert site.client.get(f"/v1/meters?cursor={cursor}").status_code == 200
