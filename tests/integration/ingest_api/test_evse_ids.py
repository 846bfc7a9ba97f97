"""Chargers are called by their EVSE ids, with asterisks: taken by every way in, found by every way out."""

import json
from urllib.parse import quote

import pytest

from tests.factories import meter_payload, vehicle_payload
from tests.integration.ingest_api.site import Site

METER, VEHICLE = "DE*ABC*E1234*1", "WDB*1:x-2_3.4*"


def encoded(device_id: str) -> str:
    return quote(device_id, safe="")


@pytest.fixture(scope="module", autouse=True)
def stored(site: Site) -> None:
    """A meter and a vehicle: one reading each by the fast path, and forty by columns."""
    client = site.client
    assert client.post("/v1/telemetry", json=meter_payload(meterId=METER)).status_code == 201
    assert client.post("/v1/telemetry", json=vehicle_payload(vehicleId=VEHICLE)).status_code == 201
    bulk = [meter_payload(meterId=f"{METER}{number}*") for number in range(40)]
    assert client.post("/v1/telemetry", json=bulk).json()["accepted"] == 40
    lines = "\n".join(json.dumps(meter_payload(meterId=f"L*{METER}{number}")) for number in range(40))
    assert site.send_lines(lines.encode().splitlines()).json()["accepted"] == 40
    assert client.post("/v1/mappings", json={"vehicleId": VEHICLE, "meterId": METER}).status_code == 201


@pytest.mark.parametrize("written", [METER, encoded(METER), METER.replace("*", "%2a")])
def test_a_meter_is_found_however_its_id_is_written(site: Site, written: str) -> None:
    assert site.client.get(f"/v1/meters/{written}").json()["meterId"] == METER
    assert site.client.patch(f"/v1/meters/{written}", json={"model": written}).json()["settings"]["model"] == written
    found = site.client.get(f"/v1/mappings?meterId={written}").json()["items"]
    assert [each["vehicleId"] for each in found] == [VEHICLE]


@pytest.mark.parametrize("written", [VEHICLE, encoded(VEHICLE)])
def test_a_vehicle_has_its_answer(site: Site, written: str) -> None:
    answer = site.client.get(f"/v1/analytics/performance/{written}")
    assert (answer.status_code, answer.json()["meterId"]) == (200, METER)
    assert site.client.get("/v1/analytics/performance/DE*").json()["code"] == "vehicle_not_found", "no pattern"


def test_lists_page_over_them(site: Site) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = site.client.get("/v1/meters", params={"limit": 7, "cursor": cursor}).json()
        seen += [each["meterId"] for each in page["items"]]
        cursor = page["nextCursor"]
    assert METER in seen
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    "device_id", ["*", "*DE", "DE ABC", "DE/ABC", "DE%ABC", "DE'ABC", 'DE"ABC', "DE\\ABC", "DE?x", "D" * 65]
)
def test_what_is_none_stays_none(site: Site, device_id: str) -> None:
    answer = site.client.post("/v1/telemetry", json=meter_payload(meterId=device_id))
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_id"
