"""HEAD of everything that can be asked with GET: its status and headers, and no body behind them."""

from collections.abc import Iterator

import pytest

from tests.factories import meter_payload, vehicle_payload
from tests.integration.ingest_api.raw_connection import RawConnection, raw_connection, request_headers
from tests.integration.ingest_api.site import Site, new_id

CHANGING = {"date", "x-request-id"}
METER, VEHICLE = new_id("head"), new_id("head")
NO_FINDING = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def filled(site: Site) -> Site:
    for payload in (meter_payload(meterId=METER), vehicle_payload(vehicleId=VEHICLE)):
        assert site.client.post("/v1/telemetry", json=payload).status_code == 201
    assert site.client.post("/v1/mappings", json={"vehicleId": VEHICLE, "meterId": METER}).status_code == 201
    return site


@pytest.fixture
def connection(filled: Site) -> Iterator[RawConnection]:
    with raw_connection(filled.client.base_url.port or 0) as connection:
        yield connection


def paths(site: Site) -> list[str]:
    """Every path that the document knows, and those beside it; but for the answer that has no end."""
    document = site.client.get("/openapi.json").json()["paths"]
    documented = [path for path, of in document.items() if "get" in of and path != "/v1/live"]
    names = {"meterId": METER, "vehicleId": VEHICLE, "id": NO_FINDING}
    named = [path.format(**names) for path in documented]
    return [*named, "/", "/docs", "/openapi.json", "/v1/meters/nobody", "/nope", "/v1/meters?limit=0", "/v1/telemetry"]


def test_head_is_get_without_a_body(filled: Site, connection: RawConnection) -> None:
    asked = paths(filled)
    assert {"/livez", "/readyz", "/health", "/metrics", "/v1/analytics/fleet"} <= set(asked)
    assert not any("{" in path for path in asked)
    for path in asked:
        connection.send(request_headers("GET", path))
        get = connection.answer()
        connection.send(request_headers("HEAD", path) + request_headers("GET", "/livez"))
        answer = connection.answer(is_head=True)
        assert answer.status == get.status, path
        assert answer.headers.keys() == get.headers.keys(), path
        for name in get.headers.keys() - CHANGING:
            of_ages = name in ("content-length", "etag") and path.startswith("/v1")
            changes = path == "/metrics" or of_ages  # counters, ages
            assert changes or answer.headers[name] == get.headers[name], (path, name)
        assert int(answer.headers["content-length"]) > 0
        assert connection.answer().body == b'{"status":"ok"}'  # right behind the head


@pytest.mark.parametrize("path", ["/livez", "/v1/meters", "/openapi.json"])
def test_from_http_1_0_and_for_the_last_time(filled: Site, path: str) -> None:
    for version, headers in (("1.0", ()), ("1.1", ("Connection: close",))):
        with raw_connection(filled.client.base_url.port or 0) as connection:
            connection.send(request_headers("HEAD", path, *headers, version=version))
            assert connection.answer(is_head=True).status == 200
            assert connection.answers() == []


def test_an_answer_to_head_has_the_callers_id(connection: RawConnection) -> None:
    connection.send(request_headers("HEAD", "/livez", "X-Request-Id: mine"))
    assert connection.answer(is_head=True).headers["x-request-id"] == "mine"


@pytest.mark.parametrize(("path", "allowed"), [("/v1/telemetry", "POST"), ("/v1/mappings/1", "DELETE")])
def test_where_there_is_no_get_there_is_no_head(connection: RawConnection, path: str, allowed: str) -> None:
    connection.send(request_headers("HEAD", path))
    answer = connection.answer(is_head=True)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
