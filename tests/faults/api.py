"""The API as a user's machine runs it, in a process group of its own, to be killed and started again."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import psutil

from orchestration.processes.child_process import LAUNCHER
from tests.ports import free_port
from tests.workers import serves

ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 60.0
STOPS_WITHIN_S = 30.0
_POLL_S = 0.02


class Api:
    """``python -m ingest_api`` with real worker processes. Start it from the main thread."""

    def __init__(self, folder: Path, settings: Mapping[str, str], workers: int, open_files: int | None = None) -> None:
        """``folder`` is where it works and where its log is written; ``settings`` are FLEET_* variables.

        Each of its processes may have so many files and sockets open.
        """
        self._limited = ["/bin/sh", "-c", f'ulimit -n {open_files} && exec "$@"', "sh"] if open_files else []
        self.port = free_port()
        self.log = folder / "api.log"
        self._folder = folder
        self._workers = workers
        self._settings = {
            **settings,
            "FLEET_HOST": "127.0.0.1",
            "FLEET_PORT": str(self.port),
            "FLEET_WORKERS": str(workers),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it, and wait until it answers and every worker has started; returns how many seconds that took.

        Raises:
            RuntimeError: it ended, or took too long.
        """
        began = time.monotonic()
        own = {name: value for name, value in os.environ.items() if not name.startswith(("FLEET_", "UVICORN_"))}
        with self.log.open("ab") as log:
            said_before = log.tell()
            self._process = subprocess.Popen(
                [
                    *self._limited,
                    sys.executable,
                    "-I",
                    "-S",
                    "-c",
                    LAUNCHER,
                    str(os.getpid()),
                    sys.executable,
                    "-P",
                    "-m",
                    "ingest_api",
                ],
                env={**own, **self._settings},
                cwd=self._folder,  # no .env of a developer's is read
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while not (self._started_since(said_before) >= self._workers and self.answers("/livez")):
            if self._process.poll() is not None or time.monotonic() - began > STARTS_WITHIN_S:
                raise RuntimeError(f"the API did not start; its log ends:\n{self.log.read_text()[-3000:]}")
            time.sleep(_POLL_S)
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL to all of it at once; returns when nothing of it runs."""
        if self._process is None:
            return
        group = self.processes()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        psutil.wait_procs(group)
        self._process = None

    def kill_a_worker(self) -> None:
        """SIGKILL to one process that serves; the others go on."""
        _, *children = self.processes()
        secrets.choice([child for child in children if serves(child)]).kill()

    def stop(self) -> int:
        """SIGTERM; its exit code, or a killed process's where it did not end in time."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            self.kill()

    def processes(self) -> list[psutil.Process]:
        """All of it, the one that was started first."""
        if self._process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        return []

    def resident_bytes(self) -> int:
        """The memory of all of it."""
        return sum(process.memory_info().rss for process in self.processes())

    def answers(self, path: str) -> bool:
        """Whether it says that it is well."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def exceptions(self) -> int:
        """How many its log holds, in lines of JSON or as Python writes them: what it did not expect."""
        said = self.log.read_bytes()
        return said.count(b'"exception": [') + said.count(b"Traceback (most recent call last)")

    def _started_since(self, offset: int) -> int:
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read().count(b"Application startup complete")
