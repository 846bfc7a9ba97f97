"""What is no HTTP, or can be read in two ways: 400, the end of the connection, and nothing stored that is not told."""

import time
from collections.abc import Iterator

import psutil
import pytest

from tests.factories import meter_payload
from tests.integration.ingest_api.api_process import ApiProcess
from tests.integration.ingest_api.raw_connection import RawConnection, chunked, raw_connection, request_headers
from tests.integration.ingest_api.site import JSON, NDJSON, PROBLEM, Site, encode, new_id

START = "POST /v1/telemetry HTTP/1.1\r\n"
PLAIN = f"Host: fleetwatt\r\nContent-Type: {JSON}\r\n"
CHUNKED = START + PLAIN + "Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def connection(site: Site) -> Iterator[RawConnection]:
    with raw_connection(site.client.base_url.port or 0) as connection:
        yield connection


def post(device: str, *headers: str) -> bytes:
    body = encode(meter_payload(meterId=device))
    return (
        request_headers("POST", "/v1/telemetry", f"Content-Type: {JSON}", f"Content-Length: {len(body)}", *headers)
        + body
    )


def assert_refused(connection: RawConnection) -> None:
    """Once, as a problem, and the connection ends."""
    (answer,) = connection.answers()
    assert (answer.status, answer.headers["content-type"], answer.headers["connection"]) == (400, PROBLEM, "close")
    assert b'"code":"malformed_request"' in answer.body
    assert answer.headers["x-request-id"].encode() in answer.body


