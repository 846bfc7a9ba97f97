"""A database that is frozen, not gone: it takes every connection and answers nothing. Everything here waits for 2 s."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta

import httpx
import psutil
import pytest

from tests.conftest import serving
from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.api_process import ApiProcess, api_process
from tests.integration.ingest_api.site import assert_problem, until
from tests.open_folder import make_open_folder
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead

pytestmark = pytest.mark.usefixtures("prompt")

PATIENCE_S = 5.0
"""When a client here gives up: 2 s are promised, the rest is for a busy machine. The database is frozen for longer."""

BEGINNING = now_s()


class FreezableServer:
    """A PostgreSQL server that no other test uses."""

    def __init__(self, url: str, postmaster_pid: int) -> None:
        self.url = url
        self._postmaster = psutil.Process(postmaster_pid)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All its processes are suspended."""
        processes = [self._postmaster, *self._postmaster.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # a worker of autovacuum that was just done
                process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()


@pytest.fixture(scope="module")
def server() -> Iterator[FreezableServer]:
    home = make_open_folder()
    embedded = EmbeddedPostgres(home)
    try:
        url = embedded.ensure_running()
        migrate(url)
        with connect(url) as connection:
            make_ahead(connection, datetime.now(UTC), timedelta(days=9), timedelta(hours=2))
        pid = int((embedded.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        yield FreezableServer(url, pid)
    finally:
        embedded.stop()
        shutil.rmtree(home)


@pytest.fixture
def client(server: FreezableServer) -> Iterator[httpx.Client]:
    with serving(database_url=server.url) as api:
        limits = httpx.Limits(max_connections=None)
        with httpx.Client(base_url=api.base_url, timeout=PATIENCE_S, limits=limits) as client:
            yield client


def reading(number: int) -> dict[str, object]:
    return meter_payload(timestamp=iso(BEGINNING - timedelta(seconds=number)))


def test_everything_is_answered_in_time_and_recovers_when_the_database_does(
    server: FreezableServer, client: httpx.Client
) -> None:
    def ask(path: str) -> httpx.Response:
        return client.get(path)

    def post(number: int) -> httpx.Response:
        return client.post("/v1/telemetry", json=reading(number))

    assert post(0).status_code == 201
    questions = ["/v1/meters", "/v1/meters/meter-1", "/v1/mappings", "/v1/analytics/performance/veh-1", "/readyz"]
    assert [ask(path).status_code for path in questions] == [200, 200, 200, 404, 200]
    with ThreadPoolExecutor(20) as pool, server.frozen():
        answers = [*pool.map(post, range(1, 11)), *pool.map(ask, questions * 4)]
        assert {answer.status_code for answer in answers} == {503}
        assert all(1 <= int(answer.headers["retry-after"]) <= 5 for answer in answers)
        for number in range(1, 50):  # it is known to be frozen: none of these waits
            assert_problem(post(number), 503, "database_unavailable")
        assert ask("/livez").status_code == 200
    until(lambda: post(0).status_code == 200)
    until(lambda: ask("/readyz").status_code == 200)
    assert {post(number).status_code for number in range(11)} <= {200, 201}
    assert [ask(path).status_code for path in questions[:3]] == [200, 200, 200]
    with connect(server.url) as connection:
        assert connection.execute("SELECT count(*) FROM meter_readings").fetchone() == (11,)


@pytest.mark.long
def test_it_stops_although_the_database_is_frozen(server: FreezableServer) -> None:
    """Alone and as several workers: both wait at the same time."""
    with ExitStack() as stack:
        apis = [stack.enter_context(api_process(server.url, workers=workers)) for workers in (1, 2)]
        clients = [stack.enter_context(httpx.Client(base_url=api.url, timeout=PATIENCE_S)) for api in apis]
        assert [client.get("/v1/meters").status_code for client in clients] == [200, 200]
        with ThreadPoolExecutor(4) as pool, server.frozen():
            questions = [pool.submit(client.get, "/v1/meters") for client in clients]
            readings = [pool.submit(client.post, "/v1/telemetry", json=reading(0)) for client in clients]
            assert [each.result().status_code for each in [*questions, *readings]] == [503] * 4
            assert list(pool.map(ApiProcess.stop, apis)) == [0, 0]


@pytest.mark.long
def test_the_writer_reconnects_by_itself_where_connecting_hangs(server: FreezableServer) -> None:
    with server.frozen(), serving(database_url=server.url) as client:
        for number in range(20):
            assert_problem(client.post("/v1/telemetry", json=reading(number)), 503, "database_unavailable")
        assert client.get("/livez").status_code == 200
