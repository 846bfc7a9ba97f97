"""PgBouncer before the server: in session mode all works as without it, in the others it is refused in a sentence."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from orchestration.dagster_runtime.own_database import make_database
from tests.conftest import fresh_database, serving
from tests.factories import meter_payload
from tests.integration.ingest_api.site import assert_problem, until
from tests.integration.postgres import round_trip
from tests.integration.postgres.round_trip import ask_api, dropped_afterwards
from tests.integration.postgres.test_session_settings import HOSTILE, KINDS
from tests.ports import free_port
from warehouse.contract.errors import DatabaseUnfitError
from warehouse.postgres.connection import connect
from warehouse.postgres.server_fitness import require_fit
from warehouse.postgres.session import RELIED_ON

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed here")

Bouncer = Callable[..., str]


@pytest.fixture
def bounced(database_url: str) -> Iterator[Bouncer]:
    """Begin a PgBouncer before this test's server; returns the address of this test's database through it."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(_bouncer(database_url, settings))


@contextmanager
def _bouncer(url: str, settings: dict[str, str]) -> Iterator[str]:
    server = conninfo_to_dict(url)
    folder = Path(tempfile.mkdtemp(prefix="fleetwatt-pgbouncer-"))
    port = free_port()
    to = " ".join(f"{name}={server[name]}" for name in ("host", "port", "user", "password"))
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        "default_pool_size": "30",
        **settings,
    }
    file = folder / "pgbouncer.ini"
    file.write_text(f"[databases]\n* = {to}\n[pgbouncer]\n" + "".join(f"{k} = {v}\n" for k, v in lines.items()))
    account = _account(folder)
    process = subprocess.Popen([str(PROGRAM), "-q", file], user=account, stderr=subprocess.DEVNULL)
    through = f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}"
    try:
        until(lambda: _answers(through, process))
        yield through
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder)


def _account(folder: Path) -> int | None:
    """PgBouncer does not run as root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody").pw_uid
    for path in (folder, *folder.iterdir()):
        os.chown(path, nobody, -1)
    return nobody


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "pgbouncer has ended"
    try:
        psycopg.connect(url, connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize("ignored", ["", "options"])
def test_all_works_in_session_mode_with_start_up_options_refused_or_ignored(
    bounced: Bouncer, server_url: str, template: str, tmp_path: Path, ignored: str
) -> None:
    through = bounced(pool_mode="session", ignore_startup_parameters=f"extra_float_digits,{ignored}")
    require_fit(through, opens=20)
    with fresh_database(server_url, template) as undisturbed:
        expected = ask_api(undisturbed)
    assert ask_api(through) == expected
    assert round_trip.run_jobs(through, tmp_path)["exported"] == [49, 48]
    name = f"dagster_through_{template}"
    with dropped_afterwards(server_url, [name]):
        make_database(through, name)
        assert round_trip.use_dagster(through, name, tmp_path) == {"metadata": 'a\\b "c" ä'}


@pytest.mark.parametrize("kind", KINDS)
def test_sessions_through_it_have_what_they_rely_on(bounced: Bouncer, database_url: str, kind: str) -> None:
    names = ["synchronous_commit", "datestyle", "timezone", "search_path", "bytea_output", "client_encoding"]
    through = bounced(pool_mode="session")
    with connect(database_url) as admin:
        for name in names:
            admin.execute(f"ALTER DATABASE {admin.info.dbname} SET {name} TO '{HOSTILE[name]}'".encode())
    assert KINDS[kind](through, names) == tuple(RELIED_ON[name] for name in names)
    in_app = f"{through}?options=-csearch_path%3Dapp"
    if not kind.startswith("Dagster"):
        assert KINDS[kind](in_app, ["search_path"]) == ("app",), "the schema of the address"


def test_dagster_writes_no_texts_that_would_be_read_otherwise(
    bounced: Bouncer, server_url: str, template: str, tmp_path: Path
) -> None:
    name = f"dagster_strings_{template}"
    with dropped_afterwards(server_url, [name]), connect(server_url) as admin:
        make_database(server_url, name)
        admin.execute(f"ALTER DATABASE {name} SET standard_conforming_strings TO off".encode())
        through = bounced(pool_mode="session")
        with pytest.raises(DatabaseUnfitError, match="standard_conforming_strings is off"):
            round_trip.use_dagster(through, name, tmp_path)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("pool_size", [1, 2, 20])
def test_shared_sessions_are_refused_in_a_sentence(bounced: Bouncer, mode: str, pool_size: int) -> None:
    through = bounced(pool_mode=mode, default_pool_size=str(pool_size), ignore_startup_parameters="options")
    for _ in range(3):
        with pytest.raises(DatabaseUnfitError, match="pool_mode = session"):
            require_fit(through, opens=1)


@pytest.mark.parametrize("server_round_robin", ["0", "1"])
def test_they_are_seen_with_sessions_lying_ready_too(bounced: Bouncer, server_round_robin: str) -> None:
    through = bounced(pool_mode="transaction", min_pool_size="8", server_round_robin=server_round_robin)
    open_ones = []
    for _ in range(8):  # as many sessions of the server
        open_ones.append(psycopg.connect(through))
        open_ones[-1].execute("SELECT 1")
    for each in open_ones:
        each.close()
    with pytest.raises(DatabaseUnfitError, match="pool_mode = session"):
        require_fit(through, opens=1)


def test_the_api_says_it_and_stores_nothing(bounced: Bouncer) -> None:
    with serving(database_url=bounced(pool_mode="transaction")) as api:
        assert "pool_mode" in assert_problem(api.get("/readyz"), 503, "not_ready")["detail"]
        answer = api.post("/v1/telemetry", json=meter_payload())
        assert_problem(answer, 503, "database_unfit")
