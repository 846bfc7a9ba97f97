"""Settings of a device: what is left out stays, null means unknown, what is not known is refused."""

from typing import Any

import httpx
import pytest

from tests.integration.ingest_api.site import JSON, Site, assert_problem, encode, new_id

JSON_HEADERS = {"Content-Type": JSON}
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
OTHERS = {
    "energyKind": "interval",
    "maxPowerKw": 22.0,
    "resolutionKwh": 0.001,
    "rolloverKwh": 100000.0,
    "maxResetKwh": 600.0,
    "expectedIntervalSeconds": 900,
    "model": "Wallbox 22",
    "displayName": "Depot «Nord» 4 \u2713",
    "site": "Depot north",
    "tags": ["night", "van"],
}

both_kinds = pytest.mark.parametrize("kind", ["meters", "vehicles"])


def patch(site: Site, path: str, body: Any) -> httpx.Response:
    return site.client.patch(path, content=encode(body), headers=JSON_HEADERS)


def settings(site: Site, path: str) -> dict[str, Any]:
    found: dict[str, Any] = site.client.get(path).json()["settings"]
    return found


@both_kinds
def test_a_change_creates_the_device_and_answers_its_whole_state(site: Site, kind: str) -> None:
    path = f"/v1/{kind}/{new_id()}"
    assert_problem(site.client.get(path), 404, f"{kind[:-1]}_not_found")
    answer = patch(site, path, {"maxPowerKw": 11})
    assert answer.status_code == 200
    assert answer.json()["settings"] == {**DEFAULTS, "maxPowerKw": 11.0}
    assert answer.json() == site.client.get(path).json()


@both_kinds
def test_an_empty_change_only_registers(site: Site, kind: str) -> None:
    path = f"/v1/{kind}/{new_id()}"
    assert patch(site, path, {}).json()["settings"] == DEFAULTS
    assert patch(site, path, OTHERS).json()["settings"] == OTHERS
    assert patch(site, path, {}).json()["settings"] == OTHERS


@both_kinds
@pytest.mark.parametrize("field", OTHERS)
def test_each_field_changes_alone(site: Site, kind: str, field: str) -> None:
    path, other = f"/v1/{kind}/{new_id()}", f"/v1/{kind}/{new_id()}"
    patch(site, other, {})
    assert patch(site, path, {field: OTHERS[field]}).json()["settings"] == {**DEFAULTS, field: OTHERS[field]}
    patch(site, path, OTHERS)
    assert patch(site, path, {field: DEFAULTS[field]}).json()["settings"] == {**OTHERS, field: DEFAULTS[field]}
    assert settings(site, other) == DEFAULTS


@both_kinds
def test_null_means_unknown(site: Site, kind: str) -> None:
    path = f"/v1/{kind}/{new_id()}"
    patch(site, path, OTHERS)
    unknown = dict.fromkeys(["maxPowerKw", "resolutionKwh", "rolloverKwh", "maxResetKwh", "model", "displayName"])
    assert patch(site, path, unknown).json()["settings"] == {**OTHERS, **unknown}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("maxPowerKw", 1e-9),
        ("maxPowerKw", 1e6),
        ("resolutionKwh", 1e6),
        ("rolloverKwh", 1e9),
        ("maxResetKwh", 1e-9),
        ("maxResetKwh", 1e9),
        ("expectedIntervalSeconds", 1),
        ("expectedIntervalSeconds", 86_400),
        ("model", ""),
        ("model", "m" * 200),
        ("displayName", "\U0001f697" * 200),
    ],
)
def test_the_ends_of_what_is_allowed(site: Site, field: str, value: object) -> None:
    assert patch(site, f"/v1/meters/{new_id()}", {field: value}).json()["settings"][field] == value


