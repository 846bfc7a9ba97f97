"""A single reading however a client puts it on the wire: by protocol or application, the answer is the same."""

import gc
import json
import re
import socket
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.site import MakeSite, Site, encode, new_id, until_someone_waits_for_a_lock

Answer = tuple[int, bytes, set[bytes]]
"""Status, body without the request's id, and the names of the headers."""

HEADERS = b"POST /v1/telemetry HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
PAST_THE_PROTOCOL = b"Content-Encoding: identity\r\n"
"""It changes nothing but who answers."""


@pytest.fixture(scope="module", params=[True, False], ids=["fast path", "ordinary path"])
def fast_path(request: pytest.FixtureRequest) -> bool:
    """Whether the protocol answers single readings itself."""
    return bool(request.param)


@pytest.fixture(scope="module")
def site(make_site: MakeSite, *, fast_path: bool) -> Site:
    return make_site(fast_path=fast_path)


@pytest.fixture
def connection(site: Site) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", site.client.base_url.port or 0), timeout=10) as connection:
        yield connection


def reading(**changes: object) -> bytes:
    return encode(meter_payload(**{"meterId": new_id("meter"), "timestamp": iso(now_s()), **changes}))


def request(body: bytes, more: bytes = b"", headers: bytes = HEADERS) -> bytes:
    return b"%bContent-Length: %d\r\n%b\r\n%b" % (headers, len(body), more, body)


def answer(connection: socket.socket) -> Answer:
    """Read exactly one answer, and no byte of the next one."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        assert piece, received
        received += piece
    headers = {
        name.lower(): value for name, _, value in (line.partition(b": ") for line in received.split(b"\r\n")[1:-2])
    }
    body = b""
    while len(body) < int(headers[b"content-length"]):
        body += connection.recv(int(headers[b"content-length"]) - len(body))
    assert re.fullmatch(rb"[0-9a-f]{16}", headers[b"x-request-id"])
    return int(received[9:12]), body.replace(headers[b"x-request-id"], b"ID"), set(headers)


@pytest.mark.parametrize(
    "make",
    [
        reading,
        lambda: reading(kwhConsumedAc=-1),
        lambda: reading(voltage=None),
        lambda: b"[%b]" % reading(),
        lambda: b"[]",
        lambda: b"",
        lambda: b"{",
        lambda: b"\xff",
        lambda: b'{"meterId":NaN}',
        lambda: b" " * 2000,
    ],
)
def test_both_answer_alike(connection: socket.socket, make: Callable[[], bytes]) -> None:
    connection.sendall(request(make()))
    told = answer(connection)
    connection.sendall(request(make(), PAST_THE_PROTOCOL))
    assert answer(connection) == told


def test_repeats_and_conflicts_are_told_alike(connection: socket.socket) -> None:
    same: dict[str, object] = {"meterId": new_id("meter"), "timestamp": iso(now_s())}
    first, other = reading(**same, voltage=1), reading(**same, voltage=2)
    answers = []
    for body in (first, first, other):
        connection.sendall(request(body))
        answers.append(answer(connection))
    assert [status for status, _, _ in answers] == [201, 200, 409]
    for body, expected in ((first, answers[1]), (other, answers[2])):
        connection.sendall(request(body, PAST_THE_PROTOCOL))
        assert answer(connection) == expected


def test_requests_that_come_before_the_answer_are_answered_in_their_order(
    site: Site, connection: socket.socket
) -> None:
    bad, known, body = reading(kwhConsumedAc=-1), reading(), reading()
    requests = [request(body), request(bad), request(body, PAST_THE_PROTOCOL), request(known)]
    connection.sendall(b"".join([*requests, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", request(known)]))
    assert [answer(connection)[0] for _ in range(6)] == [201, 422, 200, 201, 200, 200]
    assert site.client.get("/livez").is_success


def test_a_request_in_pieces_is_one(connection: socket.socket) -> None:
    for byte in request(reading()):
        connection.sendall(bytes([byte]))
    assert answer(connection)[0] == 201


@pytest.fixture
def without_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the application is asked for telemetry is a 500."""
    monkeypatch.setattr("ingest_api.telemetry.ingest.TelemetryIngest.answer", lambda *_: 1 / 0)


def in_pieces(connection: socket.socket, *pieces: bytes) -> None:
    """Send each of these once the one before has been read."""
    for piece in pieces:
        connection.sendall(piece)
        time.sleep(0.02)


@pytest.mark.usefixtures("without_application")
@pytest.mark.parametrize("body_at_first", [-1, 0, 1, 50])
def test_the_protocol_answers_headers_that_are_whole_and_a_body_in_pieces_unless_told_otherwise(
    connection: socket.socket, body_at_first: int, *, fast_path: bool
) -> None:
    whole = request(reading())
    body_at = whole.index(b"\r\n\r\n") + 4
    pieces = [whole] if body_at_first < 0 else [whole[: body_at + body_at_first], whole[body_at + body_at_first :]]
    for _ in range(2):
        in_pieces(connection, *pieces)
        assert answer(connection)[0] in ((201, 200) if fast_path else (500,))


