"""The test stand: an embedded PostgreSQL as the product starts it, databases on it, and HTTP servers in processes.

Everything lies in one temporary folder on a real disk and is gone at the end.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
from psycopg.sql import SQL, Identifier, Literal

from orchestration.processes.child_process import LAUNCHER
from tests.benchmarks.figures import Report
from tests.benchmarks.fleet import Fleet
from tests.benchmarks.scale import Scale
from tests.dropped_database import drop_database
from tests.ports import free_port
from warehouse.contract.tables import DeviceKind
from warehouse.listening import Auth
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.cluster import ROLE
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.settings import FleetSettings

FILES = 4_096
"""Open files of a process: a socket is one. macOS allows 256, and what is started by us inherits what we allow."""
ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 60.0
STOPS_WITHIN_S = 20.0


class Server:
    """An HTTP server in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.port = port
        self._process = process
        self._log = log

    def wait_until_ready(self) -> None:
        """Returns once it answers.

        Raises:
            RuntimeError: it ended, or took too long.
        """
        deadline = time.monotonic() + STARTS_WITHIN_S
        while self.status_of_livez() is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                end = self._log.read_text()[-2000:]
                raise RuntimeError(f"a server did not start (exit {self._process.poll()}); its log ends:\n{end}")
            time.sleep(0.05)

    def resident_bytes(self) -> int:
        """The memory of its process and its workers."""
        process = psutil.Process(self._process.pid)
        return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)])

    def stop(self) -> None:
        """Stop it, and wait for its end."""
        self._process.terminate()
        try:
            self._process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def status_of_livez(self) -> int | None:
        """Of the product it is 200; None: nobody answers yet."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()


class Stand(AbstractContextManager["Stand"]):
    """What every figure is measured on. ``day`` is the UTC day whose readings are sent: yesterday, so it is whole."""

    def __init__(self, scale: Scale, report: Report, folder: Path | None = None) -> None:
        """``folder`` is where the temporary folder is made; by default where the system keeps large ones."""
        self.scale = scale
        self.report = report
        self.day: date = datetime.now(UTC).date() - timedelta(days=1)
        self._parent = folder or Path("/var/tmp")  # noqa: S108 - on disk, where /tmp may be memory; we make our own in it
        self._stack = ExitStack()
        self._numbers = count(1)
        self._server_url = ""
        self._shared: dict[object, str] = {}

    @property
    def day_start(self) -> datetime:
        """Midnight of the day whose readings are sent."""
        return datetime.combine(self.day, clock_time(), UTC)

    def __enter__(self) -> Self:
        """Start PostgreSQL and make the database that all others are clones of."""
        _allow_many_files()
        with ExitStack() as stack:
            self.home = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetwatt-bench-", dir=self._parent))
            )
            self.home.chmod(0o755)  # started by root, PostgreSQL runs under another account
            free_gb = shutil.disk_usage(self.home).free / 1e9
            if free_gb < self.scale.free_disk_gb:
                raise RuntimeError(
                    f"{self._parent} has {free_gb:.0f} GB free, {self.scale.free_disk_gb:.0f} are needed"
                )
            server = EmbeddedPostgres(self.home)
            stack.callback(server.stop)
            self._server_url = server.ensure_running()
            with connect(server.upkeep_url()) as admin:
                admin.execute(f"ALTER ROLE {ROLE} CREATEDB")
            self._make_template()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything and remove the folder."""
        self._stack.close()

    def fleet(self, *, backlog: int = 1, in_order: bool = False) -> Fleet:
        """A fleet that begins to report at midnight, for a database that has no readings yet."""
        return Fleet(self.scale.devices, self.day_start, backlog=backlog, in_order=in_order)

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """A database without readings, or a copy of another one; dropped at the end."""
        source = urlsplit(template).path.removeprefix("/") if template else "template_of_all"
        strategy = SQL("file_copy" if template else "wal_log")  # the one is quick for much data, the other for little
        name = f"bench_{next(self._numbers)}"
        with connect(self._server_url) as admin:
            clone = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}")
            admin.execute(clone.format(Identifier(name), Identifier(source), strategy))
        try:
            yield self._url_of(name)
        finally:
            with connect(self._server_url) as admin:
                drop_database(admin, name)

    def shared(self, make: Callable[["Stand"], AbstractContextManager[str]]) -> str:
        """A database that several figures are measured on, made when the first of them asks."""
        if make not in self._shared:
            self._shared[make] = self._stack.enter_context(make(self))
        return self._shared[make]

    @contextmanager
    def product(self, url: str, workers: int = 1, auth: Auth = Auth.AUTO) -> Iterator[Server]:
        """The API as ``fleetwatt up`` starts it, on this database."""
        environment = {"FLEET_DATABASE_URL": url, "FLEET_HOST": "127.0.0.1", "FLEET_WORKERS": str(workers)}
        environment["FLEET_AUTH"] = auth.value
        with self._serving(["-P", "-m", "ingest_api"], environment) as server:
            if workers > 1:
                time.sleep(3)  # the first worker answers; that the others do as well cannot be seen from outside
            yield server

    @contextmanager
    def baseline(self, app: str, url: str = "postgresql://nowhere") -> Iterator[Server]:
        """Another application on the same HTTP server with the same settings, one worker."""
        arguments = ["-m", "tests.benchmarks.baseline_server", app]
        environment = {"FLEET_DATABASE_URL": url, "FLEET_HOST": "127.0.0.1", "FLEET_WORKERS": "1"}
        with self._serving(arguments, environment) as server:
            if server.status_of_livez() == 200:
                raise RuntimeError("the product serves where a baseline should; see baseline_server.py")
            yield server

    @contextmanager
    def _serving(self, arguments: list[str], environment: dict[str, str]) -> Iterator[Server]:
        port = free_port()
        log = self.home / f"server-{port}.log"
        own = {name: value for name, value in os.environ.items() if not name.startswith(("FLEET_", "UVICORN_"))}
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), sys.executable, *arguments],
                env={**own, **environment, "FLEET_PORT": str(port), "PYTHONPATH": str(ROOT)},
                cwd=self.home,  # no .env of a developer's is read
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        server = Server(process, port, log)
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()

    def _make_template(self) -> None:
        """Migrated, with partitions, and with all devices known: each vehicle charges at the meter of its number."""
        with connect(self._server_url) as admin:
            admin.execute("CREATE DATABASE template_of_all")
        url = self._url_of("template_of_all")
        migrate(url)
        settings = FleetSettings(_env_file=None)
        with connect(url) as connection:
            make_ahead(connection, datetime.now(UTC), settings.accepted_age, settings.grace)
            for kind in DeviceKind:
                register = SQL(
                    "INSERT INTO {} (external_id) SELECT {} || lpad(n::text, 5, '0') FROM generate_series(1, {}) AS n"
                )
                table, prefix = Identifier(kind.devices), Literal(f"{kind}-")
                connection.execute(register.format(table, prefix, Literal(self.scale.devices)))
            connection.execute(
                "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from)"
                " SELECT vehicle_id, vehicle_id, '1970-01-01' FROM vehicles"
            )
            # Yesterday is taken for today, so that what comes in is not late.
            connection.execute("UPDATE partition_ledger SET late_after = 'infinity', seal_after = 'infinity'")
            connection.execute("VACUUM ANALYZE")

    def _url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{database}"))


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))


def stored_readings(url: str) -> int:
    """The rows of both histories."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM meter_readings) + (SELECT count(*) FROM vehicle_readings)"
        ).fetchone()
    return int(row[0]) if row else 0
