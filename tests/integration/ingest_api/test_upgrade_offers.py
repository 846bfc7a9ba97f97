"""A client that offers another protocol is answered as if it had not: its body is read, whatever it offers."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.raw_connection import RawConnection, chunked, raw_connection, request_headers
from tests.integration.ingest_api.site import JSON, NDJSON, Site, encode, new_id

H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
OFFERS = {
    "h2c": H2C,
    "websocket": ("Upgrade: websocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Version: 13"),
    "TLS": ("Upgrade: TLS/1.0", "Connection: upgrade"),
    "several": ("Upgrade: h2c, TLS/1.3", "Upgrade: foo/2", "Connection: Upgrade"),
}


@pytest.fixture
def connection(site: Site) -> Iterator[RawConnection]:
    with raw_connection(site.client.base_url.port or 0) as connection:
        yield connection


def lines_of(device: str, number: int = 5) -> bytes:
    ts = now_s()
    readings = [meter_payload(meterId=device, timestamp=iso(ts.replace(microsecond=n * 1000))) for n in range(number)]
    return b"\n".join(encode(reading) for reading in readings)


def post(body: bytes, *headers: str, media_type: str = JSON, version: str = "1.1") -> bytes:
    length = f"Content-Length: {len(body)}"
    return (
        request_headers("POST", "/v1/telemetry", f"Content-Type: {media_type}", length, *headers, version=version)
        + body
    )


def at_once(connection: RawConnection, request: bytes) -> None:
    connection.send(request)


def head_first(connection: RawConnection, request: bytes) -> None:
    end = request.index(b"\r\n\r\n") + 4
    connection.send(request[:end])
    time.sleep(0.1)
    connection.send(request[end:])


def byte_by_byte(connection: RawConnection, request: bytes) -> None:
    connection.send(*(request[at : at + 1] for at in range(len(request))))


@pytest.mark.parametrize("send", [at_once, head_first, byte_by_byte])
@pytest.mark.parametrize("offer", OFFERS)
class TestABodyIsReadWhateverIsOffered:
    def test_a_reading(
        self, site: Site, connection: RawConnection, offer: str, send: Callable[[RawConnection, bytes], None]
    ) -> None:
        device = new_id("offers")
        send(connection, post(encode(meter_payload(meterId=device)), *OFFERS[offer]))
        assert connection.answer().status == 201
        assert len(site.stored(device)) == 1

    def test_a_stream(
        self, site: Site, connection: RawConnection, offer: str, send: Callable[[RawConnection, bytes], None]
    ) -> None:
        device = new_id("offers")
        send(connection, post(lines_of(device), *OFFERS[offer], media_type=NDJSON))
        assert b'"accepted":5' in connection.answer().body
        assert len(site.stored(device)) == 5

    def test_a_body_in_chunks(
        self, connection: RawConnection, offer: str, send: Callable[[RawConnection, bytes], None]
    ) -> None:
        body = lines_of(new_id("offers"))
        headers = (f"Content-Type: {NDJSON}", "Transfer-Encoding: chunked", *OFFERS[offer])
        send(connection, request_headers("POST", "/v1/telemetry", *headers) + chunked([body[:30], body[30:]]))
        assert b'"accepted":5' in connection.answer().body


@pytest.mark.parametrize("offer", OFFERS)
def test_every_route_that_takes_a_body_reads_it(connection: RawConnection, offer: str) -> None:
    vehicle, meter = new_id("veh"), new_id("meter")
    for method, path, payload, status in [
        ("POST", "/v1/mappings", {"vehicleId": vehicle, "meterId": meter}, 201),
        ("PATCH", f"/v1/vehicles/{vehicle}", {"model": "Bus 12"}, 200),
        ("PATCH", f"/v1/meters/{meter}", {"maxPowerKw": 22}, 200),
    ]:
        body = encode(payload)
        length = f"Content-Length: {len(body)}"
        connection.send(request_headers(method, path, f"Content-Type: {JSON}", length, *OFFERS[offer]), body)
        assert connection.answer().status == status


def test_a_question_is_answered(connection: RawConnection) -> None:
    connection.send(request_headers("GET", "/livez", *H2C))
    assert connection.answer().body == b'{"status":"ok"}'


def test_the_connection_serves_on_and_so_does_what_is_pipelined_behind_an_offer(
    site: Site, connection: RawConnection
) -> None:
    device = new_id("offers")
    readings = lines_of(device, 6).split(b"\n")
    connection.send(post(readings[0], *H2C))
    assert connection.answer().status == 201
    pipelined = [post(readings[1]), post(readings[2], *H2C), post(readings[3], *H2C), post(readings[4])]
    connection.send(b"".join(pipelined))
    assert [connection.answer().status for _ in pipelined] == [201] * 4
    connection.send(post(readings[5]))
    assert connection.answer().status == 201
    assert len(site.stored(device)) == 6


def test_many_offers_in_one_packet_are_answered_one_by_one(connection: RawConnection) -> None:
    connection.send(request_headers("GET", "/livez", *H2C) * 500)
    assert [connection.answer().status for _ in range(500)] == [200] * 500


@pytest.mark.parametrize("offer", OFFERS)
def test_an_offer_from_http_1_0_is_ignored_too(site: Site, connection: RawConnection, offer: str) -> None:
    device = new_id("offers")
    connection.send(post(encode(meter_payload(meterId=device)), *OFFERS[offer], version="1.0"))
    assert [answer.status for answer in connection.answers()] == [201]
    assert len(site.stored(device)) == 1


def test_who_asks_before_it_sends_its_body_is_told_to(site: Site, connection: RawConnection) -> None:
    device = new_id("offers")
    body = encode(meter_payload(meterId=device))
    request = post(body, "Expect: 100-continue", *H2C)
    connection.send(request[: -len(body)])
    assert connection.answer().status == 100
    connection.send(body)
    assert connection.answer().status == 201
    assert len(site.stored(device)) == 1


def has_http2(curl: str | None) -> bool:
    if curl is None:
        return False
    return b"HTTP2" in subprocess.run([curl, "--version"], capture_output=True, check=True).stdout


@pytest.mark.skipif(not has_http2(shutil.which("curl")), reason="curl with HTTP/2 is not installed")
def test_curl_that_would_rather_speak_http_2(site: Site, tmp_path: Path) -> None:
    device = new_id("curl")
    (tmp_path / "lines").write_bytes(lines_of(device))
    body = ["-H", f"Content-Type: {NDJSON}", "--data-binary", f"@{tmp_path / 'lines'}"]
    sent = subprocess.run(
        ["curl", "--silent", "--show-error", "--http2", f"{site.client.base_url}/v1/telemetry", *body],
        capture_output=True,
        check=True,
    )
    assert b'"accepted":5' in sent.stdout
    assert len(site.stored(device)) == 5


class TestNoSuccessForABodyThatWasNotRead:
    """Whatever the cause: here a server that loses bodies, which nobody has seen."""

    @pytest.fixture(params=["between the parser and the request", "between the request and the application"])
    def loses_bodies(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        if request.param == "between the parser and the request":
            monkeypatch.setattr(HttpToolsProtocol, "on_body", lambda _protocol, _body: None)
        else:
            receive = RequestResponseCycle.receive

            async def receive_nothing(cycle: RequestResponseCycle) -> object:
                message = dict(await receive(cycle))
                return message if message["type"] != "http.request" else message | {"body": b""}

            monkeypatch.setattr(RequestResponseCycle, "receive", receive_nothing)

    @pytest.mark.usefixtures("loses_bodies")
    @pytest.mark.parametrize("is_chunked", [False, True])
    def test_it_is_answered_to_be_sent_again(self, connection: RawConnection, is_chunked: bool) -> None:
        body = lines_of(new_id("lost"))
        if is_chunked:
            headers = (f"Content-Type: {NDJSON}", "Transfer-Encoding: chunked")
            connection.send(request_headers("POST", "/v1/telemetry", *headers) + chunked([body]))
        else:
            connection.send(post(body, media_type=NDJSON))
        (answer,) = connection.answers()
        assert answer.status == 503
        assert b'"code":"body_lost"' in answer.body
        assert answer.headers["connection"] == "close"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["x-request-id"].encode() in answer.body

    @pytest.mark.usefixtures("loses_bodies")
    def test_nothing_is_lost_where_there_is_nothing(self, connection: RawConnection) -> None:
        connection.send(post(b"", media_type=NDJSON))
        assert connection.answer().status == 200
        headers = (f"Content-Type: {NDJSON}", "Transfer-Encoding: chunked")
        connection.send(request_headers("POST", "/v1/telemetry", *headers) + chunked([]))
        assert connection.answer().status == 200
        connection.send(request_headers("GET", "/livez"))
        assert connection.answer().status == 200


def test_a_client_that_is_gone_is_no_error(site: Site) -> None:
    port = site.client.base_url.port or 0
    with socket.create_connection(("127.0.0.1", port)) as gone:
        gone.sendall(
            request_headers("POST", "/v1/telemetry", f"Content-Type: {NDJSON}", "Content-Length: 9", *H2C) + b"{"
        )
    assert site.client.get("/livez").status_code == 200
