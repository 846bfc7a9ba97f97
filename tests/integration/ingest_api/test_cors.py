"""Pages of origins that the settings name may read what is under /v1, and do nothing else; others may not."""

import httpx
import pytest

from ingest_api.settings import ApiSettings
from tests.factories import meter_payload
from tests.integration.ingest_api.site import MakeSite, Site
from warehouse.settings import InvalidSettingError, read

OURS, OTHER = "https://fleet.example.com", "https://evil.example.com"
ALLOW = "access-control-allow-origin"


@pytest.fixture(scope="module")
def client(make_site: MakeSite) -> httpx.Client:
    return make_site(cors_origins=f"{OURS}, http://localhost:5173/").client


def preflight(client: httpx.Client, path: str, origin: str, method: str = "GET") -> httpx.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization",
    }
    return client.options(path, headers=asked)


@pytest.mark.parametrize("origin", [OURS, "http://localhost:5173"])
def test_a_page_of_ours_reads(client: httpx.Client, origin: str) -> None:
    for path, status in (
        ("/v1/meters", 200),
        ("/v1/meters/nobody", 404),
        ("/v1/nothing", 404),
        ("/v1/meters?limit=0", 422),
    ):
        answer = client.get(path, headers={"Origin": origin})
        assert answer.status_code == status
        assert answer.headers[ALLOW] == origin
        assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
        assert "Origin" in answer.headers["vary"]
    asked = preflight(client, "/v1/meters", origin)
    assert (asked.status_code, asked.headers[ALLOW]) == (204, origin)
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    assert asked.headers["access-control-allow-methods"] == "GET, HEAD"


@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "null",
        "*",
        "",
        f"{OURS}.evil.com",
        f"{OURS}:444",
        "http://fleet.example.com",
        OURS.upper(),
        "http://localhost",
    ],
)
def test_a_page_of_others_does_not(client: httpx.Client, origin: str) -> None:
    answer = client.get("/v1/meters", headers={"Origin": origin})
    assert answer.status_code == 200
    assert ALLOW not in answer.headers
    assert "Origin" in answer.headers["vary"], "a cache must not hand one's answer to the other"
    assert ALLOW not in preflight(client, "/v1/meters", origin).headers


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT", "get"])
def test_nothing_but_reading_is_allowed(client: httpx.Client, method: str) -> None:
    assert ALLOW not in preflight(client, "/v1/mappings", OURS, method).headers
    answer = client.post("/v1/mappings", json=[], headers={"Origin": OURS})
    assert ALLOW not in answer.headers


def test_nothing_outside_v1_is_allowed_and_no_credentials_ever(client: httpx.Client) -> None:
    for path in ("/metrics", "/health", "/docs", "/openapi.json", "/v1x"):
        assert ALLOW not in client.get(path, headers={"Origin": OURS}).headers
    answers = [client.get("/v1/meters", headers={"Origin": OURS}), preflight(client, "/v1/meters", OURS)]
    assert all("access-control-allow-credentials" not in answer.headers for answer in answers)


def test_readings_do_not_pass_this_layer(client: httpx.Client) -> None:
    answer = client.post("/v1/telemetry", json=meter_payload(), headers={"Origin": OURS})
    assert answer.status_code == 201
    assert {ALLOW, "vary"}.isdisjoint(answer.headers)


def test_without_the_setting_there_is_none(site: Site) -> None:
    answer = site.client.get("/v1/meters", headers={"Origin": OURS})
    assert ALLOW not in answer.headers
    assert answer.headers["vary"] == "Accept"
    assert preflight(site.client, "/v1/meters", OURS).status_code == 405


@pytest.mark.parametrize(
    "origins",
    [
        "*",
        f"{OURS},*",
        "fleet.example.com",
        "ftp://x",
        "https://",
        "https://*.example.com",
        "https://x/path",
        "https://x?y",
        "https://user@x",
        "https://x:port",
        "https://x:99999",
        "https://ü.example",
        "null",
        "https://x#y",
    ],
)
def test_what_is_no_origin_is_refused_at_the_start(origins: str) -> None:
    with pytest.raises(InvalidSettingError) as refused:
        read(ApiSettings, cors_origins=origins)
    assert refused.value.name == "cors_origins"
    assert "https://fleet.example" in refused.value.detail


def test_an_origin_is_read_as_a_browser_writes_it() -> None:
    written = "HTTPS://Fleet.Example.com:443/, http://[::1]:8080,,"
    assert read(ApiSettings, cors_origins=written).origins == {b"https://fleet.example.com", b"http://[::1]:8080"}
