"""What a supervisor looks after: a process it starts itself, or a service that puts itself in the background.

Linux ties a child's death signal to the thread that started it: start children from the main thread. A process that
leaves its child's process group (``setsid``) is out of reach.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import psutil

from orchestration.processes.bounded_log import BoundedLog
from orchestration.processes.child_environment import folder_without_env_file, for_a_child, none_of_ours
from warehouse.contract.errors import FleetwattError

_POLL_S = 0.05
_SETTLE_S = 0.5  # a child without a probe is ready once it has run this long
_REAP_S = 5.0  # SIGKILL acts at once, except on a process stuck in the kernel
_TAIL_LINES = 15
_LONGEST_LINE = 65_536

# Runs in the child, then becomes the command (15 ms). Not a preexec_fn: that is Python between fork and exec, where a
# lock that another thread held (a BLAS pool, a driver) never opens again. The parent may have died before prctl took
# effect, and then no signal would ever come: hence the second look. Python ignores the two signals at its own start,
# and what is ignored stays ignored across exec.
LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != int(sys.argv[1]):
        sys.exit("not started: the supervisor is gone")
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"cannot run {sys.argv[2]}: {error.strerror}")
"""


class ChildStartError(FleetwattError):
    """A part of Fleetwatt did not start"""

    code = "child_not_started"


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process in the foreground, in a session of its own, so that Ctrl-C reaches only the supervisor.

    It starts in a folder without a ``.env``. ``environment`` is added to the supervisor's own, of whose settings, and
    of those of its folder's ``.env``, it gets those it ``inherits``. A child whose ``environment`` has changed since
    the start is started again.
    ``ready`` is asked until it says yes, while others wait: it answers quickly, and an OSError from it means "not yet".
    Without it, a child is ready once it has run for a moment.
    An ``essential`` child that cannot start stops everything; another one is tried again like one that died. One that
    ``ends`` has something to do and then is done: with exit 0 it is left alone.
    Lines of its log that begin with ``told_mark`` are told too.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    inherits: Callable[[str], bool] = none_of_ours
    ready: Callable[[], bool] | None = None
    ready_timeout_s: float = 30
    essential: bool = True
    ends: bool = False
    told_mark: str | None = None


@dataclass(frozen=True)
class Service:
    """A server that puts itself in the background, such as PostgreSQL; always essential.

    ``start`` returns once it is ready, or raises; the watch over the others waits for it. ``is_alive`` is asked five
    times a second.
    """

    name: str
    start: Callable[[], object]
    is_alive: Callable[[], bool]
    stop: Callable[[], object]
    log: BoundedLog | None = None

    essential: ClassVar[bool] = True
    ready_timeout_s: ClassVar[float] = 0

    # The rest of what the supervisor asks of a child's process.
    def is_ready(self) -> bool:
        return True

    def is_outdated(self) -> bool:
        return False

    def is_done(self) -> bool:
        return False

    def show_output(self) -> None:
        """What it writes is its own affair, but not without end."""
        if self.log:
            self.log.look()

    def last_words(self) -> str:
        return ""

    def how_it_ended(self) -> str:
        return "died"


