"""What the tests stand on: one real PostgreSQL server a run, one database a test, the API over real HTTP.

``FLEET_TEST_DATABASE_URL`` names another server to test against (PostgreSQL 15 to 18, a role that may create
databases); without it the embedded one is started in a folder of its own. What is tested works as the embedded server's
ordinary role; it may make databases here, where each test needs one.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
import uvicorn
from hypothesis import HealthCheck, settings
from psycopg.sql import SQL, Identifier, Literal

from ingest_api.app import create_app
from ingest_api.server.uvicorn_internals import protocol_of
from ingest_api.settings import ApiSettings
from tests.dropped_database import drop_database
from tests.no_tls import NO_TLS
from tests.open_folder import IN_MEMORY, open_folder
from warehouse.contract import redaction
from warehouse.contract.database_roles import APART, Role
from warehouse.postgres import connection as connection_module
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.cluster import ROLE
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.postgres.roles.settling import can_be_apart, settle_roles

MakeApi = Callable[..., httpx.Client]
CLONED_BY = "file_copy" if IN_MEMORY and "FLEET_TEST_DATABASE_URL" not in os.environ else "wal_log"
"""On a disk, copied files must be synced one by one; in memory that costs nothing, and the log need not take them."""

# How long an example takes says how busy the machine is. Examples are the same in each run, so that a change fails by
# what it changed; `--hypothesis-profile=random` tries others.
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fleetwatt", settings.get_profile("random"), derandomize=True)
settings.load_profile("fleetwatt")

# A script's shell has what it starts in the background ignore Ctrl-C, and nohup the end of the terminal. Processes of
# tests would inherit that, and SIGTERM too, which Dagster gives whatever SIGINT has.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse cases whose order or names differ from process to process, which ends a run in several: sets have none."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        cases = mark.args[1] if len(mark.args) > 1 else mark.kwargs["argvalues"]
        rows = [each if isinstance(each, tuple) else (each,) for each in cases] if isinstance(cases, list) else []
        named = mark.kwargs.get("ids") in (str, repr) and [value for row in rows for value in row]
        if isinstance(cases, set | frozenset) or any(
            isinstance(value, set | frozenset) and len(value) > 1 for value in named or ()
        ):
            pytest.fail(f"{metafunc.definition.nodeid} is parametrized by a set: sort it", pytrace=False)


@pytest.fixture(autouse=True, scope="session")
def _a_busy_server_is_waited_for() -> Iterator[None]:
    """Beside much other work the server may take longer to answer than a user should wait."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connection_module, "CONNECT_TIMEOUT_S", 60)
        yield


