"""Dagster as three processes under a supervisor: the code server, the web server, the daemon. Not ``dagster dev``."""

import contextlib
import glob
import hashlib
import os
import stat
import sys
import tempfile
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

import httpx

from orchestration.alerting.alerts import MARK
from orchestration.dagster_runtime.first_partition import note_first_partition
from orchestration.dagster_runtime.instance import LOCATION, STORAGE_URL, DagsterHome
from orchestration.dagster_runtime.own_database import address_of_database
from orchestration.dagster_runtime.ui_address import HOST, is_behind_sign_in, ui_url
from orchestration.home.folder import held
from orchestration.processes.child_environment import as_environment, working_as
from orchestration.processes.child_process import Child
from orchestration.processes.listening import is_listening
from warehouse.behind_sign_in import PATH, SECRET_VARIABLE, headers_of_the_api
from warehouse.contract.database_roles import Role
from warehouse.contract.errors import HomeError, SchemaOutdatedError
from warehouse.contract.partitions import utc_day
from warehouse.listening import Auth, is_loopback
from warehouse.origins import own_origins
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_ledger import first_day_with_readings
from warehouse.scratch_folder import PREFIX, holding, remove_abandoned
from warehouse.settings import FleetSettings

ANSWERS_WITHIN_S = 5.0
READY_WITHIN_S = 90.0
"""At the first start they make their tables; a busy machine takes its time to load the code."""


@dataclass(frozen=True)
class DagsterProcesses:
    """The three processes of one installation."""

    home: DagsterHome
    host: str
    port: int
    settings: FleetSettings
    secret: str | None = field(default=None, repr=False)
    """What the API says to the UI, where people sign in before they see it."""
    # Looked at whenever one of them is started. Our code works with the fleet's database, the others with Dagster's.
    _of_code: dict[str, str] = field(default_factory=dict)
    _of_others: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def of(cls, settings: FleetSettings, host: str = HOST, secret: str | None = None) -> Iterator[Self]:
        """Those of a home; one Dagster a home. With a ``secret`` the UI answers nobody but the API, which knows it.

        Raises:
            HomeError: Dagster cannot live there, or another one does, or the socket's folder is not ours alone.
        """
        path = settings.home.resolve()
        if glob.has_magic(str(path)):  # Dagster takes that as a pattern, finds no settings, and goes on without any
            raise HomeError(f"Dagster cannot use {path}, because of the *, ? or [ in it; choose another with --home")
        with held(settings.home / "dagster"), socket_folder(settings.home) as folder:
            home = DagsterHome(settings.home, settings.dagster_database, folder / "code.sock")
            yield cls(home, host, settings.dagster_port, settings, secret)

    @property
    def url(self) -> str:
        """Where people open the UI."""
        return ui_url(self.settings, self.host)

    @property
    def own_url(self) -> str:
        """Where it answers on this machine, the API or people."""
        return own_origins(self.host, self.port, [])[0]

    @property
    def database_url(self) -> str:
        """The fleet's database, once they are prepared."""
        return self._of_code["FLEET_DATABASE_URL"]

    @property
    def storage_url(self) -> str:
        """Dagster's own database, once they are prepared."""
        return self._of_others[STORAGE_URL]

    @property
    def is_read_only(self) -> bool:
        """Whether the UI only shows: as it is set, else where other machines reach it, and nobody signs in there."""
        chosen = self.settings.dagster_read_only
        return self.secret is None and not is_loopback(self.host) if chosen is None else chosen

    def prepare(self, database_url: str, expected: date | None = None) -> None:
        """Make what they stand on, where it is missing; they then start with this database. Raises as its home does.

        ``expected``: the first day that will have readings, where there are none yet; else the oldest that a device may
        send.
        """
        of_dagster = self.home.prepare(address_of_database(self.settings, database_url, make=True))
        with contextlib.suppress(SchemaOutdatedError), connect(database_url) as connection:  # the sensors tell it
            oldest = utc_day(datetime.now(UTC) - self.settings.accepted_age)
            note_first_partition(self.settings, first_day_with_readings(connection) or expected or oldest)
        of_ours = {"FLEET_HOME": str(self.home.home.resolve()), **working_as(Role.PIPELINE, database_url)}
        self._of_others.update(of_dagster)
        # Dagster's sockets go there too, and with the folder when whoever made them was killed.
        of_folder = {"TMPDIR": str(self.home.code_socket.parent)}
        # For the addresses that it names; it listens nowhere itself.
        of_links = {"FLEET_AUTH": Auth.REQUIRED} if is_behind_sign_in(self.settings, self.host) else {}
        self._of_code.update({**as_environment(self.settings), **of_dagster, **of_ours, **of_folder, **of_links})

    def children(self) -> Iterator[Child]:
        """In the order in which they are to be started; the code is loaded while the web server starts."""
        workspace = ["-w", str(self.home.workspace)]
        where = ["--socket", str(self.home.code_socket), "--location-name", LOCATION]
        code = ["-m", "orchestration.definitions", "-d", str(self.home.folder)]
        command = ["dagster", "code-server", "start", *where, *code]
        yield self._child("code-server", command, self._of_code, told_mark=MARK)
        of_web: Mapping[str, str] = ChainMap({SECRET_VARIABLE: self.secret} if self.secret else {}, self._of_others)
        yield self._child("webserver", ["orchestration.dagster_ui", *self._web()], of_web, self._is_up)
        daemon = ["dagster._daemon", "run", "--log-level", "warning", *workspace]
        yield self._child("daemon", daemon, self._of_others)

    def _web(self) -> Iterator[str]:
        yield from ("--workspace", str(self.home.workspace), "--code-socket", str(self.home.code_socket))
        yield from ("--host", self.host, "--port", str(self.port))
        for origin in own_origins(self.host, self.port, filter(None, (self.settings.dagster_origins or "").split(","))):
            yield from ("--origin", origin)
        if self.is_read_only:
            yield "--read-only"

    def _child(
        self,
        name: str,
        module: Sequence[str],
        environment: Mapping[str, str],
        ready: Callable[[], bool] | None = None,
        told_mark: str | None = None,
    ) -> Child:
        return Child(
            name=f"dagster {name}",
            command=[sys.executable, "-P", "-m", *module],
            log=self.home.logs / f"{name}.log",
            environment=environment,
            ready=ready,
            ready_timeout_s=READY_WITHIN_S,
            essential=False,  # readings are taken in without it
            told_mark=told_mark,
        )

    def _is_up(self) -> bool:
        """Whether the UI answers and has something to show."""
        if not is_listening(self.home.code_socket):
            return False
        try:
            # A proxy from the environment would not find this machine's own ports.
            info = f"{self.own_url}{PATH if self.secret else ''}/server_info"
            headers = headers_of_the_api(self.secret) if self.secret else {}
            return httpx.get(info, headers=headers, timeout=ANSWERS_WITHIN_S, trust_env=False).is_success
        except httpx.TransportError:
            return False


@contextmanager
def socket_folder(home: Path) -> Iterator[Path]:
    """A folder for the code server's socket, the same at each start: Dagster files what it knows under that address.

    Not in the home: a socket's path is limited to 107 bytes, and gRPC takes no blanks or brackets in it.

    Raises:
        HomeError: it is there and not ours alone.
    """
    name = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    prefix = f"{PREFIX}{os.geteuid()}-"
    remove_abandoned(prefix)
    folder = Path(tempfile.gettempdir()) / f"{prefix}{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise HomeError(f"{folder} is needed and not ours alone; remove it, or choose another place with TMPDIR")
    with holding(folder):
        yield folder
