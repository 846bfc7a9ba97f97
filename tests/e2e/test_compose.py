"""What ``docker-compose.yml`` runs, run without containers: the product installed as the image installs it, each
service's own command with the variables that Compose would give it, and its own health check.

Here a path of the container's is a folder of the test's; a secret's file is read here and handed over as the variable
in its place.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.compose import ROOT, compose, copied, environment, image_environment
from tests.conftest import Server, fresh_database
from tests.dropped_database import drop_database
from tests.e2e.conftest import MARK, PATIENCE_S, MakeHome, eventually, kill_all, processes_of, with_us
from tests.no_tls import NO_TLS
from tests.open_folder import open_folder
from tests.ports import free_port
from warehouse.contract.database_roles import Role
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded.account import account_for
from warehouse.postgres.embedded.cluster import program


@dataclass(frozen=True)
class Containers:
    """The processes in place of the containers of one ``docker compose up``."""

    home: Path
    site: Path
    shell: dict[str, str]
    secrets: dict[str, str]

    @property
    def services(self) -> dict[str, Any]:
        """As Compose reads them."""
        services: dict[str, Any] = compose(**self.shell)["services"]
        return services

    def run(self, service: str, command: Sequence[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the service's command, or this one beside it, to its end."""
        return subprocess.run(
            command or self._command(service),
            env=self._environment(service),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def is_healthy(self, service: str) -> bool:
        """What the service's health check says."""
        return self.run(service, self.services[service]["healthcheck"]["test"][1:]).returncode == 0

    def dagsters_page(self) -> int:
        """How the API answers who asks for it with the administrator's token."""
        token = {"Authorization": f"Bearer {self.secrets['fleet_admin_token']}"}
        url = f"http://127.0.0.1:{self.shell['FLEET_PORT']}/dagster/"
        return httpx.get(url, headers=token, timeout=PATIENCE_S, trust_env=False, verify=NO_TLS).status_code

    @contextmanager
    def running(self, service: str) -> Iterator[subprocess.Popen[bytes]]:
        """The service, killed at the end with all that it has started."""
        with (self.home / f"{service}.out").open("wb") as output:
            process = subprocess.Popen(
                [*with_us(sys.executable), *self._command(service)],
                env=self._environment(service),
                cwd=self.home,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                kill_all(self.home)
                process.wait(PATIENCE_S)

    def said(self, service: str) -> str:
        """What it wrote."""
        return (self.home / f"{service}.out").read_text()

    def _command(self, service: str) -> list[str]:
        # All of a container's addresses lead to it alone; all of this machine's would lead here from everywhere.
        return ["127.0.0.1" if word == "0.0.0.0" else word for word in self.services[service]["command"]]  # noqa: S104

    def _environment(self, service: str) -> dict[str, str]:
        given = self.services[service]
        return {
            **image_environment(),
            **environment(given, **self.shell),
            # In place of the names by which containers find one another, and of addresses that are not loopback.
            "FLEET_DAGSTER_URL": f"http://127.0.0.1:{self.shell['FLEET_DAGSTER_PORT']}",
            "FLEET_AUTH": "required",
            **{name.upper(): value for name, value in self.secrets.items() if name in given["secrets"]},
            "PATH": os.pathsep.join([str(self.site / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(self.site),
            "FLEET_HOME": str(self.home / "volume"),
            "TMPDIR": str(self.home),
            MARK: str(self.home),
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The product, installed out of what the Dockerfile copies as the Dockerfile does it, but into a folder.

    Not pytest's own, which is closed to the account that root's commands begin again as.
    """
    with open_folder("fleetwatt-site-") as site:
        _install(tmp_path_factory.mktemp("build"), site)
        yield site


def _install(source: Path, site: Path) -> None:
    for name in copied():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-build-isolation", "--no-compile", "--target", site, "."],
        cwd=source,
        check=True,
    )


@pytest.fixture
def containers(postgres_server: Server, home: Path, site: Path) -> Iterator[Containers]:
    """On an empty database, and with ports of their own by the variables that Compose takes them from."""
    dagster_database = f"compose_{os.getpid()}_{secrets.token_hex(4)}"
    home.mkdir()
    with fresh_database(postgres_server.admin_url, "template1") as url:
        shell = {
            "FLEET_PORT": str(free_port()),
            "FLEET_DAGSTER_PORT": str(free_port()),
            "FLEET_DAGSTER_DATABASE": dagster_database,
        }
        files = {
            "fleet_database_url": url,
            "fleet_ingest_url": postgres_server.address(Role.INGEST, url),
            "fleet_pipeline_url": postgres_server.address(Role.PIPELINE, url),
            "fleet_read_dsn": postgres_server.address(Role.READ, url),
            "fleet_admin_token": secrets.token_hex(24),
            "fleet_dagster_secret": secrets.token_hex(24),
        }
        yield Containers(home, site, shell, files)
    with connect(postgres_server.admin_url) as admin:
        drop_database(admin, dagster_database)


def users(containers: Containers) -> set[tuple[str, str]]:
    """Who works on which of the two databases now, but for ourselves."""
    url, dagsters = containers.secrets["fleet_database_url"], containers.shell["FLEET_DAGSTER_DATABASE"]
    asked = """
        SELECT datname, usename FROM pg_stat_activity
        WHERE datname IN (current_database(), %s) AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    """
    with connect(url) as admin:
        found = admin.execute(asked.encode(), [dagsters]).fetchall()
    return {("dagster's" if database == dagsters else "the fleet's", user) for database, user in found}


@pytest.mark.long
def test_every_service_of_ours_starts_gets_healthy_and_stops(containers: Containers) -> None:
    where = containers.run("api", ["python", "-c", "import warehouse; print(warehouse.__file__)"])
    assert Path(where.stdout.strip()).is_relative_to(containers.site), "what is tried is what the image would hold"

    migrated = containers.run("migrate")
    assert migrated.returncode == 0, migrated.stderr

    assert [name for name in ("api", "dagster") if containers.is_healthy(name)] == [], "nothing runs yet"
    with containers.running("dagster") as dagster, containers.running("api") as api:
        assert eventually(lambda: "Dagster is up" in containers.said("dagster")), containers.said("dagster")
        for name in ("api", "dagster"):
            assert eventually(partial(containers.is_healthy, name)), containers.said(name)
        assert containers.dagsters_page() == 200, "through the API"
        works_as = [("the fleet's", role) for role in (Role.INGEST, Role.READ, Role.PIPELINE)]
        assert eventually(lambda: users(containers) == {*works_as, ("dagster's", Role.PIPELINE)}), users(containers)
        for process in (api, dagster):
            process.send_signal(signal.SIGTERM)  # what `docker stop` sends
        assert [process.wait(PATIENCE_S) for process in (api, dagster)] == [0, 0], containers.said("dagster")
        assert processes_of(containers.home) == []


def test_postgres_takes_its_arguments(server_url: str, make_home: MakeHome) -> None:
    service = compose()["services"]["postgres"]
    folder = make_home()
    folder.mkdir()
    data = folder / "data"
    account = account_for(data)
    account.own(folder)
    with tempfile.TemporaryFile() as log:
        initdb = [program("initdb"), "--pgdata", str(data), "--username", service["environment"]["POSTGRES_USER"]]
        assert account.run([*initdb, *service["environment"]["POSTGRES_INITDB_ARGS"].split()], output=log.fileno()) == 0
    _, *options = service["command"].split()
    with tempfile.TemporaryFile() as answer:
        asked = [program("postgres"), "-C", "max_locks_per_transaction", "-D", str(data), *options]
        assert account.run(asked, output=answer.fileno()) == 0
        answer.seek(0)
        assert answer.read().split()[-1] == b"256"


def test_the_health_check_of_postgres_tells_whether_it_answers(server_url: str) -> None:
    name, *arguments = compose()["services"]["postgres"]["healthcheck"]["test"][1:]

    def is_healthy(*here: str) -> bool:
        return subprocess.run([program(name), *arguments, *here], capture_output=True, check=False).returncode == 0

    with connect(server_url) as connection:
        assert is_healthy(f"--host={connection.info.host}", f"--port={connection.info.port}")
    assert not is_healthy(f"--port={free_port()}")
