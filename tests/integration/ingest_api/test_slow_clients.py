"""Clients that send slower than anything real: cut off, while the others are served."""

import select
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from ingest_api.server import timeout_protocol
from tests.factories import meter_payload
from tests.integration.ingest_api.site import JSON, NDJSON, Site, encode
from tests.integration.ingest_api.slow_request import slow_request

HEADERS = b"POST /v1/telemetry HTTP/1.1\r\nHost: fleetwatt\r\nContent-Type: application/json\r\n"


@pytest.fixture
def hasty(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with short timeouts."""
    monkeypatch.setattr(timeout_protocol, "CLIENT_TIMEOUT_S", 0.2)
    monkeypatch.setattr(timeout_protocol, "LOOK_EVERY_S", 0.1)
    return site


@pytest.fixture
def connection(hasty: Site) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port_of(hasty)), 30) as connection:
        yield connection


def port_of(site: Site) -> int:
    return site.client.base_url.port or 0


def all_of(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_a_connection_that_brings_nothing_is_closed(connection: socket.socket, sent: bytes) -> None:
    connection.sendall(sent)
    assert all_of(connection) == b""


@pytest.mark.parametrize("sent", [b"POST /v1/tele", HEADERS, HEADERS + b"X-Slow: "])
def test_headers_that_do_not_end_are_cut_off(connection: socket.socket, sent: bytes) -> None:
    connection.sendall(sent)
    assert all_of(connection).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_headers_of_a_second_request_that_do_not_end_are_cut_off_too(connection: socket.socket) -> None:
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: fleetwatt\r\n\r\nGET /livez HT")
    assert all_of(connection).count(b"HTTP/1.1 408 Request Timeout\r\n") == 1


@pytest.mark.parametrize("path", ["/v1/telemetry", "/v1/mappings"])
@pytest.mark.parametrize("media_type", [JSON, NDJSON])
def test_a_body_that_does_not_end_is_a_problem(hasty: Site, path: str, media_type: str) -> None:
    with slow_request(port_of(hasty), path, media_type) as request:
        request.send(b'{"meterId":')
        response, problem = request.answer()
    assert (response.status, response.headers["Content-Type"]) == (408, "application/problem+json")
    assert response.headers["Connection"] == "close"
    assert (problem["code"], problem["instance"]) == ("request_timeout", path)
    assert problem["requestId"] == response.headers["X-Request-Id"]


def test_a_body_that_comes_slowly_but_comes_is_waited_for(
    hasty: Site, connection: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeout_protocol, "SLOWEST_BYTES_PER_S", 1)  # each byte is worth a second
    with slow_request(port_of(hasty)) as request:
        connection.sendall(HEADERS + b"Content-Length: 9\r\n\r\n")  # this one sends nothing more, and is cut off
        while not select.select([connection], [], [], 0.01)[0]:
            request.send(b" ")
        request.send(encode(meter_payload()))
        request.finish()
        assert request.answer()[0].status == 201


@pytest.mark.parametrize("first", [b"", b"["])
@pytest.mark.parametrize(
    ("path", "media_type"), [("/v1/telemetry", JSON), ("/v1/telemetry", NDJSON), ("/v1/mappings", JSON)]
)
def test_a_burst_buys_no_time_for_the_silence_behind_it(hasty: Site, path: str, media_type: str, first: bytes) -> None:
    with slow_request(port_of(hasty), path, media_type, timeout_s=10) as request:
        request.send(first)
        time.sleep(0.15)
        request.send(b" " * 1_000_000)  # at 2 KiB a second it would be worth eight minutes
        response, problem = request.answer()
    assert (response.status, problem["code"]) == (408, "request_timeout")


def test_an_answer_that_is_not_taken_is_given_up(hasty: Site) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", port_of(hasty)))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: fleetwatt\r\n\r\n" * 400)
        time.sleep(2)  # nothing is read meanwhile
        assert all_of(connection).count(b"HTTP/1.1 200 OK") < 400


def test_what_follows_an_answer_that_came_early_is_not_waited_for(connection: socket.socket) -> None:
    connection.sendall(HEADERS + b"Content-Length: 99999999\r\n\r\n{")
    assert all_of(connection).startswith(b"HTTP/1.1 413 ")


def test_headers_are_no_larger_than_64_kib(connection: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeout_protocol, "CLIENT_TIMEOUT_S", 3600.0)
    connection.sendall(HEADERS)
    with pytest.raises(OSError):
        while True:
            connection.sendall(b"X-Large: " + b"x" * 8000 + b"\r\n")


@pytest.mark.parametrize("body", [encode(meter_payload()), b"[]"], ids=["a reading", "an empty array"])
def test_a_connection_in_use_is_left_alone_and_then_closed(connection: socket.socket, body: bytes) -> None:
    request = HEADERS + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for _ in range(20):
        connection.sendall(request)
        assert connection.recv(65536).startswith(b"HTTP/1.1 20")
        time.sleep(0.02)  # most looks find it idle
    assert all_of(connection) == b""


def test_headers_and_bodies_of_answers_are_whole_whatever_the_method(site: Site) -> None:
    with httpx.Client(base_url=site.client.base_url) as client:
        for method, path, status in [
            ("HEAD", "/livez", 200),
            ("GET", "/livez", 200),
            ("HEAD", "/v1/telemetry", 405),
            ("OPTIONS", "/v1/telemetry", 405),
            ("GET", "/openapi.json", 200),
        ]:
            assert client.request(method, path).status_code == status
