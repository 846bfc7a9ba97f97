"""Whatever goes wrong is a problem with a request id, and the connection serves on."""

import socket
import string

import httpx
import psycopg
import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.site import Site, assert_problem


@pytest.mark.parametrize("path", ["/nope", "/v1", "/v1/telemetry/x", "/v1/meters/a/b", "/V1/meters", "/v1//meters"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_that_does_not_exist(site: Site, method: str, path: str) -> None:
    assert_problem(site.client.request(method, path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/telemetry", "POST"),
        ("PUT", "/v1/telemetry", "POST"),
        ("DELETE", "/v1/telemetry", "POST"),
        ("OPTIONS", "/v1/telemetry", "POST"),
        ("POST", "/v1/meters", "GET, HEAD"),
        ("PUT", "/v1/meters/m", "GET, HEAD, PATCH"),
        ("DELETE", "/v1/vehicles/v", "GET, HEAD, PATCH"),
        ("PUT", "/v1/mappings", "GET, HEAD, POST"),
        ("GET", "/v1/mappings/1", "DELETE"),
        ("POST", "/v1/analytics/performance/v", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
        ("TRACE", "/readyz", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_allowed(site: Site, method: str, path: str, allowed: str) -> None:
    answer = site.client.request(method, path)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


class TestRequestId:
    @pytest.mark.parametrize("own", ["a", "0", "my-request_1.2", string.ascii_letters, "x" * 64])
    @pytest.mark.parametrize("path", ["/livez", "/nope", "/v1/meters?limit=0"])
    def test_the_callers_own_comes_back(self, site: Site, own: str, path: str) -> None:
        answer = site.client.get(path, headers={"X-Request-Id": own})
        assert answer.headers.get_list("x-request-id") == [own]
        if not answer.is_success:
            assert answer.json()["requestId"] == own

    @pytest.mark.parametrize("own", [b"", b"x" * 65, b"a b", b"a/b", b"<script>", b"\xe9", b"a\tb", b"%0d%0a", b'"'])
    def test_an_insane_one_is_replaced(self, site: Site, own: bytes) -> None:
        answers = [site.client.get("/nope", headers=[(b"x-request-id", own)]) for _ in range(2)]
        ids = {answer.headers["x-request-id"] for answer in answers}
        assert len(ids) == 2
        assert all(set(each) <= set(string.hexdigits) and len(each) == 16 for each in ids)
        assert [answer.json()["requestId"] for answer in answers] == [
            answer.headers["x-request-id"] for answer in answers
        ]

    def test_of_several_the_first_sane_one_is_taken(self, site: Site) -> None:
        headers = [(b"x-request-id", value) for value in (b"in sane", b"first", b"second")]
        assert site.client.get("/livez", headers=headers).headers.get_list("x-request-id") == ["first"]

    def test_telemetry_carries_it_whatever_the_answer(self, site: Site) -> None:
        bodies = [meter_payload(), {"bad": 1}, [], [meter_payload(), "bad"], ["bad"]]
        for body in bodies:
            answer = site.client.post("/v1/telemetry", json=body, headers={"X-Request-Id": "mine"})
            assert answer.headers.get_list("x-request-id") == ["mine"]
            assert answer.json().get("requestId", "mine") == "mine"


def break_telemetry(connection: psycopg.Connection) -> None:
    """Something nobody foresaw: the database refuses a valid reading."""
    connection.execute("ALTER TABLE meter_readings ADD CONSTRAINT nonsense CHECK (kwh < 50) NOT VALID")


def break_devices(connection: psycopg.Connection) -> None:
    """Something nobody foresaw: a value that this version does not know."""
    connection.execute("INSERT INTO meters (external_id) VALUES ('odd')")
    connection.execute("ALTER TABLE meters DROP CONSTRAINT meters_energy_kind_check")
    connection.execute("UPDATE meters SET energy_kind = 'secret-kind'")


@pytest.mark.parametrize("path", ["/v1/telemetry", "/v1/meters"])
def test_a_defect_of_ours_is_a_problem_without_a_trace_and_the_connection_serves_on(
    api: httpx.Client, connection: psycopg.Connection, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert api.get("/livez").status_code == 200
    (break_telemetry if path == "/v1/telemetry" else break_devices)(connection)
    for _ in range(3):
        headers = {"X-Request-Id": "find-me"}
        if path == "/v1/telemetry":
            answer = api.post(path, json=meter_payload(), headers=headers)
        else:
            answer = api.get(path, headers=headers)
        problem = assert_problem(answer, 500, "internal_error")
        assert problem["requestId"] == "find-me"
        assert "retry-after" not in answer.headers
        for inside in ("nonsense", "secret-kind", "psycopg", "pydantic", "File "):
            assert inside not in answer.text
        assert api.post("/v1/telemetry", json=vehicle_payload(timestamp=iso(now_s()))).is_success
    assert "find-me" in {vars(record).get("request_id") for record in caplog.records}


def test_a_client_that_leaves_in_the_middle_of_a_body_disturbs_nobody(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    headers = b"POST /v1/telemetry HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n"
    for media_type in (b"application/json", b"application/x-ndjson"):
        with socket.create_connection((site.client.base_url.host, site.client.base_url.port or 0)) as client:
            client.sendall(headers % media_type + b'{"meterId":"half')
    for _ in range(20):
        assert site.client.get("/livez").status_code == 200
    assert caplog.text == ""
    assert not site.is_registered("half")
