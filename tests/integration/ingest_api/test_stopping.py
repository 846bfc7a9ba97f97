"""The API as processes: how they start, and that a stop loses nothing accepted and waits for nobody slow."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.api_process import COMMAND, ROOT, ApiProcess, api_process, environment
from tests.integration.ingest_api.site import NDJSON, encode, until_someone_waits_for_a_lock
from tests.integration.ingest_api.slow_request import slow_request
from tests.workers import serves

BEGINNING = now_s()
PATIENCE_S = 120.0
"""An upper bound for waits on a busy machine; nothing is asserted to be quicker."""
HEADERS = (
    b"POST /v1/telemetry HTTP/1.1\r\nHost: fleetwatt\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n"
)


def reading(number: int, device: str = "meter-1") -> bytes:
    return encode(meter_payload(meterId=device, timestamp=iso(BEGINNING - timedelta(seconds=number))))


class AcceptedRequest:
    """A request of which the server has said that it shall go on."""

    def __init__(self, connection: socket.socket, body: bytes) -> None:
        self._connection = connection
        self._body = body
        connection.sendall(HEADERS % len(body))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"

    def send_body(self) -> None:
        self._connection.sendall(self._body)

    def status(self) -> int:
        return int(self._connection.recv(65536).split()[1])


@contextmanager
def accepted_request(api: ApiProcess, body: bytes) -> Iterator[AcceptedRequest]:
    with api.connect() as connection:
        yield AcceptedRequest(connection, body)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_at_a_stop_what_was_accepted_is_answered_and_nobody_slow_is_waited_for(
    database_url: str, connection: psycopg.Connection, workers: int
) -> None:
    with api_process(database_url, workers=workers) as api, ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(api.connect())  # idle
        accepted = [stack.enter_context(accepted_request(api, reading(number))) for number in range(10)]
        with (
            slow_request(api.port) as slow,
            slow_request(api.port, media_type=NDJSON) as stream,
            socket.create_connection(("127.0.0.1", api.port)) as begun,
        ):
            slow.send(b'{"meterId":')
            stream.send(b"\n")
            begun.sendall(b"POST /v1/tele")
            with psycopg.connect(database_url) as blocker:
                blocker.execute("LOCK TABLE meter_latest")
                for request in accepted:
                    request.send_body()
                until_someone_waits_for_a_lock(connection)
                api.process.send_signal(signal.SIGTERM)
            assert [request.status() for request in accepted] == [201] * 10
            for incomplete in (slow, stream):
                response, problem = incomplete.answer()
                assert (response.status, problem["code"]) == (503, "shutting_down")
                assert 1 <= int(response.headers["Retry-After"]) <= 5
        assert api.process.wait(PATIENCE_S) == 0
        with pytest.raises(OSError, match=r"refused|reset"):
            api.connect()
    assert connection.execute("SELECT count(*) FROM meter_readings").fetchone() == (10,)


def test_a_stop_is_told_to_who_asks_before_it_has_started(database_url: str) -> None:
    process = subprocess.Popen(COMMAND, env=environment(database_url, 1))
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) in (0, -signal.SIGTERM)


def test_several_workers_share_the_port_and_know_each_others_devices(
    database_url: str, connection: psycopg.Connection
) -> None:
    headers = {"Content-Type": "application/json", "Connection": "close"}  # each on a connection of its own
    with api_process(database_url, workers=2) as api, httpx.Client(base_url=api.url, headers=headers) as client:

        def status(body: bytes) -> int:
            return client.post("/v1/telemetry", content=body, timeout=30).status_code

        devices = [f"meter-{number}" for number in range(20)]
        bodies = [reading(number, device) for number in range(8) for device in devices]
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(status, bodies)) == {201}
        assert api.stop() == 0
    assert connection.execute("SELECT count(*), count(DISTINCT meter_id) FROM meter_readings").fetchone() == (160, 20)
    assert connection.execute("SELECT count(*) FROM meters").fetchone() == (20,)


def workers_of(parent: int) -> set[psutil.Process]:
    return {child for child in psutil.Process(parent).children(recursive=True) if serves(child)}


def test_a_worker_that_dies_while_its_parent_waits_for_it_is_replaced_and_all_end_with_a_parent_that_was_killed(
    database_url: str,
) -> None:
    with api_process(database_url, workers=2) as api:
        dying = workers_of(api.process.pid).pop()
        dying.suspend()
        time.sleep(1)  # the parent asks twice a second, and now waits for this worker
        dying.kill()
        deadline = time.monotonic() + PATIENCE_S
        while len(workers_of(api.process.pid)) < 2:
            assert time.monotonic() < deadline, "nobody took its place"
            time.sleep(0.1)
        workers = psutil.Process(api.process.pid).children(recursive=True)
        assert len(workers) >= 2
        api.process.kill()
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
        assert alive == []


def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path) -> None:
    """As the whole process says it; ``tests/unit/ingest_api/test_main.py`` has other settings."""
    env = environment("postgresql://fleet:s3cret@127.0.0.1:1/x", 1, max_held_bytes="1MiB")
    env["PYTHONPATH"] = str(ROOT)
    run = subprocess.run(COMMAND, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    (line,) = run.stderr.splitlines()
    assert line.startswith("FLEET_MAX_HELD_BYTES: ")
    assert "less than one body" in line
    assert "s3cret" not in line
