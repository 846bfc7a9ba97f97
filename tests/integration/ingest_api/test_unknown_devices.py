"""Devices not seen before: registered on first contact, or refused where that is turned off."""

import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem, encode, new_id


@pytest.fixture(scope="module")
def strict(make_site: MakeSite) -> Site:
    """A site that registers nobody on first contact."""
    return make_site(register_unknown_devices=False)


def test_a_device_is_registered_on_first_contact_as_a_counter_with_defaults(site: Site) -> None:
    meter, vehicle = new_id("meter"), new_id("veh")
    assert site.send(encode([meter_payload(meterId=meter), vehicle_payload(vehicleId=vehicle)])).json()["accepted"] == 2
    for path in (f"/v1/meters/{meter}", f"/v1/vehicles/{vehicle}"):
        assert site.client.get(path).json()["settings"] == {
            "energyKind": "counter",
            "maxPowerKw": 400.0,
            "resolutionKwh": 0.01,
            "rolloverKwh": None,
            "maxResetKwh": 150.0,
            "expectedIntervalSeconds": 60,
            "site": None,
            "tags": [],
            "model": None,
            "displayName": None,
        }


def test_where_turned_off_an_unknown_device_is_refused_kept_and_not_registered(strict: Site) -> None:
    stranger = new_id("stranger")
    body = encode(meter_payload(meterId=stranger))
    for seen in (1, 2):
        assert_problem(strict.send(body), 422, "unknown_device")
        assert strict.quarantined(body) == [("unknown_device", "", "http", seen)]
    assert not strict.is_registered(stranger)
    assert strict.rows("SELECT * FROM meter_readings") == []


def test_where_turned_off_strangers_cost_only_their_own_items(strict: Site) -> None:
    assert strict.client.patch("/v1/vehicles/known", json={}).status_code == 200
    ts = iso(now_s())
    known, stranger = vehicle_payload(vehicleId="known", timestamp=ts), vehicle_payload(vehicleId="stranger")
    meter_of_that_name = meter_payload(meterId="known")
    answer = strict.send(encode([stranger, known, "bad", meter_of_that_name, known])).json()
    assert [answer[name] for name in ("accepted", "duplicates", "conflicts", "rejected")] == [1, 1, 0, 3]
    assert [(error["index"], error["code"]) for error in answer["errors"]] == [
        (0, "unknown_device"),
        (2, "not_an_object"),
        (3, "unknown_device"),
    ]
    assert strict.quarantined(encode(stranger)) == [("unknown_device", "", "http", 1)]
    answer = strict.send(encode([stranger, meter_of_that_name]))
    assert_problem(answer, 422, "all_invalid")


@pytest.mark.parametrize("by", ["mapping", "change of settings"])
def test_where_turned_off_a_mapping_or_a_change_of_settings_lets_a_device_in(strict: Site, by: str) -> None:
    meter, vehicle = new_id("meter"), new_id("veh")
    bodies = [encode(meter_payload(meterId=meter)), encode(vehicle_payload(vehicleId=vehicle))]
    assert [strict.send(body).status_code for body in bodies] == [422, 422]
    if by == "mapping":
        assert strict.client.post("/v1/mappings", json={"vehicleId": vehicle, "meterId": meter}).status_code == 201
    else:
        assert strict.client.patch(f"/v1/meters/{meter}", json={"maxPowerKw": 22}).status_code == 200
        assert strict.client.patch(f"/v1/vehicles/{vehicle}", json={}).status_code == 200
    assert [strict.send(body).status_code for body in bodies] == [201, 201]
