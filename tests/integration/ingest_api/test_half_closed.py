"""A client that sends its requests and then ends its half of the connection: it is told what became of each."""

import socket
from collections.abc import Iterator

import pytest

from tests.factories import meter_payload
from tests.integration.ingest_api.raw_connection import RawConnection, raw_connection, request_headers
from tests.integration.ingest_api.site import JSON, NDJSON, Site, encode, new_id

LIVEZ = request_headers("GET", "/livez")


@pytest.fixture
def connection(site: Site) -> Iterator[RawConnection]:
    with raw_connection(site.client.base_url.port or 0) as connection:
        yield connection


def post(*devices: str, media_type: str = JSON) -> bytes:
    body = b"\n".join(encode(meter_payload(meterId=device)) for device in devices)
    return (
        request_headers("POST", "/v1/telemetry", f"Content-Type: {media_type}", f"Content-Length: {len(body)}") + body
    )


def statuses(connection: RawConnection, *pieces: bytes) -> list[int]:
    """Of all answers until the connection ends."""
    connection.send(*pieces)
    connection.socket.shutdown(socket.SHUT_WR)
    return [answer.status for answer in connection.answers()]


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_reading_is_answered(site: Site, connection: RawConnection, pieces: int) -> None:
    device = new_id("half")
    request = post(device)
    assert statuses(connection, *([request] if pieces == 1 else [request[:30], request[30:]])) == [201]
    assert site.is_registered(device)


def test_a_stream_is_answered(connection: RawConnection) -> None:
    assert statuses(connection, post(*(new_id("half") for _ in range(2000)), media_type=NDJSON)) == [200]


def test_a_question_is_answered(connection: RawConnection) -> None:
    assert statuses(connection, request_headers("GET", "/v1/meters")) == [200]


def test_each_of_many_requests_is_answered(connection: RawConnection) -> None:
    requests = [post(new_id("half")) for _ in range(150)]
    assert statuses(connection, b"".join([*requests, LIVEZ])) == [201] * 150 + [200]


def test_garbage_behind_a_request_is_answered_too(connection: RawConnection) -> None:
    assert statuses(connection, post(new_id("half")) + b"garbage\r\n\r\n") == [201, 400]


@pytest.mark.parametrize("missing", [1, 60, 250])
def test_a_request_that_is_not_whole_is_not_stored(site: Site, connection: RawConnection, missing: int) -> None:
    device = new_id("half")
    assert statuses(connection, post(device)[:-missing]) == []
    assert not site.is_registered(device)


def test_whoever_has_nothing_to_be_told_is_let_go(connection: RawConnection) -> None:
    connection.send(LIVEZ)
    assert connection.answer().status == 200
    assert statuses(connection) == []