class ChildProcess:
    """A child's process group and its log; from outside like a service."""

    def __init__(
        self, child: Child, say: Callable[[str], None], patience_s: float, is_forced: Callable[[], bool]
    ) -> None:
        """It gets ``patience_s`` to stop, unless ``is_forced`` says meanwhile that it must go at once."""
        self.name, self.essential, self.ready_timeout_s = child.name, child.essential, child.ready_timeout_s
        self._child = child
        self._say = say
        self._patience_s = patience_s
        self._is_forced = is_forced
        self._environment: dict[str, str] = {}
        self._popen: subprocess.Popen[bytes] | None = None  # None: its group has ended, its id may be another's
        self._exit: int | None = None
        self._started_at = 0.0
        self._log_start = self._log_shown = 0
        self._log = BoundedLog(child.log)

    def start(self) -> None:
        """Starts the command; that there is no such command shows in its log and its exit.

        Raises:
            ChildStartError: the log cannot be written, or the machine has no room for another process.
        """
        command, path = self._child.command, self._child.log
        one_line = shlex.join(command).replace("\n", "\\n")
        self._exit = None
        self._started_at = time.monotonic()
        self._environment = dict(self._child.environment)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as log:
                log.write(f"--- {datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z {one_line}\n".encode())
                log.flush()
                self._log_start = self._log_shown = log.tell()
                self._popen = subprocess.Popen(  # noqa: S603 - the command is ours
                    [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), *command],
                    # Unbuffered: what a Python child has to say is in the log when it dies, not lost in its buffer.
                    env={
                        "PYTHONUNBUFFERED": "1",
                        **for_a_child(self._child.inherits),
                        **self._environment,
                    },
                    cwd=folder_without_env_file(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise ChildStartError(f"{self.name} cannot be started: {error}") from error

    def is_alive(self) -> bool:
        """Whether the command runs. What a dead one leaves behind (workers that hold its port) is ended here."""
        if self._popen is None:
            return False
        self._exit = self._popen.poll()
        if self._exit is None:
            return True
        _signal_group(self._popen.pid, signal.SIGKILL)
        self._popen = None
        return False

    def is_done(self) -> bool:
        """Whether it has ended as it was to."""
        return self._child.ends and self._popen is None and self._exit == 0

    def is_ready(self) -> bool:
        if self._child.ready is None:
            return time.monotonic() - self._started_at >= _SETTLE_S
        try:
            return self._child.ready()
        except OSError:
            return False

    def is_outdated(self) -> bool:
        """Whether it was started with another environment than it would be now."""
        return self._environment != dict(self._child.environment)

    def show_output(self) -> None:
        """Tells the marked lines written since the last call, and keeps the log from growing without end."""
        self._tell_marked_lines()
        if self._log.look():
            self._log_start = self._log_shown = 0

    def _tell_marked_lines(self) -> None:
        mark = self._child.told_mark
        if mark is None:
            return
        with contextlib.suppress(FileNotFoundError), self._child.log.open("rb") as log:
            log.seek(self._log_shown)
            # Without its end a line is still being written, unless it is endless.
            while (line := log.readline(_LONGEST_LINE)).endswith(b"\n") or len(line) == _LONGEST_LINE:
                self._log_shown = log.tell()
                if line.startswith(mark.encode()):
                    self._say(line.decode(errors="replace").rstrip())

    def last_words(self) -> str:
        """The end of what it wrote since this start, to be put behind a message."""
        with self._child.log.open("rb") as log:
            log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - _LONGEST_LINE))
            lines = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n  ".join([f"; the end of {self._child.log}:", *lines])

    def how_it_ended(self) -> str:
        if self._exit is None:
            return "did not start"
        return f"died (exit {self._exit if self._exit >= 0 else 128 - self._exit})"

    def stop(self) -> None:
        """SIGTERM to the whole group; SIGKILL when patience ends."""
        if not self.is_alive() or self._popen is None:
            return
        group, deadline = self._popen.pid, time.monotonic() + self._patience_s
        _signal_group(group, signal.SIGTERM)
        while self._popen.poll() is None or _group_runs(group):
            if (is_forced := self._is_forced()) or time.monotonic() >= deadline:
                _signal_group(group, signal.SIGKILL)
                why = "" if is_forced else f"did not stop within {self._patience_s:g} s and "
                self._say(f"{self.name} {why}was killed")
                break
            time.sleep(_POLL_S)
        self._popen.wait(_REAP_S)
        self._popen = None


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS forbids it for a group of zombies
        os.killpg(group, number)


def _group_runs(group: int) -> bool:
    """Whether anyone in it still runs. Zombies do not count: in a container often nobody collects an orphan."""
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return True
    return False
