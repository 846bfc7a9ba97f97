"""The embedded PostgreSQL of a home, to be killed, frozen and started again as the product's supervisor does."""

import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.embedded.process import postmaster

SUPERVISOR_POLL_S = 0.2
SUPERVISOR_DELAY_S = 0.5
"""How long a dead server stays unnoticed and then waits for its restart (``orchestration.processes.supervisor``)."""


class Postgres:
    """One server with fsync on, as ``fleetwatt up`` runs it."""

    def __init__(self, home: Path) -> None:
        self.server = EmbeddedPostgres(home)

    def start(self) -> str:
        """Start it; its URL, once it answers."""
        return self.server.ensure_running()

    def processes(self) -> list[psutil.Process]:
        """The postmaster and every process of its own; none where it does not run."""
        main = postmaster(self.server.data)
        if main is None:
            return []
        with suppress(psutil.NoSuchProcess):
            return [main, *main.children(recursive=True)]
        return []

    def kill(self) -> int:
        """SIGKILL to all of its processes; how many there were."""
        killed = self.processes()
        _signal(killed, signal.SIGKILL)
        psutil.wait_procs(killed)
        return len(killed)

    def kill_a_backend(self) -> None:
        """SIGKILL to one that serves a client: the server ends all the others and recovers by itself."""
        while True:
            _, *children = self.processes()
            with suppress(psutil.NoSuchProcess):  # its client had just closed it
                secrets.choice([each for each in children if "127.0.0.1" in _title(each)]).kill()
                return

    def restart_as_supervised(self) -> float:
        """Wait as the supervisor would, then start it; how many seconds the start and its recovery took."""
        time.sleep(SUPERVISOR_POLL_S + SUPERVISOR_DELAY_S)
        began = time.monotonic()
        self.start()
        return time.monotonic() - began

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP to all of its processes until the end of the block, then SIGCONT."""
        stopped = self.processes()
        _signal(stopped, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(stopped, signal.SIGCONT)

    def stop(self) -> None:
        """Stop it for good, frozen or not; nothing is written that a checkpoint would."""
        _signal(self.processes(), signal.SIGCONT)
        self.kill()


def _title(process: psutil.Process) -> str:
    """What a process says that it does; nothing where it has ended."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
