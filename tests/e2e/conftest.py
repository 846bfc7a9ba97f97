"""Fleetwatt as a user starts it: the installed command in a process of its own, on a home and a port of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
import psycopg
import pytest

from orchestration.processes.child_process import LAUNCHER
from tests.no_tls import NO_TLS
from tests.open_folder import make_open_folder
from tests.ports import free_port
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.settings import FleetSettings

REPOSITORY = Path(__file__).parents[2]
COMMAND = (str(Path(sys.executable).with_name("fleetwatt")),)
PATIENCE_S = 120.0  # an upper bound for waits on a busy machine; nothing is asserted to be quicker
MARK = "FLEETWATT_E2E_HOME"
"""In the environment of what a test starts: so its processes are found whatever their command line says."""

AS_ROOT = os.geteuid() == 0
MakeHome = Callable[[], Path]


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition holds within the patience."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def processes_of(home: Path) -> list[psutil.Process]:
    """Whatever runs for this home: started by us, or named by it, or working below it."""
    return [
        process
        for process in psutil.process_iter()
        if any(text == str(home) or text.startswith(f"{home}/") for text in traits(process))
    ]


def traits(process: psutil.Process) -> list[str]:
    """The words of its command line, its folder and our mark; of one that has ended there are none."""
    try:
        words: list[str] = process.cmdline()
        if process.status() == psutil.STATUS_ZOMBIE:
            return []
        return [*words, process.cwd(), process.environ().get(MARK, "")]
    except psutil.AccessDenied:  # root in a container may be kept from looking into another user's processes
        return words
    except psutil.NoSuchProcess:
        return []


def kill_all(home: Path) -> None:
    """What a power cut does to the processes."""
    while found := processes_of(home):
        for process in found:
            with suppress(psutil.NoSuchProcess):  # the first takes others along
                process.kill()
        psutil.wait_procs(found, timeout=1)


def environment_of(home: Path) -> dict[str, str]:
    """A user's environment: nothing of this test run's own settings, and no port that another test may want."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FLEET_", "PYTHON"))}
    return {**own, MARK: str(home), "FLEET_DAGSTER_PORT": str(free_port())}


def with_us(python: str) -> list[str]:
    """Put before a command it makes it stop when we are killed, so that no platform is left behind (on Linux)."""
    return [python, "-I", "-S", "-c", LAUNCHER, str(os.getpid())]


def run(
    *arguments: str, home: Path, cwd: Path | None = None, stdin: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of Fleetwatt to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**environment_of(home), **settings},
        cwd=cwd or home.parent,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def history_with_a_closed_day() -> tuple[str, str]:
    """Options of ``up`` that leave one closed day to report: for two hours after midnight, yesterday is none yet."""
    grace = timedelta(minutes=FleetSettings.model_fields["grace_minutes"].default)
    now = datetime.now(UTC)
    return "--history-days", "1" if (now - grace).date() == now.date() else "2"


class Platform:
    """One ``fleetwatt up`` and what it says; at the end of a ``with`` block nothing of it runs any more."""

    def __init__(
        self,
        home: Path,
        *options: str,
        port: int | None = None,
        flags: bool = True,
        cwd: Path | None = None,
        command: Sequence[str] = COMMAND,
        account: pwd.struct_passwd | None = None,
        environment: Mapping[str, str] = {},
    ) -> None:
        """Start it; ``account`` is whom root starts it as.

        Without ``flags`` it finds home and port by itself.
        """
        self.home = home
        self.port = port or free_port()
        self._lines: list[str] = []
        self.url = f"http://127.0.0.1:{self.port}"
        where = ["--home", str(home), "--port", str(self.port)] if flags else []
        self.process = subprocess.Popen(
            [*with_us(command[0] if account else sys.executable), *command, "up", *where, *options],
            env={**environment_of(home), **environment},
            cwd=cwd or home.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # as in a terminal of its own: a signal to us is none to it
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=[] if account else None,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        kill_all(self.home)
        self.ended()

    @property
    def said(self) -> str:
        """All it has said by now."""
        return "".join(self._lines)

    def wait_for(self, text: str, since: int = 0) -> str:
        """The line with this text, said after the first ``since`` characters of what it has said."""
        eventually(lambda: text in self.said[since:] or not self._reader.is_alive())
        assert text in self.said[since:], f"{text!r} was not said:\n{self.said}\n{self._logs()}"
        return next(line for line in self.said[since:].splitlines() if text in line)

    def wait_until_up(self) -> None:
        """Returns when it has said all it has to say at the start."""
        self.wait_for("Ctrl-C stops everything.")

    def told(self, label: str) -> str:
        """The text after a label in the list that the start prints."""
        return self.wait_for(f"  {label} ").strip().removeprefix(label).strip()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop, and return its exit code; nothing of it may be left."""
        self.process.send_signal(number)
        code = self.ended()
        assert processes_of(self.home) == []
        return code

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def get(self, path: str) -> httpx.Response:
        """The API's answer."""
        return httpx.get(f"{self.url}{path}", timeout=PATIENCE_S, trust_env=False, verify=NO_TLS)

    def post(self, reading: dict[str, object]) -> int:
        """Post a reading; the status."""
        url = f"{self.url}/v1/telemetry"
        return httpx.post(url, json=reading, timeout=PATIENCE_S, trust_env=False, verify=NO_TLS).status_code

    def answers(self, path: str = "/health") -> bool:
        """Whether the API gives a good answer now."""
        try:
            return self.get(path).is_success
        except httpx.TransportError:
            return False

    def dagster(self, question: str) -> dict[str, Any]:
        """Ask Dagster's web server, as its pages do."""
        ui = self.told("Dagster")
        asked = {"query": question}
        answer = httpx.post(
            f"{ui}/graphql", json=asked, headers={"Origin": ui}, timeout=PATIENCE_S, trust_env=False, verify=NO_TLS
        ).raise_for_status()
        return dict(answer.json()["data"])

    def error_of_dagsters_code(self) -> str | None:
        """What the UI shows where our code cannot be loaded: the messages, the first cause last."""
        answer = self.dagster(
            "{workspaceOrError{... on Workspace{locationEntries{locationOrLoadError{"
            "... on PythonError{message errorChain{error{message}}}}}}}}"
        )
        (entry,) = answer["workspaceOrError"]["locationEntries"]
        error = entry["locationOrLoadError"]
        if "message" not in error:
            return None
        return "\n".join([error["message"], *(each["error"]["message"] for each in error["errorChain"])])

    def query(self, text: str, *parameters: object) -> list[tuple[object, ...]]:
        """Ask the home's own server."""
        url = EmbeddedPostgres(self.home).running_url()
        assert url is not None
        with psycopg.connect(url) as connection:
            return connection.execute(text.encode(), parameters).fetchall()

    def find(self, word: str) -> psutil.Process:
        """The process of this platform with this word on its command line; the first that was started."""
        found = [process for process in processes_of(self.home) if word in traits(process)]
        return min(found, key=lambda process: float(process.create_time()))

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self._lines.append(line)

    def _logs(self) -> str:
        logs = sorted((self.home / "logs").glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-2000:]}" for log in logs)


@pytest.fixture(scope="module")
def make_home() -> Iterator[MakeHome]:
    """A home's path, in a folder that every user may enter: pytest's own are closed. It is removed at the end."""
    folders: list[Path] = []

    def make() -> Path:
        folders.append(make_open_folder("fleetwatt-e2e-"))
        return folders[-1] / "home"

    yield make
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture
def home(make_home: MakeHome) -> Path:
    """A home of this test's own, not made yet, in a folder of this test's own."""
    return make_home()
