"""Dagster as three processes under a supervisor: the code server, the web server, the daemon. Not ``dagster dev``."""

import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from orchestration.child_process import Child
from orchestration.dagster_home import LOCATION, DagsterHome
from warehouse.settings import FleetSettings

HOST = "127.0.0.1"
"""The UI asks nobody who they are, so it answers this machine alone unless told otherwise."""
ANSWERS_WITHIN_S = 5.0
READY_WITHIN_S = 90.0
"""At the first start they make their tables; a busy machine takes its time to load the code."""


@dataclass(frozen=True)
class DagsterProcesses:
    """The three processes of one installation. ``environment`` is looked at whenever one of them is started."""

    home: DagsterHome
    host: str
    port: int
    environment: Mapping[str, str]

    @classmethod
    @contextmanager
    def of(cls, settings: FleetSettings, environment: Mapping[str, str], host: str = HOST) -> Iterator[Self]:
        """Those of a home."""
        # Not in the home: a socket's path is limited to 107 bytes, and gRPC takes no blanks or brackets in it.
        with tempfile.TemporaryDirectory(prefix="fleetwatt-") as folder:
            home = DagsterHome(settings.home, settings.dagster_database, Path(folder) / "code.sock")
            yield cls(home, host, settings.dagster_port, environment)

    @property
    def url(self) -> str:
        """Where the UI answers."""
        return f"http://{self.host}:{self.port}"

    def children(self) -> Iterator[Child]:
        """In the order in which they are to be started; the code is loaded while the web server starts."""
        workspace = ["-w", str(self.home.workspace)]
        where = ["--socket", str(self.home.code_socket), "--location-name", LOCATION]
        code = ["-m", "orchestration.definitions", "-d", str(self.home.folder)]
        yield self._child("code-server", ["dagster", "code-server", "start", *where, *code])
        web = ["-h", self.host, "-p", str(self.port), "--dagster-log-level", "warning", *workspace]
        yield self._child("webserver", ["dagster_webserver", *web], self._is_up)
        yield self._child("daemon", ["dagster._daemon", "run", "--log-level", "warning", *workspace])

    def _child(self, name: str, module: Sequence[str], ready: Callable[[], bool] | None = None) -> Child:
        return Child(
            name=f"dagster {name}",
            command=[sys.executable, "-P", "-m", *module],
            log=self.home.logs / f"{name}.log",
            environment=self.environment,
            ready=ready,
            ready_timeout_s=READY_WITHIN_S,
            essential=False,  # readings are taken in without it
        )

    def _is_up(self) -> bool:
        """Whether the UI answers and has something to show."""
        # It listens once it has loaded our code, or has found out why it cannot: the UI says so then.
        with socket.socket(socket.AF_UNIX) as code_server:
            code_server.connect(str(self.home.code_socket))
        try:
            # A proxy from the environment would not find this machine's own ports.
            return httpx.get(f"{self.url}/server_info", timeout=ANSWERS_WITHIN_S, trust_env=False).is_success
        except httpx.TransportError:
            return False
