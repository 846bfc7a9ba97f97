"""What the supervisor's tests share: small Python children, and a supervisor in this process that has them."""

import signal
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from orchestration.processes.child_process import Child, Service
from orchestration.processes.supervisor import Supervisor

PATIENCE_S = 15.0  # an upper bound for waits; nothing is asserted to be quicker
FIRST_DELAY_S = 0.05
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl or /proc")

SLEEPS = "import time; print('asleep', flush=True); time.sleep(600)"
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
print(f"ready {os.getpid()}", flush=True)
for _ in range(600):  # a signal does not end a sleep
    time.sleep(1)
"""


def parent_of(code: str) -> str:
    """A parent that ends when asked and leaves its own child to its fate, as a server with workers."""
    return f"""
import subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", {code!r}])
print(f"worker {{worker.pid}}", flush=True)
time.sleep(600)
"""


def runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class House:
    """A supervisor in this process, with its children's logs and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self._strangers = psutil.Process().children()
        self.supervisor = Supervisor(self.said.append, patience_s=PATIENCE_S, first_delay_s=FIRST_DELAY_S)

    def add(
        self,
        name: str,
        code: str,
        *,
        ready_text: str | None = None,
        essential: bool = True,
        ends: bool = False,
        told_mark: str | None = None,
    ) -> None:
        """A Python child that is ready once its log has the text since its last start."""
        self.supervisor.add(
            Child(
                name=name,
                command=[sys.executable, "-c", textwrap.dedent(code)],
                log=self.folder / "logs" / f"{name}.log",
                ready=None if ready_text is None else lambda: f"\n{ready_text}" in self.log(name).rpartition("--- ")[2],
                ready_timeout_s=PATIENCE_S,
                essential=essential,
                ends=ends,
                told_mark=told_mark,
            )
        )

    def log(self, name: str) -> str:
        return (self.folder / "logs" / f"{name}.log").read_text()

    def pids(self) -> list[int]:
        return [child.pid for child in psutil.Process().children() if child not in self._strangers]

    def worker(self, name: str) -> int:
        return int(self.log(name).rpartition("\nworker ")[2].split()[0])

    def run_until(self, condition: Callable[[], bool]) -> bool:
        """Runs the watch until the condition holds, looked at from inside the watch; whether it ever did."""
        deadline = time.monotonic() + PATIENCE_S
        outcome: list[bool] = []

        def look() -> bool:
            if not outcome:
                holds = condition()
                if holds or time.monotonic() > deadline:
                    outcome.append(holds)
                    signal.raise_signal(signal.SIGINT)
            return True

        self.supervisor.add(Service("observer", start=lambda: None, is_alive=look, stop=lambda: None))
        if self.supervisor.start_all():
            self.supervisor.run_until_stopped()
        return outcome == [True]