@pytest.mark.usefixtures("without_application")
@pytest.mark.parametrize(
    "more",
    [
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Upgrade: x\r\nConnection: upgrade\r\n",
        b"X: " + b"x" * 1000 + b"\r\n",
    ],
)
def test_what_is_more_than_a_plain_request_is_the_applications(connection: socket.socket, more: bytes) -> None:
    connection.sendall(request(reading(), more))
    assert answer(connection)[0] == 500


@pytest.mark.parametrize("cut", [1, 30, 200, 300])
def test_a_second_request_that_has_begun_is_finished(connection: socket.socket, cut: int) -> None:
    both = request(reading()) + request(reading())
    for at in (cut, len(both) // 2 + cut):
        in_pieces(connection, both[:at], both[at:])
        assert [answer(connection)[0] for _ in range(2)] in ([201, 201], [200, 200])
    connection.sendall(request(reading()))
    assert answer(connection)[0] == 201


def test_line_ends_between_requests_are_nothing(connection: socket.socket) -> None:
    for _ in range(3):
        connection.sendall(b"\r\n" + request(reading()))
        assert answer(connection)[0] == 201
        connection.sendall(request(reading()))
        assert answer(connection)[0] == 201


def test_a_body_that_goes_on_after_its_refusal_is_no_request(connection: socket.socket) -> None:
    inner = request(reading())
    connection.sendall(HEADERS + b"Content-Encoding: br\r\nContent-Length: %d\r\n\r\n" % len(inner))
    assert answer(connection)[0] == 415
    connection.sendall(inner)
    connection.sendall(request(reading()))
    assert answer(connection)[0] == 201
    connection.settimeout(0.3)
    with pytest.raises(TimeoutError):
        connection.recv(1)


@pytest.mark.parametrize(
    "headers",
    [
        HEADERS + b"Content-Length: 5\r\nContent-Length: 6\r\n",
        HEADERS + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        HEADERS + b"Content-Length: +5\r\n",
        HEADERS + b"Content-Length : 5\r\n",
        HEADERS.replace(b"Host: x", b"Host: x\r\n y"),
        HEADERS.replace(b"HTTP/1.1", b"HTTP/9.9"),
    ],
)
def test_headers_that_are_not_http_are_refused(connection: socket.socket, headers: bytes) -> None:
    connection.sendall(headers + b"\r\n12345")
    received = connection.recv(1000)
    assert received.startswith(b"HTTP/1.1 400 "), received


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_who_asks_for_an_end_is_told_so_and_gets_it(connection: socket.socket, version: bytes) -> None:
    more = b"Connection: close\r\n" if version == b"1.1" else b""
    connection.sendall(request(reading(), more, HEADERS.replace(b"HTTP/1.1", b"HTTP/" + version)))
    status, _, headers = answer(connection)
    assert (status, b"connection" in headers) == (201, True)
    assert connection.recv(1) == b""


def test_a_body_of_unknown_length_is_read(connection: socket.socket) -> None:
    body = reading()
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    connection.sendall(HEADERS + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer(connection)[0] == 201


def test_a_body_that_waits_to_be_asked_for_is_asked_for(connection: socket.socket) -> None:
    body = reading()
    connection.sendall(request(b"x" * len(body), b"Expect: 100-continue\r\n")[: -len(body)])
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body)
    assert answer(connection)[0] == 201


def test_the_reading_of_a_client_that_is_gone_is_stored_all_the_same(site: Site, connection: socket.socket) -> None:
    meter = new_id("meter")
    with psycopg.connect(site.database_url) as holding:
        holding.execute("LOCK TABLE meter_latest IN EXCLUSIVE MODE")
        connection.sendall(request(reading(meterId=meter)))
        until_someone_waits_for_a_lock(site.connection)
        connection.close()
    assert site.send(reading()).status_code == 201  # behind it
    assert len(site.stored(meter)) == 1


def test_a_defect_of_ours_is_answered_and_the_connection_goes_on(
    connection: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        for name in ("decode_body", "body_in_steps"):
            patch.setattr(f"ingest_api.telemetry.ingest.{name}", lambda *_, **__: 1 / 0)
        connection.sendall(request(reading()))
        status, body, _ = answer(connection)
    assert (status, json.loads(body)["code"]) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text
    connection.sendall(request(reading()))
    assert answer(connection)[0] == 201


def test_it_leaves_no_garbage_that_only_a_collection_finds(connection: socket.socket) -> None:
    def send(requests: int) -> int:
        for _ in range(requests):
            connection.sendall(request(reading()))
            answer(connection)
        return gc.collect()

    send(10)
    assert send(50) < 50