MISREADABLE = {
    "no Host": f"{START}Content-Type: {JSON}\r\nContent-Length: LENGTH\r\n\r\n",
    "two Hosts": f"{START}{PLAIN}Host: other\r\nContent-Length: LENGTH\r\n\r\n",
    "the same Host twice": f"{START}{PLAIN}host: fleetwatt\r\nContent-Length: LENGTH\r\n\r\n",
    "two Hosts in one": f"{START}Host: a, b\r\nContent-Type: {JSON}\r\nContent-Length: LENGTH\r\n\r\n",
    "a Host with a path": f"{START}Host: a/b\r\nContent-Type: {JSON}\r\nContent-Length: LENGTH\r\n\r\n",
    "a Host with a user": f"{START}Host: a@b\r\nContent-Type: {JSON}\r\nContent-Length: LENGTH\r\n\r\n",
    "a Host with two ports": f"{START}Host: a:1:2\r\nContent-Type: {JSON}\r\nContent-Length: LENGTH\r\n\r\n",
    "a Host with a port of letters": f"{START}Host: a:b\r\nContent-Type: {JSON}\r\nContent-Length: LENGTH\r\n\r\n",
    "a Host with half its brackets": f"{START}Host: [::1\r\nContent-Type: {JSON}\r\nContent-Length: LENGTH\r\n\r\n",
    "a Host without brackets": f"{START}Host: ::1\r\nContent-Type: {JSON}\r\nContent-Length: LENGTH\r\n\r\n",
    "more behind brackets": f"{START}Host: [::1]a\r\nContent-Type: {JSON}\r\nContent-Length: LENGTH\r\n\r\n",
    "two Hosts in HTTP/1.0": f"POST /v1/telemetry HTTP/1.0\r\n{PLAIN}Host: b\r\nContent-Length: LENGTH\r\n\r\n",
    "two lengths": f"{START}{PLAIN}Content-Length: LENGTH\r\nContent-Length: 1\r\n\r\n",
    "the same length twice": f"{START}{PLAIN}Content-Length: LENGTH\r\nContent-Length: LENGTH\r\n\r\n",
    "a list of lengths": f"{START}{PLAIN}Content-Length: LENGTH, LENGTH\r\n\r\n",
    "a length with a sign": f"{START}{PLAIN}Content-Length: +LENGTH\r\n\r\n",
    "a negative length": f"{START}{PLAIN}Content-Length: -LENGTH\r\n\r\n",
    "a hexadecimal length": f"{START}{PLAIN}Content-Length: 0xLENGTH\r\n\r\n",
    "a length with underscores": f"{START}{PLAIN}Content-Length: LEN_GTH\r\n\r\n",
    "no length in its header": f"{START}{PLAIN}Content-Length: \r\n\r\n",
    "a length without end": f"{START}{PLAIN}Content-Length: {'9' * 30}\r\n\r\n",
    "a length and chunks": f"{START}{PLAIN}Content-Length: LENGTH\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunks and a length": f"{START}{PLAIN}Transfer-Encoding: chunked\r\nContent-Length: LENGTH\r\n\r\n",
    "chunks in HTTP/1.0": f"POST /v1/telemetry HTTP/1.0\r\n{PLAIN}Transfer-Encoding: chunked\r\n\r\n",
    "chunked twice": f"{START}{PLAIN}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked, then another": f"{START}{PLAIN}Transfer-Encoding: chunked, identity\r\n\r\n",
    "another, then chunked": f"{START}{PLAIN}Transfer-Encoding: gzip, chunked\r\n\r\n",
    "an unknown encoding": f"{START}{PLAIN}Transfer-Encoding: xchunked\r\n\r\n",
    "identity": f"{START}{PLAIN}Transfer-Encoding: identity\r\n\r\n",
    "an encoding behind a vertical tab": f"{START}{PLAIN}Transfer-Encoding: \x0bchunked\r\n\r\n",
    "a folded header": f"{START}{PLAIN}X-Folded: a\r\n b\r\nContent-Length: LENGTH\r\n\r\n",
    "a folded encoding": f"{START}{PLAIN}Transfer-Encoding:\r\n chunked\r\n\r\n",
    "LF for CRLF": f"{START}{PLAIN}Content-Length: LENGTH\r\n\r\n".replace("\r\n", "\n"),
    "one LF": f"{START}{PLAIN}X-Line: a\nContent-Length: LENGTH\r\n\r\n",
    "an LF at the end": f"{START}{PLAIN}Content-Length: LENGTH\r\n\n",
    "a CR alone": f"{START}{PLAIN}X-Line: a\rContent-Length: LENGTH\r\n\r\n",
    "a space before the colon": f"{START}{PLAIN}Content-Length : LENGTH\r\n\r\n",
    "a space before the first header": f"{START} {PLAIN}Content-Length: LENGTH\r\n\r\n",
    "NUL in a name": f"{START}{PLAIN}X\0: a\r\nContent-Length: LENGTH\r\n\r\n",
    "NUL in a value": f"{START}{PLAIN}X: \0\r\nContent-Length: LENGTH\r\n\r\n",
    "another version": f"POST /v1/telemetry HTTP/2.0\r\n{PLAIN}Content-Length: LENGTH\r\n\r\n",
    "a version of tomorrow": f"POST /v1/telemetry HTTP/1.9\r\n{PLAIN}Content-Length: LENGTH\r\n\r\n",
    "HTTP/0.9": "GET /livez\r\n\r\n",
    "a tunnel": f"CONNECT fleetwatt:3000 HTTP/1.1\r\n{PLAIN}\r\n",
    "a tunnel to a path": f"CONNECT /v1/telemetry HTTP/1.1\r\n{PLAIN}Content-Length: LENGTH\r\n\r\n",
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("name", MISREADABLE)
def test_headers_that_can_be_read_in_two_ways_are_refused(site: Site, connection: RawConnection, name: str) -> None:
    device = new_id("smuggled")
    body = encode(meter_payload(meterId=device))
    if "chunked" in MISREADABLE[name]:
        body = chunked([body])
    connection.send(MISREADABLE[name].replace("LENGTH", str(len(body))).encode("latin-1") + body)
    assert_refused(connection)
    assert not site.is_registered(device)


@pytest.mark.parametrize(
    "size", ["%x ", "0x%x", "+%x", "-%x", "%x\n", "G", "", "f" * 18, '%x;a="', "%x;\n", "%x\r", " %x", "%x,"]
)
def test_a_chunk_of_no_known_size_is_refused(site: Site, connection: RawConnection, size: str) -> None:
    device = new_id("smuggled")
    body = encode(meter_payload(meterId=device))
    of_chunk = size % len(body) if "%" in size else size
    connection.send(CHUNKED.encode() + of_chunk.encode() + b"\r\n" + body + b"\r\n0\r\n\r\n")
    assert_refused(connection)
    assert not site.is_registered(device)


def test_a_chunk_that_is_longer_than_it_says_is_refused(site: Site, connection: RawConnection) -> None:
    device = new_id("smuggled")
    body = encode(meter_payload(meterId=device))
    connection.send(CHUNKED.encode() + b"%x\r\n%sxx\r\n0\r\n\r\n" % (len(body), body))
    assert_refused(connection)
    assert not site.is_registered(device)


@pytest.mark.parametrize(
    "host",
    ["fleetwatt:3000", "127.0.0.1", "[::1]:3000", "[::ffff:127.0.0.1]", "ingest_api", "a:", "", "bücher".encode()],
)
def test_hosts_that_are_hosts(connection: RawConnection, host: str | bytes) -> None:
    is_one = isinstance(host, str)
    connection.send(b"GET /livez HTTP/1.1\r\nHost: %s\r\n\r\n" % (host.encode() if isinstance(host, str) else host))
    assert connection.answer().status == (200 if is_one else 400)


def test_http_1_0_needs_no_host(connection: RawConnection) -> None:
    connection.send(b"GET /livez HTTP/1.0\r\n\r\n")
    assert [answer.status for answer in connection.answers()] == [200]


@pytest.mark.parametrize("garbage", [b"garbage\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET\r\n", b"}", b"\0"])
class TestGarbageBehindARequest:
    def test_what_is_stored_is_answered_as_stored(self, site: Site, connection: RawConnection, garbage: bytes) -> None:
        device = new_id("before")
        connection.send(post(device) + garbage)
        assert [answer.status for answer in connection.answers()] == [201, 400]
        assert len(site.stored(device)) == 1

    def test_in_a_packet_of_its_own(self, site: Site, connection: RawConnection, garbage: bytes) -> None:
        device = new_id("before")
        connection.send(post(device), garbage)
        assert [answer.status for answer in connection.answers()] == [201, 400]
        assert len(site.stored(device)) == 1

    def test_behind_several(self, site: Site, connection: RawConnection, garbage: bytes) -> None:
        devices = [new_id("before") for _ in range(4)]
        connection.send(
            b"".join(post(device) for device in devices) + request_headers("GET", "/livez") + garbage + post("never")
        )
        assert [answer.status for answer in connection.answers()] == [201, 201, 201, 201, 200, 400]
        assert [len(site.stored(device)) for device in devices] == [1] * 4
        assert not site.is_registered("never")

    def test_within_the_body_of_the_last_of_several(
        self, site: Site, connection: RawConnection, garbage: bytes
    ) -> None:
        device = new_id("before")
        connection.send(post(device) + request_headers("GET", "/livez") + CHUNKED.encode() + garbage)
        assert [answer.status for answer in connection.answers()] == [201, 200, 400]
        assert len(site.stored(device)) == 1

    def test_behind_one_that_ends_the_connection(self, site: Site, connection: RawConnection, garbage: bytes) -> None:
        device = new_id("before")
        connection.send(post(device, "Connection: close") + garbage)
        assert [answer.status for answer in connection.answers()] == [201]
        assert len(site.stored(device)) == 1


def test_a_stream_that_ends_in_garbage_is_refused_and_the_connection_ends(connection: RawConnection) -> None:
    line = encode(meter_payload(meterId=new_id("stream"))) + b"\n"
    connection.send(CHUNKED.replace(JSON, NDJSON).encode() + b"%x\r\n%s\r\n" % (len(line), line))
    time.sleep(0.1)
    connection.send(b"no chunk\r\n")
    assert_refused(connection)


def test_a_trailer_is_no_header(site: Site, connection: RawConnection) -> None:
    device = new_id("trailer")
    chunks = chunked([encode(meter_payload(meterId=device))])
    trailers = b"Content-Encoding: gzip\r\nX-Request-Id: forged\r\nHost: other\r\nExpect: 100-continue\r\n"
    connection.send(CHUNKED.encode() + chunks[:-2], trailers + b"\r\n")
    answer = connection.answer()
    assert answer.status == 201
    assert answer.headers["x-request-id"] != "forged"
    assert len(site.stored(device)) == 1
    connection.send(post(new_id("trailer")))
    assert connection.answer().status == 201


@pytest.mark.parametrize(
    ("before", "again"),
    [(b"1\r\n[\r\n0\r\n", b"X-Trailer: " + b"x" * 1000 + b"\r\n"), (b"", b"1;" + b"x" * 100_000 + b"\r\n[\r\n")],
    ids=["trailers", "extensions"],
)
def test_framing_without_end_is_refused_and_costs_no_memory(
    shared_process: ApiProcess, before: bytes, again: bytes
) -> None:
    with raw_connection(shared_process.port) as connection:
        process = psutil.Process(shared_process.process.pid)
        was = process.memory_info().rss
        connection.send(CHUNKED.encode() + before)
        with pytest.raises(OSError):
            for _ in range(100_000):
                connection.send(again)
        assert process.memory_info().rss - was < 20e6


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_redirect_repeats_no_host(site: Site, connection: RawConnection, method: str) -> None:
    path = "/v1/telemetry/" if method == "POST" else "/v1/meters/"
    connection.send(f"{method} {path}?limit=1 HTTP/1.1\r\nHost: stranger.example\r\nContent-Length: 0\r\n\r\n".encode())
    answer = connection.answer(is_head=method == "HEAD")
    assert (answer.status, answer.headers["location"]) == (307, f"{path[:-1]}?limit=1")
