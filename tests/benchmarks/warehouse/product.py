"""The command ``fleetwatt`` in a process of its own, on a home and ports of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from orchestration.processes.child_process import LAUNCHER
from tests.benchmarks.stand import ROOT

STARTS_WITHIN_S = 120.0
STOPS_WITHIN_S = 60.0
POLL_S = 0.05


@contextmanager
def fleetwatt(*arguments: str, log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that goes on until it is stopped, as Ctrl-C does at the end of the block."""
    # As a user has it: Python too starts quicker where it may keep what it has compiled.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FLEET_", "PYTHON"))}
    command = [sys.executable, "-P", "-m", "orchestration.cli.main", *arguments]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), *command],
            env={**own, "PYTHONPATH": str(ROOT), **environment},
            cwd=log.parent,  # no .env of a developer's is read
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_page(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Returns once a web page is there.

    Raises:
        RuntimeError: the process ended, or took too long.
    """
    deadline = time.monotonic() + STARTS_WITHIN_S
    while _status(port, path) != 200:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{path} is not there (exit {process.poll()}):\n{log.read_text()[-2000:]}")
        time.sleep(POLL_S)


def _status(port: int, path: str) -> int | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()
