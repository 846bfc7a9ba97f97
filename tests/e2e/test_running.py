"""While ``fleetwatt up`` runs: what it says is true, nobody disturbs it, and what dies is started again."""

import json
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.e2e.conftest import PATIENCE_S, MakeHome, Platform, environment_of, eventually, processes_of, run
from tests.factories import vehicle_payload
from tests.ports import free_port
from warehouse.contract.database_roles import APART, Role
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres

VEHICLES = 20


class FailedStart(NamedTuple):
    """What a start said that did not come to an end, and what it left running."""

    done: subprocess.CompletedProcess[str]
    left: list[psutil.Process]


class NewHome(NamedTuple):
    """A home that has seen nothing but two starts that failed."""

    path: Path
    port: int
    port_taken: FailedStart
    setting_refused: FailedStart


@pytest.fixture(scope="module")
def new_home(make_home: MakeHome) -> NewHome:
    home, port = make_home() / "with spaces, $HOME and [brackets]", free_port()

    def fail(**settings: str) -> FailedStart:
        arguments = ("up", "--home", str(home), "--port", str(port), "--no-demo", "--no-dagster")
        done = run(*arguments, home=home, cwd=Path("/"), **settings)
        return FailedStart(done, processes_of(home))

    with socket.create_server(("127.0.0.1", port)):
        port_taken = fail()
    return NewHome(home, port, port_taken, fail(FLEET_MAX_ITEMS="none"))


@pytest.fixture(scope="module")
def platform(new_home: NewHome) -> Iterator[Platform]:
    """One for all tests here; each leaves it as it found it, with all its parts running.

    It is started from a folder full of traps, whose ``.env`` names home, port and a token, behind a dead proxy.
    """
    folder = new_home.path.parent
    settings = {"FLEET_ADMIN_TOKEN": "t0ken" * 8, "FLEET_PORT": str(new_home.port), "FLEET_HOME": f"'{new_home.path}'"}
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    for module in ("logging.py", "ingest_api.py", "orchestration.py"):
        (folder / module).write_text("raise SystemExit('imported from the folder it was started from')")
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), f"http://127.0.0.1:{free_port()}")
    # With yesterday: also a minute after midnight there is a vehicle that has charged.
    options = ("--no-dagster", "--vehicles", str(VEHICLES), "--history-days", "1")
    with Platform(new_home.path, *options, flags=False, port=new_home.port, environment=proxies) as platform:
        platform.wait_until_up()
        yield platform
        assert platform.stop() == 0


def postmaster(platform: Platform) -> psutil.Process:
    return psutil.Process(int(_pid_file(platform)[0]))


def parts(platform: Platform) -> list[psutil.Process]:
    return [postmaster(platform), platform.find("ingest_api"), platform.find("simulate")]


def _pid_file(platform: Platform) -> list[str]:
    return (platform.home / "postgres" / "postmaster.pid").read_text().splitlines()


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Another program listens there, as soon as the dead server's last processes have let go of it."""
    listeners: list[socket.socket] = []

    def listen() -> bool:
        with suppress(OSError):
            listeners.append(socket.create_server(("127.0.0.1", port)))
        return bool(listeners)

    assert eventually(listen)
    with listeners[0]:
        yield


def test_what_it_says_at_the_start_is_true(platform: Platform) -> None:
    assert platform.told("API") == platform.url
    assert platform.get("/health").json() == {"status": "ok"}
    assert platform.told("fleet") == f"{platform.url}/"
    assert platform.get("/").status_code == 200
    assert platform.told("docs") == f"{platform.url}/docs"
    assert platform.get("/docs").status_code == 200
    assert Path(platform.told("data")) == platform.home
    assert (platform.home / "postgres" / "PG_VERSION").exists()
    logs = {log.name for log in Path(platform.told("logs")).iterdir()}
    assert logs >= {"api.log", "postgres.log", "simulate.log"}


def test_a_home_works_after_starts_that_failed(new_home: NewHome, platform: Platform) -> None:
    taken, refused = new_home.port_taken, new_home.setting_refused
    assert (taken.done.returncode, taken.done.stdout, taken.left) == (1, "", [])
    remedy = "stop the program that listens there, or choose another with --port"
    assert taken.done.stderr == f"The port cannot be used: 127.0.0.1:{new_home.port} is taken; {remedy}\n"

    assert (refused.done.returncode, refused.left) == (1, []), "its database was stopped with it"
    assert "A part of Fleetwatt did not start: api died (exit 2) before it was ready" in refused.done.stderr
    assert "FLEET_MAX_ITEMS: " in refused.done.stderr, "the reason"

    assert platform.told("data") == str(new_home.path)
    assert platform.told("Dagster").startswith("not started; closed days wait for: ")
    assert platform.told("Dagster").endswith(f" run-day --home {shlex.quote(str(new_home.path))} DAY")


