"""The database goes away and comes back while the API runs: 503 while it is away, and then on as if nothing was."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import count
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.conftest import serving
from tests.factories import iso, meter_payload, now_s
from tests.integration.ingest_api.site import assert_problem
from warehouse.postgres.connection import connect


class DatabaseSwitch:
    """Takes this test's database away from everyone, and gives it back."""

    def __init__(self, admin: psycopg.Connection, name: str) -> None:
        self._admin = admin
        self._name = name

    def kill_connections(self) -> None:
        """What a crash of the server, a failover or an administrator does."""
        self._admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = %s AND backend_type = 'client backend'",  # not the server's own that vacuums there
            [self._name],
        )

    def alter(self, change: str) -> None:
        self._admin.execute(f"ALTER DATABASE {self._name} {change}".encode())

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody can connect, and nobody is connected."""
        self.alter("ALLOW_CONNECTIONS false")
        self.kill_connections()
        try:
            yield
        finally:
            self.alter("ALLOW_CONNECTIONS true")


@pytest.fixture(scope="module")
def switch(server_url: str, shared_database_url: str) -> Iterator[DatabaseSwitch]:
    with connect(server_url) as admin:
        yield DatabaseSwitch(admin, urlsplit(shared_database_url).path[1:])


@pytest.fixture(scope="module")
def api(shared_database_url: str) -> Iterator[httpx.Client]:
    """One API for all of this: if it did not recover from one test, the next one would tell."""
    with serving(database_url=shared_database_url) as client:
        yield client


_BEGINNING = now_s()
_ago = count(1)


def new_reading() -> dict[str, object]:
    return meter_payload(timestamp=iso(_BEGINNING - timedelta(seconds=next(_ago))))


def post(api: httpx.Client, payload: object) -> httpx.Response:
    return api.post("/v1/telemetry", json=payload)


def assert_unavailable(answer: httpx.Response, code: str = "database_unavailable") -> None:
    problem = assert_problem(answer, 503, code)
    assert int(answer.headers["retry-after"]) > 0
    assert "127.0.0.1" not in problem["detail"]  # where the database lives is nobody's business


def test_after_its_connections_are_killed_the_api_answers_503_at_most_once(
    api: httpx.Client, switch: DatabaseSwitch, shared_database_url: str
) -> None:
    assert post(api, new_reading()).status_code == 201
    assert api.get("/v1/meters").status_code == 200
    for _ in range(3):
        switch.kill_connections()
        reading = new_reading()
        first = post(api, reading)
        if first.status_code != 201:
            assert_unavailable(first)
        assert post(api, reading).status_code in (200, 201)  # sending it again is always safe
        assert post(api, [new_reading(), new_reading()]).json()["accepted"] == 2
    switch.kill_connections()
    for path in ("/v1/meters", "/v1/mappings", "/readyz", "/health"):  # the pool looks before it hands one out
        assert api.get(path).status_code == 200
    with connect(shared_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM meter_readings").fetchone() == (10,)


def test_a_writer_whose_idle_connection_was_cut_makes_a_new_one_and_no_request_notices(
    api: httpx.Client, switch: DatabaseSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest_api.commit.commit_writer._IDLE_S", 0)
    for _ in range(5):
        assert post(api, new_reading()).status_code == 201
        switch.kill_connections()


def test_writers_whose_connections_were_never_idle_cost_one_request_an_error_together(
    api: httpx.Client, switch: DatabaseSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load no connection is checked before it is used."""
    monkeypatch.setattr("ingest_api.commit.commit_writer._IDLE_S", 0)
    for _ in range(4):
        assert post(api, new_reading()).status_code == 201
    monkeypatch.setattr("ingest_api.commit.commit_writer._IDLE_S", float("inf"))
    switch.kill_connections()
    assert [post(api, new_reading()).status_code for _ in range(4)] == [503, 201, 201, 201]


@pytest.mark.usefixtures("prompt")
def test_while_the_database_is_away_all_but_livez_answer_503_and_then_all_is_well(
    api: httpx.Client, switch: DatabaseSwitch
) -> None:
    post(api, new_reading())
    readings = [new_reading() for _ in range(4)]
    with switch.away():
        for reading in readings:
            assert_unavailable(post(api, reading))
        assert_unavailable(post(api, ["bad"]))  # what is refused must be kept, so it needs the database too
        lines = {"content-type": "application/x-ndjson"}
        assert_unavailable(api.post("/v1/telemetry", content=b'{"bad":1}', headers=lines))
        assert api.get("/livez").json() == {"status": "ok"}
        assert_unavailable(api.get("/readyz"), "not_ready")
        assert_unavailable(api.get("/v1/meters/meter-1"))
    assert [post(api, reading).status_code for reading in readings] == [201] * 4
    assert api.get("/v1/meters/meter-1").status_code == 200
    assert api.get("/readyz").json() == {"status": "ok"}


@pytest.mark.usefixtures("prompt")
def test_the_first_question_after_a_long_absence_is_answered(api: httpx.Client, switch: DatabaseSwitch) -> None:
    """The pool must not sleep through the return: with its own settings it tries at 0, 1, 3, 7, 15... seconds."""
    assert api.get("/v1/meters").status_code == 200
    with switch.away():
        for _ in range(2):
            assert_unavailable(api.get("/v1/meters"))
    assert api.get("/v1/meters").status_code == 200


@pytest.mark.usefixtures("prompt")
def test_an_api_that_starts_without_its_database_serves_when_it_comes(
    switch: DatabaseSwitch, shared_database_url: str
) -> None:
    with ExitStack() as stack:
        with switch.away():
            api = stack.enter_context(serving(database_url=shared_database_url))
            assert api.get("/livez").status_code == 200
            assert_unavailable(post(api, new_reading()))
            assert_unavailable(api.get("/readyz"), "not_ready")
        assert post(api, new_reading()).status_code == 201
        assert api.get("/v1/meters").status_code == 200
        assert api.get("/readyz").status_code == 200
