"""What can be read in two ways is refused, and so is what nobody would heed."""

import pytest

from tests.integration.ingest_api.site import Site, assert_problem, new_id

PATHS = {
    "/v1/analytics/performance/v": ["hours", "at"],
    "/v1/analytics/fleet": ["hours", "worst", "group"],
    "/v1/meters": ["status", "search", "model", "site", "tag", "sort", "limit", "cursor"],
    "/v1/vehicles": ["status", "search", "model", "site", "tag", "sort", "limit", "cursor"],
    "/v1/meters/m": [],
    "/v1/vehicles/v": [],
    "/v1/fleet/now": [],
    "/v1/live": ["vehicles", "meters"],
    "/v1/days": ["from", "to", "limit", "cursor"],
    "/v1/quarantine": ["code", "samples", "limit", "cursor"],
    "/v1/vehicles/v/series": ["from", "to", "step"],
    "/v1/meters/m/series": ["from", "to", "step"],
    "/v1/vehicles/v/days": ["days", "limit", "cursor"],
    "/v1/vehicles/v/sessions": ["from", "to", "limit", "cursor"],
    "/v1/meters/m/standby": ["from", "to", "limit", "cursor"],
    "/v1/findings": [
        *("state", "rule", "severity", "subject", "minCostPerMonth", "since", "sort", "limit", "cursor"),
    ],
    "/v1/findings/3f2a9c01-52d4-5e0b-9a57-0d4c1f6f7a11": [],
    "/v1/audit": ["since", "until", "actor", "action", "subject", "limit", "cursor"],
    "/v1/me": [],
    "/v1/corrections": ["device", "kind", "limit", "cursor"],
    "/v1/mappings": ["vehicleId", "meterId", "limit", "cursor"],
}
OF_ADMINISTRATORS = {"/v1/tokens": ["limit", "cursor"]}
"""Answered 403 before anything is read, where nobody is asked for a token."""
NUMBERS = ["hours", "worst", "days", "step", "samples", "limit"]


def test_every_get_of_v1_is_here(site: Site) -> None:
    document = site.client.get("/openapi.json").json()["paths"]
    asked = {
        path: [each["name"] for each in operations["get"].get("parameters", []) if each["in"] == "query"]
        for path, operations in document.items()
        if path.startswith("/v1/") and "get" in operations
    }
    assert sorted(asked.values()) == sorted({**PATHS, **OF_ADMINISTRATORS}.values())


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(site: Site, path: str) -> None:
    for asked in ("hour=24", "Hours=24", "hours%20=24", "=1", "limits=5&limits=6"):
        problem = assert_problem(site.client.get(f"{path}?{asked}"), 422, "invalid_request")
        (error,) = problem["errors"]
        known = ", ".join(PATHS[path])
        expected = f"what can be asked for is {known}" if known else "nothing can be asked for here"
        assert (error["pointer"], error["code"]) == ("/query", "unknown_parameter")
        assert error["detail"] == f"an unknown parameter; {expected}"
        assert site.client.head(f"{path}?{asked}").status_code == 422


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in PATHS.items() for name in names])
def test_a_parameter_that_is_given_twice_is_refused(site: Site, path: str, name: str) -> None:
    for values in (("2", "24"), ("2", "2"), ("", "2")):
        problem = assert_problem(
            site.client.get(f"{path}?{name}={values[0]}&{name}={values[1]}"), 422, "invalid_request"
        )
        assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(f"/query/{name}", "given_twice")]


@pytest.mark.parametrize(
    "value",
    ["1_0", "%2024", "24%20", "+24", "%2B24", "24.0", "2e1", "0x18", "%D9%A2%D9%A4", "%EF%BC%92%EF%BC%94", "", "--1"],
)
@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path, names in PATHS.items() for name in names if name in NUMBERS]
)
def test_a_whole_number_is_written_in_digits_alone(site: Site, path: str, name: str, value: str) -> None:
    problem = assert_problem(site.client.get(f"{path}?{name}={value}"), 422, "invalid_request")
    assert problem["detail"] == f"/query/{name}: expected a whole number, written in digits alone"


def test_zeros_in_front_change_nothing(site: Site) -> None:
    assert site.client.get("/v1/analytics/fleet?hours=024&worst=00").json()["windowHours"] == 24


def test_nor_does_another_method_take_what_it_does_not_heed(site: Site) -> None:
    device = new_id()
    for answer in (
        site.client.patch(f"/v1/meters/{device}?dryRun=true", json={"maxPowerKw": 22}),
        site.client.post("/v1/mappings?validFrom=now", json={"vehicleId": device, "meterId": device}),
        site.client.delete("/v1/mappings/1?at=now"),
        site.client.delete("/v1/mappings/1_0"),
    ):
        assert_problem(answer, 422, "invalid_request")
    assert not site.is_registered(device)


@pytest.mark.parametrize("body", ['{"maxPowerKw":22,"maxPowerKw":11}', '{"model":"a","x":{"a":1,"a":2}}'])
def test_a_field_of_a_change_that_stands_twice_is_refused(site: Site, body: str) -> None:
    device = new_id()
    answer = site.client.patch(f"/v1/meters/{device}", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "invalid_request")
    assert not site.is_registered(device)