@both_kinds
@pytest.mark.parametrize(
    "change",
    [
        {"energyKind": None},
        {"energyKind": "Counter"},
        {"energyKind": "sum"},
        {"energyKind": 1},
        {"maxPowerKw": 0},
        {"maxPowerKw": -1},
        {"maxPowerKw": 1000000.1},
        {"maxPowerKw": "22"},
        {"maxPowerKw": True},
        {"maxPowerKw": []},
        {"resolutionKwh": 0},
        {"resolutionKwh": "0.01"},
        {"rolloverKwh": 0},
        {"rolloverKwh": 1000000000.1},
        {"rolloverKwh": False},
        {"maxResetKwh": 0},
        {"maxResetKwh": -150},
        {"maxResetKwh": 1000000000.1},
        {"maxResetKwh": "150"},
        {"maxResetKwh": True},
        {"expectedIntervalSeconds": None},
        {"expectedIntervalSeconds": 0},
        {"expectedIntervalSeconds": 86_401},
        {"expectedIntervalSeconds": 1.5},
        {"expectedIntervalSeconds": "60"},
        {"expectedIntervalSeconds": True},
        {"model": 5},
        {"model": "m" * 201},
        {"model": "a\0b"},
        {"displayName": "\ud800"},
        {"displayName": {}},
    ],
    ids=str,
)
def test_a_bad_value_is_refused_and_changes_nothing(site: Site, kind: str, change: dict[str, Any]) -> None:
    path = f"/v1/{kind}/{new_id()}"
    problem = assert_problem(patch(site, path, {"model": "new", **change}), 422, "invalid_request")
    assert any(error["pointer"].endswith(next(iter(change))) for error in problem["errors"])
    assert_problem(site.client.get(path), 404, f"{kind[:-1]}_not_found")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "9" * 400])
def test_a_number_that_is_none_is_refused(site: Site, number: str) -> None:
    answer = site.client.patch(
        f"/v1/meters/{new_id()}",
        content=b'{"maxPowerKw":%s}' % number.encode(),
        headers=JSON_HEADERS,
    )
    assert_problem(answer, 422, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [{"unknown": 1}, {"max_power_kw": 22}, {"maxpowerkw": 22}, {"meterId": "other"}, {"": 1}, {"model": "x", "y": 1}],
)
def test_a_field_that_does_not_exist_is_refused(site: Site, body: dict[str, Any]) -> None:
    path = f"/v1/meters/{new_id()}"
    assert_problem(patch(site, path, body), 422, "invalid_request")
    assert_problem(site.client.get(path), 404, "meter_not_found")


@pytest.mark.parametrize("body", [None, [], [{}], "text", 5, True], ids=repr)
def test_a_change_is_an_object(site: Site, body: object) -> None:
    answer = site.client.patch(f"/v1/meters/{new_id()}", content=encode(body), headers=JSON_HEADERS)
    assert_problem(answer, 422, "invalid_request")


@pytest.mark.parametrize("body", [b"{", b"{'a':1}", b"\xff", b'{"model":"\xe9"}', b"[" * 100_000], ids=len)
def test_a_change_that_is_no_json_is_a_problem(site: Site, body: bytes) -> None:
    answer = site.client.patch(f"/v1/meters/{new_id()}", content=body, headers=JSON_HEADERS)
    assert_problem(answer, 400, "malformed_json")


def test_site_and_tags_are_set_and_taken_back(site: Site) -> None:
    device = new_id("meter")

    def change(**changed: object) -> dict[str, Any]:
        answer = site.client.patch(f"/v1/meters/{device}", json=changed)
        assert answer.status_code == 200, answer.text
        settings: dict[str, Any] = answer.json()["settings"]
        return settings

    found = change(site="Depot north", tags=["van", "night shift", "van"])
    assert (found["site"], found["tags"]) == ("Depot north", ["night shift", "van"])
    assert change(model="x")["tags"] == ["night shift", "van"]
    found = change(site=None, tags=[])
    assert (found["site"], found["tags"]) == (None, [])


@pytest.mark.parametrize(
    "changed",
    [
        *({"site": each} for each in ("", "a" * 101, "a\0", 5)),
        *({"tags": each} for each in (None, "van", [""], [" "], ["a;b"], ["a,b"], ["a" * 51], [5], ["a\n"])),
        {"tags": [f"tag {number}" for number in range(21)]},
    ],
)
def test_what_can_be_no_site_or_tag_is_refused(site: Site, changed: dict[str, object]) -> None:
    device = new_id("meter")
    assert_problem(site.client.patch(f"/v1/meters/{device}", json=changed), 422, "invalid_request")
    assert not site.is_registered(device)