@pytest.fixture(autouse=True)
def _secrets_of_other_tests_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test calls a secret may be an ordinary text of another, which would read ``***`` there."""
    monkeypatch.setattr(redaction, "_known", dict(redaction._known))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own FLEET_* settings and .env must not decide a test, nor how wide the terminal of the tests is."""
    monkeypatch.delenv("COLUMNS", raising=False)
    for name in [name for name in os.environ if name.startswith("FLEET_") and name != "FLEET_TEST_DATABASE_URL"]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _process_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that root starts may begin again in the place of its process, which here is that of the tests."""

    def refuse(path: str, *_: object) -> None:
        raise AssertionError(f"{path} would take the place of this process; start the command in a process of its own")

    monkeypatch.setattr(os, "execve", refuse)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server, as the owner of the databases, as an administrator, and as the roles that own nothing."""

    url: str
    admin_url: str
    apart: Mapping[Role, str]

    def address(self, role: Role, database_url: str) -> str:
        """By which a role finds the database of this address."""
        if role not in self.apart:
            pytest.skip(f"this server cannot have the role {role}")
        return _named(self.apart[role], urlsplit(database_url).path.removeprefix("/"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server for the whole run."""
    given = os.environ.get("FLEET_TEST_DATABASE_URL")
    if given:
        yield Server(given, given, _apart_in(given))
        return
    with open_folder("fleetwatt-tests-") as home:
        server = EmbeddedPostgres(home)
        try:
            url = server.ensure_running()
            with connect(server.upkeep_url()) as admin:
                # The same password, hashed once: 4,096 rounds cost each of a test's many connections 4 ms of our CPU.
                admin.execute("SET scram_iterations TO 1")
                admin.execute(SQL("ALTER ROLE {} CREATEDB").format(Identifier(ROLE)))
                apart = {role: server.running_url(role) or "" for role in APART}
                for role, address in ((Role.OWNER, url), *apart.items()):
                    change = SQL("ALTER ROLE {} PASSWORD {}")
                    admin.execute(change.format(Identifier(role), Literal(urlsplit(address).password)))
            yield Server(url, server.upkeep_url(), apart)
        finally:
            server.stop()


@pytest.fixture(scope="session")
def server_url(postgres_server: Server) -> str:
    """The server as the product's role sees it."""
    return postgres_server.url


@pytest.fixture(scope="session")
def admin_url(postgres_server: Server) -> str:
    """The server as an administrator sees it: for what the product must not do."""
    return postgres_server.admin_url


@pytest.fixture(scope="session")
def template(postgres_server: Server, server_url: str) -> Iterator[str]:
    """A migrated database with its partitions and roles, to be cloned: 60 ms instead of a second."""
    name = f"template_{os.getpid()}"
    with connect(server_url) as admin:
        admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        url = _named(server_url, name)
        migrate(url)
        settle_roles(url, {role: _named(address, name) for role, address in postgres_server.apart.items()})
        with connect(url) as connection:
            make_ahead(connection, datetime.now(UTC), timedelta(days=9), timedelta(hours=2))
        yield name
        drop_database(admin, name)


_numbers = count(1)


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh database at head, with partitions for nine days back and two weeks ahead."""
    with fresh_database(server_url, template) as url:
        yield url


@contextmanager
def fresh_database(server_url: str, template: str) -> Iterator[str]:
    """A clone of the template, dropped at the end."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with connect(server_url) as admin:
        clone = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}")
        admin.execute(clone.format(Identifier(name), Identifier(template), Identifier(CLONED_BY)))
        try:
            yield _named(server_url, name)
        finally:
            drop_database(admin, name)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection (in autocommit) to this test's database."""
    with connect(database_url) as connection:
        yield connection


@pytest.fixture
def as_role(postgres_server: Server, database_url: str) -> Callable[[Role], str]:
    """The address of this test's database for one of the roles that own nothing."""
    return lambda role: postgres_server.address(role, database_url)


@pytest.fixture
def make_api(database_url: str, as_role: Callable[[Role], str]) -> Iterator[MakeApi]:
    """Start the API on this test's database, as the roles it works as, with other settings; returns a client of it."""
    apart = {"ingest_url": as_role(Role.INGEST), "read_dsn": as_role(Role.READ)}
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(**{"database_url": database_url, **apart, **settings}))


@pytest.fixture
def api(make_api: MakeApi) -> httpx.Client:
    """A client of the API on this test's database."""
    return make_api()


@contextmanager
def serving(**settings: object) -> Iterator[httpx.Client]:
    """The API on a real port and the loop of production, in a thread, until the end of the block."""
    read = ApiSettings(_env_file=None, **settings)  # type: ignore[arg-type]
    app, protocol = create_app(read), protocol_of(fast_path=read.fast_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(app, loop="uvloop", http=protocol, log_level="warning", ws="none", proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the API did not start"
                time.sleep(0.005)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, verify=NO_TLS) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def _apart_in(url: str) -> dict[Role, str]:
    """The addresses of roles that own nothing in somebody's server; the template's making makes them."""
    with connect(url) as connection:
        of_use = [role for role in APART if can_be_apart(role, connection.info.server_version)]
    where = urlsplit(url)
    at = where.netloc.rpartition("@")[2]
    return {role: urlunsplit(where._replace(netloc=f"{role}:of-the-tests@{at}")) for role in of_use}


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
