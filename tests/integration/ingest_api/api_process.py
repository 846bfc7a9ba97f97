"""The API as it is started in production: processes of its own, on a port of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.no_tls import NO_QUESTIONS
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "ingest_api"]


@dataclass(frozen=True)
class ApiProcess:
    """A running ``python -m ingest_api``."""

    process: subprocess.Popen[bytes]
    port: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def connect(self, timeout_s: float = 30) -> socket.socket:
        """A connection to be written to by hand."""
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)

    def stop(self, patience_s: float = 60) -> int:
        """Ask it to stop and wait so long for its end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience_s)


def environment(database_url: str, port: int, **settings: object) -> dict[str, str]:
    own = {f"FLEET_{name.upper()}": str(value) for name, value in settings.items()}
    others = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
    return others | own | {"FLEET_DATABASE_URL": database_url, "FLEET_PORT": str(port)}


@contextmanager
def api_process(
    database_url: str, *, open_files: int | None = None, log: Path | None = None, **settings: object
) -> Iterator[ApiProcess]:
    """Start it, wait until it answers; at the end it is killed if it still runs.

    ``open_files``: how many it may have if it asks for them; half as many if it does not. ``log``: a file for what it
    says.
    """
    limit = f'ulimit -S -n {(open_files or 0) // 2} && ulimit -H -n {open_files} && exec "$@"'
    limited = ["/bin/sh", "-c", limit, "sh"] if open_files else []
    port, scheme = free_port(), "https" if "tls_cert" in settings else "http"
    with ExitStack() as stack:
        said = stack.enter_context(log.open("wb")) if log else None
        env = environment(database_url, port, **settings)
        process = subprocess.Popen([*limited, *COMMAND], cwd=ROOT, env=env, stderr=said)
    try:
        while True:
            assert process.poll() is None, "the API did not start"
            try:
                httpx.get(f"{scheme}://127.0.0.1:{port}/livez", verify=NO_QUESTIONS)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield ApiProcess(process, port, scheme)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