def test_of_the_folder_and_the_environment_only_settings_are_taken(platform: Platform) -> None:
    assert platform.told("data") == str(platform.home)
    assert eventually(platform.answers)
    assert httpx.post(f"{platform.url}/v1/mappings", json={}, trust_env=False).status_code == 401
    mapped = "SELECT count(*) FROM vehicle_meter_map"
    assert eventually(lambda: platform.query(mapped) == [(VEHICLES,)]), "the fleet has the token"
    assert "simulate died" not in platform.said


def test_the_curl_it_shows_has_an_answer(platform: Platform) -> None:
    curl, url = platform.told("ask").split()
    # Soon after midnight it has charged on the days before alone.
    assert eventually(lambda: re.search(r"of \d days? imported", platform.said) is not None), platform.said
    answer = platform.get(url.removeprefix(platform.url))
    assert (curl, answer.status_code) == ("curl", 200)
    assert answer.json()["efficiencyRatio"] > 0.5


def test_the_overview_it_names_shows_the_fleet(platform: Platform) -> None:
    command = shlex.split(platform.told("overview"))
    shown = subprocess.run(
        [*command, "--json"],
        env=environment_of(platform.home),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    devices = json.loads(shown.stdout)["devices"]
    assert [each["kind"] for each in devices] == ["meter", "vehicle"]
    assert all(each["reporting"] >= VEHICLES for each in devices)


def test_each_part_works_as_its_own_role_and_knows_no_address_of_another_one(platform: Platform) -> None:
    server = EmbeddedPostgres(platform.home)
    asked = "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'fleetwatt'"

    def users() -> set[str]:
        with connect(server.upkeep_url()) as admin:
            return {name for (name,) in admin.execute(asked.encode())}

    assert eventually(lambda: {Role.INGEST, Role.READ} <= users() <= {*APART}), users()
    passwords: dict[str, str] = {
        role: urlsplit(server.running_url(role) or "").password or "" for role in (Role.OWNER, *APART)
    }
    passwords["superuser"] = urlsplit(server.upkeep_url()).password or ""

    def known(word: str) -> set[str]:
        found = "\n".join(platform.find(word).environ().values())
        return {role for role, password in passwords.items() if password in found}

    assert known("ingest_api") == {Role.INGEST, Role.READ}
    assert known("simulate") == set()
    said = [" ".join(process.cmdline()) for process in processes_of(platform.home)]
    said += [log.read_text(errors="replace") for log in (platform.home / "logs").rglob("*") if log.is_file()]
    assert not [text for text in (platform.said, *said) if any(password in text for password in passwords.values())]


@pytest.mark.long
def test_a_second_start_on_the_same_home_is_refused(platform: Platform) -> None:
    said, before = len(platform.said), parts(platform)
    second = run("up", "--home", str(platform.home), "--port", "1", home=platform.home)
    assert second.returncode == 1
    assert f"{platform.home} is in use by process {platform.process.pid}; stop that one" in second.stderr
    assert parts(platform) == before, "the first one is undisturbed"
    assert eventually(platform.answers)
    assert "died" not in platform.said[said:]


def test_a_dead_api_is_started_again(platform: Platform) -> None:
    said = len(platform.said)
    api = platform.find("ingest_api")
    api.kill()
    platform.wait_for("api died (exit 137), restarting", said)
    platform.wait_for("api is back", said)
    assert eventually(platform.answers)
    assert platform.find("ingest_api") != api


@pytest.mark.parametrize(
    "port_is_taken", [False, pytest.param(True, marks=pytest.mark.long)], ids=["same port", "another port"]
)
def test_a_dead_postgres_is_started_again(platform: Platform, *, port_is_taken: bool) -> None:
    reading = vehicle_payload(vehicleId=f"veh-kept-{port_is_taken}")
    assert platform.post(reading) == 201
    said, port = len(platform.said), int(_pid_file(platform)[3])
    with ExitStack() as stack:
        platform.process.send_signal(signal.SIGSTOP)  # it shall not look before the port is taken
        postmaster(platform).kill()
        if port_is_taken:
            stack.enter_context(taken(port))
        platform.process.send_signal(signal.SIGCONT)
        platform.wait_for("postgres died, restarting", said)
        platform.wait_for("postgres is back", said)
        if port_is_taken:
            platform.wait_for("api was stopped for its new settings", said)
            platform.wait_for("api is back", said)
        assert eventually(platform.answers)
        # In between a 503 is fine: the API finds out with a request that its connection is dead.
        assert eventually(lambda: platform.post(reading) != 503)
        assert platform.post(reading) == 200, "stored before, and still there"
    assert (int(_pid_file(platform)[3]) != port) == port_is_taken
