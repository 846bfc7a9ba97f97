"""What a session cannot set for itself: a server that lacks what the product relies on is refused in a sentence."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestration.home.database import database
from tests.conftest import serving
from tests.factories import meter_payload
from tests.integration.ingest_api.site import assert_problem, until
from tests.open_folder import make_open_folder
from warehouse.contract.errors import DatabaseUnfitError
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded import server as embedded
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.postgres.server_fitness import API_WORKER_CONNECTIONS, require_fit
from warehouse.settings import FleetSettings


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of the module's own, whose settings it may change, with a database at head."""
    home = make_open_folder()
    server = EmbeddedPostgres(home)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("fsync", "full_page_writes"):  # or its command line would outrank what a test sets
                patch.delitem(embedded._SETTINGS, name)
            url = server.ensure_running()
        migrate(url)
        with connect(url) as connection:
            make_ahead(connection, datetime.now(UTC), timedelta(days=8), timedelta(hours=2))
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


@pytest.fixture
def url(server: EmbeddedPostgres) -> str:
    """As the product sees it."""
    return server.ensure_running()


@pytest.fixture
def admin(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """As an administrator sees it."""
    with connect(server.upkeep_url()) as connection:
        yield connection


@contextmanager
def _given(admin: psycopg.Connection, do: str, undo: str) -> Iterator[None]:
    admin.execute(do.encode())
    try:
        yield
    finally:
        admin.execute(undo.encode())


@contextmanager
def _server_wide(admin: psycopg.Connection, name: str, value: str) -> Iterator[None]:
    with _given(admin, f"ALTER SYSTEM SET {name} = {value}", f"ALTER SYSTEM RESET {name}"):
        admin.execute("SELECT pg_reload_conf()")
        until(lambda: admin.execute(f"SHOW {name}".encode()).fetchone() == (value,))
        yield
    admin.execute("SELECT pg_reload_conf()")
    until(lambda: admin.execute(f"SHOW {name}".encode()).fetchone() != (value,))


def test_a_good_one_is_taken(url: str) -> None:
    require_fit(url, opens=100)
    with database(FleetSettings(_env_file=None, database_url=url)) as found:
        assert found == url


@pytest.mark.parametrize("name", ["full_page_writes", "fsync"])
def test_what_a_running_server_stops_to_keep_is_said_by_readiness(
    url: str, admin: psycopg.Connection, name: str
) -> None:
    with serving(database_url=url) as api:
        assert api.get("/readyz").status_code == 200
        with _server_wide(admin, name, "off"):
            for path in ("/readyz", "/health"):
                problem = assert_problem(api.get(path), 503, "not_ready")
                assert f"{name} = off" in problem["detail"]
            refused = assert_problem(api.post("/v1/telemetry", json=meter_payload()), 503, "database_unfit")
            assert f"{name} = off" in refused["detail"]
            with (
                pytest.raises(DatabaseUnfitError, match=f"{name} = off"),
                database(FleetSettings(_env_file=None, database_url=url)),
            ):
                pass
        assert api.post("/v1/telemetry", json=meter_payload(meterId=f"after-{name}")).status_code == 201
        assert api.get("/readyz").status_code == 200  # a commit that succeeds speaks louder than one that failed before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("zero_damaged_pages", "on"),
        ("ignore_checksum_failure", "on"),
        ("session_replication_role", "replica"),
        ("track_counts", "off"),
    ],
)
def test_what_only_an_administrator_sets_is_refused(url: str, admin: psycopg.Connection, name: str, value: str) -> None:
    with (
        _given(admin, f"ALTER DATABASE fleetwatt SET {name} TO {value}", f"ALTER DATABASE fleetwatt RESET {name}"),
        pytest.raises(DatabaseUnfitError, match=f"{name} = {value}"),
    ):
        require_fit(url, opens=1)


def test_an_encoding_that_takes_anything_is_refused(url: str, admin: psycopg.Connection) -> None:
    make = "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
    with _given(admin, make, "DROP DATABASE ascii WITH (FORCE)"):
        ascii_url = url.rpartition("/")[0] + "/ascii"
        with pytest.raises(DatabaseUnfitError, match="encoding SQL_ASCII"):
            require_fit(ascii_url, opens=1)


@pytest.mark.parametrize("of", ["ROLE small", "DATABASE fleetwatt"])
def test_fewer_connections_than_are_opened_is_said_with_the_numbers(
    url: str, admin: psycopg.Connection, of: str
) -> None:
    account = make_conninfo(url, user="small", password="small")  # noqa: S106 - made for this test
    with (
        _given(admin, "CREATE ROLE small LOGIN PASSWORD 'small'", "DROP ROLE small"),
        _given(
            admin,
            "GRANT CONNECT ON DATABASE fleetwatt TO small",
            "REVOKE CONNECT ON DATABASE fleetwatt FROM small",
        ),
        _given(admin, f"ALTER {of} CONNECTION LIMIT 12", f"ALTER {of} CONNECTION LIMIT -1"),
    ):
        require_fit(account, opens=12)
        with pytest.raises(DatabaseUnfitError, match=r"12 connections are allowed .* up to 13 are opened"):
            require_fit(account, opens=13)
        with serving(database_url=_as_url(account)) as api:
            problem = assert_problem(api.get("/readyz"), 503, "not_ready")
            assert f"up to {API_WORKER_CONNECTIONS} are opened" in problem["detail"]


def _as_url(account: str) -> str:
    of = conninfo_to_dict(account)
    return f"postgresql://{of['user']}:{of['password']}@{of['host']}:{of['port']}/{of['dbname']}"


def test_a_schema_that_is_not_there_is_said(url: str) -> None:
    with pytest.raises(DatabaseUnfitError, match="no schema nowhere"):
        require_fit(f"{url}?options=-csearch_path%3Dnowhere", opens=1)


def test_tables_are_not_made_a_second_time_beside_those_of_another_schema(url: str, admin: psycopg.Connection) -> None:
    with _given(admin, "CREATE DATABASE moved", "DROP DATABASE moved WITH (FORCE)"):
        moved = url.rpartition("/")[0] + "/moved"
        with connect(make_conninfo(admin.info.dsn, password=admin.info.password, dbname="moved")) as connection:
            connection.execute("CREATE SCHEMA app; GRANT ALL ON SCHEMA app TO PUBLIC")
        in_app = f"{moved}?options=-csearch_path%3Dapp"
        assert migrate(in_app)
        with pytest.raises(DatabaseUnfitError, match=r"in the schema app, .*options=-csearch_path%3Dapp"):
            migrate(moved)
        assert migrate(in_app) == []


def test_who_may_not_make_tables_is_told_so(url: str, admin: psycopg.Connection) -> None:
    account = make_conninfo(url, user="guest", password="guest", dbname="postgres")  # noqa: S106 - made for this test
    with (
        _given(admin, "CREATE ROLE guest LOGIN PASSWORD 'guest'", "DROP ROLE guest"),
        pytest.raises(DatabaseUnfitError, match="permission denied for schema public"),
    ):
        migrate(account)
