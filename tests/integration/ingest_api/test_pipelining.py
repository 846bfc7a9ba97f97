"""Requests that are sent without waiting for answers: all are answered, in their order, and few are held at a time."""

import random
import threading
from collections.abc import Iterator
from datetime import timedelta

import httpx
import psutil
import pytest

from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.api_process import ApiProcess
from tests.integration.ingest_api.raw_connection import RawConnection, chunked, raw_connection, request_headers
from tests.integration.ingest_api.site import JSON, NDJSON, Site, encode, new_id

SMALLEST = b"GET /livez HTTP/1.1\r\nHost:a\r\n\r\n"


@pytest.fixture
def connection(site: Site) -> Iterator[RawConnection]:
    with raw_connection(site.client.base_url.port or 0) as connection:
        yield connection


def sent_in_background(connection: RawConnection, *pieces: bytes) -> threading.Thread:
    thread = threading.Thread(target=connection.send, args=pieces)
    thread.start()
    return thread


def test_thousands_are_answered(connection: RawConnection) -> None:
    sender = sent_in_background(connection, SMALLEST * 2_000)
    for _ in range(2_000):
        assert connection.answer().status == 200
    sender.join()


@pytest.mark.parametrize("seed", range(2))
def test_each_has_its_own_answer_however_they_are_cut(site: Site, connection: RawConnection, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's data, not a secret
    device, start = new_id("pipelined"), now_s() - timedelta(hours=2)
    requests, expected, readings = [], [], 0
    for number in range(400):
        body = encode(meter_payload(meterId=device, timestamp=iso(start + timedelta(seconds=number))))
        kind = chance.randrange(5)
        if kind == 0:
            requests.append(
                request_headers("POST", "/v1/telemetry", f"Content-Type: {NDJSON}", "Transfer-Encoding: chunked")
            )
            requests.append(chunked([body[:50], body[50:]]))
        elif kind == 1:
            requests.append(request_headers("GET", "/livez"))
        elif kind == 2:
            requests.append(
                request_headers("POST", "/v1/telemetry", "Content-Type: text/plain", "Content-Length: 9") + b"x" * 9
            )
        elif kind == 3:
            padded = body.rjust(chance.randrange(1000, 100_000))
            length = f"Content-Length: {len(padded)}"
            requests.append(request_headers("POST", "/v1/telemetry", f"Content-Type: {JSON}", length) + padded)
        else:
            length = f"Content-Length: {len(body)}"
            requests.append(request_headers("POST", "/v1/telemetry", f"Content-Type: {JSON}", length) + body)
        expected.append([200, 200, 415, 201, 201][kind])
        readings += kind not in (1, 2)
    sent, pieces = b"".join(requests), []
    while sent:
        size = chance.choice([1, 100, 8192, 70_000, 300_000])
        pieces.append(sent[:size])
        sent = sent[size:]
    sender = sent_in_background(connection, *pieces)
    assert [connection.answer().status for _ in expected] == expected
    sender.join()
    assert len(site.stored(device)) == readings


@pytest.mark.parametrize("takes_answers", [True, False])
def test_one_that_sends_without_end_takes_no_memory_and_keeps_nobody_waiting(
    shared_process: ApiProcess, *, takes_answers: bool
) -> None:
    process = psutil.Process(shared_process.process.pid)
    with raw_connection(shared_process.port) as flood:
        assert httpx.get(f"{shared_process.url}/livez").status_code == 200
        before = process.memory_info().rss
        is_over = threading.Event()

        def send() -> None:
            flood.socket.settimeout(0.2)
            while not is_over.is_set():
                try:
                    flood.socket.sendall(SMALLEST * 10_000)
                except OSError:
                    continue

        def take() -> None:
            while takes_answers and not is_over.is_set():
                try:
                    flood.socket.recv(1_000_000)
                except OSError:
                    continue

        threads = [threading.Thread(target=each) for each in (send, take)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(15):
                assert httpx.get(f"{shared_process.url}/livez", timeout=5).status_code == 200
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        assert process.memory_info().rss - before < 40e6
