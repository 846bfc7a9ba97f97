"""Seen from outside: what the API counts, and that it counts neither devices nor paths."""

import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import serving
from tests.factories import meter_payload, vehicle_payload
from tests.integration.ingest_api.site import Site


@pytest.fixture
def api(site: Site) -> httpx.Client:
    """One for all: each test counts what it adds."""
    return site.client


def counted(api: httpx.Client) -> dict[tuple[str, ...], float]:
    answer = api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def grown(before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float], *key: str) -> float:
    return after.get(key, 0) - before.get(key, 0)


def test_items_are_counted_by_what_became_of_them(api: httpx.Client) -> None:
    before = counted(api)
    reading = meter_payload()
    assert api.post("/v1/telemetry", json=reading).status_code == 201
    assert api.post("/v1/telemetry", json=reading).status_code == 200
    items = [{**reading, "kwhConsumedAc": 7.0}, vehicle_payload(), vehicle_payload(soc=101), {"soc": 1}]
    assert api.post("/v1/telemetry", json=items).status_code == 200
    assert api.post("/v1/telemetry", content=b"{", headers={"content-type": "application/json"}).status_code == 400
    after = counted(api)
    outcomes = ("accepted", "duplicate", "conflict", "rejected")
    became = {name: grown(before, after, "fleet_telemetry_items_total", name) for name in outcomes}
    assert became == {"accepted": 2, "duplicate": 1, "conflict": 1, "rejected": 3}
    assert grown(before, after, "fleet_telemetry_rejected_total", "malformed_json") == 1
    assert grown(before, after, "fleet_requests_total", "/v1/telemetry", "201") == 1
    assert grown(before, after, "fleet_requests_total", "/v1/telemetry", "400") == 1
    assert grown(before, after, "fleet_commit_seconds_count") == 4
    assert grown(before, after, "fleet_commit_readings_sum") == 2
    assert after[("fleet_waiting_items",)] == 0


def test_routes_are_counted_by_pattern_and_never_by_path(api: httpx.Client) -> None:
    before = counted(api)
    assert api.get("/v1/vehicles/a-secret-vehicle").status_code == 404
    assert api.get("/v1/analytics/performance/a-secret-vehicle").status_code == 404
    assert api.get("/nowhere/a-secret-vehicle").status_code == 404
    after = counted(api)
    for route in ("/v1/vehicles/{vehicleId}", "/v1/analytics/performance/{vehicleId}", "other"):
        assert grown(before, after, "fleet_requests_total", route, "404") == 1
    assert "a-secret-vehicle" not in api.get("/metrics").text


def test_failed_transactions_are_counted() -> None:
    with serving(database_url="postgresql://nobody@127.0.0.1:9/nowhere") as api:
        before = counted(api)
        assert api.post("/v1/telemetry", json=meter_payload()).status_code == 503
        after = counted(api)
    assert grown(before, after, "fleet_failed_commits_total", "database_unavailable") >= 1
    assert grown(before, after, "fleet_requests_total", "/v1/telemetry", "503") == 1


@pytest.mark.parametrize(
    "name", ["fleet_requests", "fleet_telemetry_items", "fleet_commit_seconds", "fleet_waiting_items"]
)
def test_each_says_what_it_is(api: httpx.Client, name: str) -> None:
    assert re.search(rf"^# HELP {name}(_total)? \w.*\.$", api.get("/metrics").text, re.MULTILINE)


def test_how_full_the_disk_is_stands_there(api: httpx.Client) -> None:
    assert 0 < counted(api)[("fleet_disk_used_ratio",)] < 1
