"""More connections than there is room for: the others are served, and whoever asks whether we live is told."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psutil
import pytest

from ingest_api.server import descriptors
from tests.factories import meter_payload
from tests.integration.ingest_api.api_process import ApiProcess, api_process
from tests.integration.ingest_api.raw_connection import RawConnection, raw_connection, request_headers
from tests.integration.ingest_api.site import JSON, encode, new_id
from tests.no_tls import NO_TLS

OPEN_FILES = 300
MOST = OPEN_FILES - descriptors.RESERVED
ATTACKERS = 600
ELSEWHERE = "127.0.0.2"
CLOSED_FOR_ANOTHER = 'fleet_unwelcome_connections_total{outcome="closed_for_another"}'
HALF_OPEN = {
    "nothing": b"",
    "half of its headers": b"POST /v1/telemetry HTTP/1.1\r\nHost: fleetwatt\r\nX-Slow: ",
}
BODY_THAT_STALLS = request_headers("POST", "/v1/telemetry", f"Content-Type: {JSON}", "Content-Length: 100000") + b"["

pytestmark = pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 4 * ATTACKERS, reason="this process may not open enough itself"
)


@pytest.fixture(scope="module")
def shared_api(shared_database_url: str) -> Iterator[ApiProcess]:
    with api_process(shared_database_url, open_files=OPEN_FILES) as api:
        yield api


@pytest.fixture
def api(shared_api: ApiProcess) -> ApiProcess:
    """It has seen the last of the connections of the test before."""
    deadline = time.monotonic() + 60
    while metric(metrics(shared_api), "fleet_connections ") > 1:  # the one that asks
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return shared_api


def metrics(api: ApiProcess) -> str:
    return httpx.get(f"{api.url}/metrics", verify=NO_TLS).text


def post(device: str) -> bytes:
    body = encode(meter_payload(meterId=device))
    return request_headers("POST", "/v1/telemetry", f"Content-Type: {JSON}", f"Content-Length: {len(body)}") + body


@contextmanager
def attacked(api: ApiProcess, begin: bytes, source: str, number: int = ATTACKERS) -> Iterator[list[socket.socket]]:
    """So many connections that begin a request and do not end it."""
    with ExitStack() as stack:
        attackers = []
        for _ in range(number):
            attacker = stack.enter_context(raw_connection(api.port, source)).socket
            attackers.append(attacker)
            try:
                attacker.sendall(begin)
            except OSError:  # turned away already
                continue
        yield attackers


def answered(connection: RawConnection, request: bytes) -> int:
    connection.send(request)
    return connection.answer().status


def metric(text: str, name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


@pytest.mark.parametrize("source", ["127.0.0.1", ELSEWHERE])
@pytest.mark.parametrize("name", HALF_OPEN)
def test_half_open_connections_make_room_for_those_that_bring_requests(api: ApiProcess, name: str, source: str) -> None:
    with raw_connection(api.port) as before:
        assert answered(before, post(new_id("before"))) == 201
        closed = metric(metrics(api), CLOSED_FOR_ANOTHER)
        with attacked(api, HALF_OPEN[name], source):
            for _ in range(50):
                with raw_connection(api.port) as healthy:
                    assert answered(healthy, post(new_id("beside"))) == 201
                    assert answered(healthy, request_headers("GET", "/livez")) == 200
            assert answered(before, post(new_id("before"))) == 201
            told = metrics(api)
    assert metric(told, "fleet_connections ") <= MOST
    assert metric(told, CLOSED_FOR_ANOTHER) - closed >= ATTACKERS - MOST
    assert psutil.Process(api.process.pid).is_running()


def test_bodies_that_stall_do_not_keep_other_clients_out(api: ApiProcess) -> None:
    with attacked(api, BODY_THAT_STALLS, ELSEWHERE):
        for _ in range(50):
            with raw_connection(api.port) as healthy:
                assert answered(healthy, post(new_id("beside"))) == 201


def test_who_is_over_its_share_is_told_to_come_back_and_may_ask_whether_we_live(api: ApiProcess) -> None:
    with attacked(api, BODY_THAT_STALLS, "127.0.0.1"):
        with raw_connection(api.port) as turned_away:
            turned_away.send(post(new_id("beside")))
            answer = turned_away.answer()
            assert (answer.status, answer.headers["connection"]) == (503, "close")
            assert b'"code":"overloaded"' in answer.body
            assert int(answer.headers["retry-after"]) > 0
        for path in ("/livez", "/health", "/readyz", "/metrics"):
            with raw_connection(api.port) as probe:
                assert answered(probe, request_headers("GET", path)) == 200
        deadline = time.monotonic() + 30
        while True:  # a body that has stalled for some seconds makes room
            with raw_connection(api.port) as healthy:
                if answered(healthy, post(new_id("beside"))) == 201:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_many_busy_connections_are_served(api: ApiProcess) -> None:
    """A gateway with as many connections as one client may have."""
    with ExitStack() as stack:
        gateway = [stack.enter_context(raw_connection(api.port)) for _ in range(MOST // 2)]
        for _ in range(3):
            for connection in gateway:
                connection.send(post(new_id("gateway")))
            assert {connection.answer().status for connection in gateway} == {201}


def test_the_limit_of_open_files_is_raised_at_start(shared_api: ApiProcess) -> None:
    assert psutil.Process(shared_api.process.pid).rlimit(psutil.RLIMIT_NOFILE) == (OPEN_FILES, OPEN_FILES)
