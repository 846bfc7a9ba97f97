"""Other ways to start: on a database of one's own, as an ordinary user; and not at all."""

import pwd
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.e2e.conftest import AS_ROOT, REPOSITORY, Platform, eventually, processes_of, run
from tests.own_server import PASSWORD, OwnServer, own_server_in
from tests.ports import free_port
from warehouse.contract.database_roles import Role
from warehouse.contract.tokens import TOKEN_PATTERN, Scope
from warehouse.postgres.access.token_store import TokenRequest, create_token, list_tokens
from warehouse.postgres.connection import connect

own_server = pytest.fixture(own_server_in)


def test_a_database_of_ones_own_is_used_instead(home: Path, database_url: str) -> None:
    options, environment = ("--no-dagster", "--vehicles", "1"), {"FLEET_DATABASE_URL": database_url}
    with Platform(home, *options, "--history-days", "1", environment=environment) as platform:
        platform.wait_until_up()
        assert platform.told("data") == "the database of FLEET_DATABASE_URL"
        assert platform.answers(platform.told("ask").partition(platform.url)[2])
        platform.wait_for("readings of 1 day imported")  # by a process that finds the home, which a flag named
        assert platform.stop(signal.SIGTERM) == 0
    assert not (home / "postgres").exists()
    with connect(database_url) as connection:  # not ours to stop
        assert connection.execute("SELECT EXISTS (SELECT FROM vehicle_readings)").fetchone() == (True,)


@pytest.mark.long
def test_a_database_of_ones_own_is_worked_on_by_a_role_for_each_part(home: Path, own_server: OwnServer) -> None:
    asked = """
        SELECT DISTINCT datname, usename FROM pg_stat_activity
        WHERE datname IN (current_database(), %s) AND pid <> pg_backend_pid()
    """
    names = {role: urlsplit(address).username for role, address in own_server.addresses.items()}
    fleets = urlsplit(own_server.url).path.removeprefix("/")
    expected = {(fleets, name) for name in names.values()} | {(own_server.dagsters, names[Role.PIPELINE])}
    options = ("--vehicles", "1", "--history-days", "1")
    with Platform(home, *options, environment=own_server.settings) as platform, connect(own_server.url) as owner:
        platform.wait_until_up()
        assert platform.answers(platform.told("ask").partition(platform.url)[2])
        assert platform.error_of_dagsters_code() is None

        def users() -> set[tuple[str, str]]:
            return set(owner.execute(asked.encode(), [own_server.dagsters]).fetchall())

        assert eventually(lambda: users() == expected), users()
        said = [" ".join(process.cmdline()) for process in processes_of(home)]
        said += [log.read_text(errors="replace") for log in (home / "logs").rglob("*") if log.is_file()]
        assert not [text for text in (platform.said, *said) if PASSWORD in text or quote(PASSWORD, safe="") in text]
        assert platform.stop() == 0


def test_where_everybody_is_asked_what_runs_inside_has_a_token_and_the_first_one_is_told(
    home: Path, database_url: str
) -> None:
    environment = {"FLEET_DATABASE_URL": database_url, "FLEET_AUTH": "required"}
    first, port = "fleetwatt tokens create --name first --scope admin", free_port()

    def begin() -> Platform:
        options = ("--no-dagster", "--vehicles", "1", "--history-days", "0")
        return Platform(home, *options, port=port, environment=environment)

    with begin() as platform, connect(database_url) as connection:
        platform.wait_until_up()
        assert platform.get("/v1/meters").status_code == 401
        assert first in platform.said
        stored = "SELECT EXISTS (SELECT FROM vehicle_readings)"
        assert eventually(lambda: connection.execute(stored).fetchone() == (True,)), "the fleet has a token"
        made = create_token(connection, TokenRequest("first", [Scope.READ]))
        given = {"Authorization": f"Bearer {made}"}
        meters = f"{platform.url}/v1/meters"
        assert eventually(lambda: httpx.get(meters, headers=given, trust_env=False).is_success)
        commands = [" ".join(process.cmdline()) for process in processes_of(home)]
        assert any("simulate" in command for command in commands)
        assert not re.search(TOKEN_PATTERN, "\n".join(commands)), "a process list is open to all"
        assert platform.stop() == 0
        said = platform.said
    with begin() as platform, connect(database_url) as connection:
        platform.wait_until_up()
        assert first not in platform.said
        states = [each.state(datetime.now(UTC)) for each in list_tokens(connection) if each.name != "first"]
        assert sorted(states) == ["revoked", "valid"], "each start replaces its own"
        assert platform.stop() == 0
    logs = [log.read_text(errors="replace") for log in (home / "logs").iterdir()]
    assert not [text for text in (said, platform.said, *logs) if re.search(TOKEN_PATTERN, text)]


def test_a_database_that_refuses_is_the_reason(home: Path) -> None:
    url = f"postgresql://fleet:secret@127.0.0.1:{free_port()}/fleetwatt"
    done = run("up", "--home", str(home), "--port", str(free_port()), home=home, FLEET_DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.startswith("The database cannot be reached: ")
    assert "Connection refused" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
    assert processes_of(home) == []


@pytest.fixture
def ordinary() -> pwd.struct_passwd:
    """An ordinary user, for root to become."""
    if not AS_ROOT:
        pytest.skip("all of these tests run as an ordinary user already")
    return pwd.getpwnam("nobody")


def python_for(account: pwd.struct_passwd) -> tuple[dict[str, str], str]:
    """An environment and a Python with our packages for this account; the virtualenv's may lie where it cannot go."""
    packages = next(place for place in sys.path if place.endswith("site-packages"))
    environment = {"PYTHONPATH": f"{REPOSITORY}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        probe = ["env", *(f"{name}={value}" for name, value in environment.items()), python]
        probe += ["-c", "import orchestration.cli.main, ingest_api.app"]
        done = subprocess.run(
            probe, user=account.pw_uid, group=account.pw_gid, extra_groups=[], cwd="/", capture_output=True, check=False
        )
        if done.returncode == 0:
            return environment, python
    pytest.skip(f"{account.pw_name} can enter neither {sys.executable} nor a {version} of the system with our packages")


@pytest.mark.long
def test_an_ordinary_user_starts_it_as_oneself(home: Path, ordinary: pwd.struct_passwd) -> None:
    environment, python = python_for(ordinary)
    home.parent.chmod(0o777)
    command = [python, "-m", "orchestration.cli.main"]
    with Platform(
        home, "--vehicles", "1", command=command, account=ordinary, cwd=Path("/"), environment=environment
    ) as platform:
        platform.wait_until_up()
        assert eventually(platform.answers)
        assert platform.error_of_dagsters_code() is None, "it finds what PYTHONPATH names"
        assert platform.find("ingest_api").uids().real == ordinary.pw_uid
        assert (home / "postgres").stat().st_uid == ordinary.pw_uid
        assert home.stat().st_mode & 0o777 == 0o700
        assert not [path for path in (home / "logs").rglob("*") if path.stat().st_mode & 0o007]
        assert platform.stop() == 0
