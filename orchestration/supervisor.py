"""Keeps the processes of a one-machine start running: up in order, restarted when they die, down in reverse order.

Single-threaded and for the main thread only: Python hands out signals there, and Linux ties a child's death signal to
the thread that started it. Death is what is watched for; a child that is alive but hangs is not noticed, and a process
that leaves its child's process group (``setsid``) is out of reach. A supervisor killed with -9 takes its children with
it on Linux only: elsewhere they live on, as a ``Service`` does everywhere.
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
from types import FrameType
from typing import ClassVar, Self

import psutil

from warehouse.contract.errors import FleetwattError

_POLL_S = 0.2
_QUICK_POLL_S = 0.05
_SETTLE_S = 0.5  # a child without a probe is ready once it has run this long
_STEADY_S = 60.0  # a death after this long counts as the first one again
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_SAME_KEYPRESS_S = 0.2  # a terminal and a wrapper such as `timeout` may both deliver one wish to stop
_REAP_S = 5.0  # SIGKILL acts at once, except on a process stuck in the kernel
_TAIL_LINES = 15
_LONGEST_LINE = 65_536

# Runs in the child, then becomes the command (15 ms). Not a preexec_fn: that is Python between fork and exec, where a
# lock that another thread held (a BLAS pool, a driver) never opens again. The parent may have died before prctl took
# effect, and then no signal would ever come: hence the second look. Python ignores the two signals at its own start,
# and what is ignored stays ignored across exec.
_LAUNCHER = """
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

    ``environment`` is added to the supervisor's own. ``ready`` is asked until it says yes, while others wait: it
    answers quickly, and an OSError from it means "not yet". Without it, a child is ready once it has run for a moment.
    An ``essential`` child that cannot start stops everything; another one is tried again like one that died.
    ``forward_output`` also tells what it writes to its log, line by line, as ``name | line``.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_timeout_s: float = 30
    essential: bool = True
    forward_output: bool = False


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

    essential: ClassVar[bool] = True
    ready_timeout_s: ClassVar[float] = 0

    # The rest of what the supervisor asks of a child's process.
    def is_ready(self) -> bool:
        return True

    def show_output(self) -> None:
        """Its log is its own affair."""

    def last_words(self) -> str:
        return ""

    def how_it_ended(self) -> str:
        return "died"


class _Process:
    """A child's process group and its log; from outside like a service."""

    def __init__(self, child: Child, supervisor: "Supervisor") -> None:
        self.name, self.essential, self.ready_timeout_s = child.name, child.essential, child.ready_timeout_s
        self._child = child
        self._supervisor = supervisor
        self._popen: subprocess.Popen[bytes] | None = None  # None: its group has ended, its id may be another's
        self._exit: int | None = None
        self._started_at = 0.0
        self._log_start = self._log_shown = 0

    def start(self) -> None:
        """Starts the command; that there is no such command shows in its log and its exit.

        Raises:
            ChildStartError: the log cannot be written, or the machine has no room for another process.
        """
        command, path = self._child.command, self._child.log
        one_line = shlex.join(command).replace("\n", "\\n")
        self._exit = None
        self._started_at = time.monotonic()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as log:
                log.write(f"--- {datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z {one_line}\n".encode())
                log.flush()
                self._log_start = self._log_shown = log.tell()
                self._popen = subprocess.Popen(  # noqa: S603 - the command is ours
                    [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command],
                    # Unbuffered: what a Python child has to say is in the log when it dies, not lost in its buffer.
                    env={"PYTHONUNBUFFERED": "1", **os.environ, **self._child.environment},
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

    def is_ready(self) -> bool:
        if self._child.ready is None:
            return time.monotonic() - self._started_at >= _SETTLE_S
        try:
            return self._child.ready()
        except OSError:
            return False

    def show_output(self) -> None:
        """Tells the whole lines written since the last call, if they are wanted."""
        if not self._child.forward_output:
            return
        with contextlib.suppress(FileNotFoundError), self._child.log.open("rb") as log:
            log.seek(self._log_shown)
            # Without its end a line is still being written, unless it is endless.
            while (line := log.readline(_LONGEST_LINE)).endswith(b"\n") or len(line) == _LONGEST_LINE:
                self._log_shown = log.tell()
                self._supervisor.say(f"{self.name} | {line.decode(errors='replace').rstrip()}")

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
        """SIGTERM to the whole group; SIGKILL when patience ends or is_forced turns true."""
        if not self.is_alive() or self._popen is None:
            return
        group, patience_s = self._popen.pid, self._supervisor.patience_s
        deadline = time.monotonic() + patience_s
        _signal_group(group, signal.SIGTERM)
        while self._popen.poll() is None or _group_runs(group):
            if self._supervisor.is_forced or time.monotonic() >= deadline:
                _signal_group(group, signal.SIGKILL)
                why = "" if self._supervisor.is_forced else f"did not stop within {patience_s:g} s and "
                self._supervisor.say(f"{self.name} {why}was killed")
                break
            time.sleep(_QUICK_POLL_S)
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


class _Watched:
    """One of them under watch: whether it is up, how often it has died, when it starts again."""

    def __init__(self, it: _Process | Service, supervisor: "Supervisor") -> None:
        self.it = it
        self.is_up = False
        self._say = supervisor.say
        self._next_delay_s = _FIRST_DELAY_S
        self._started_at = 0.0
        self._restart_at: float | None = None
        self._has_complained = False

    def start(self) -> None:
        self.is_up = self._has_complained = False
        self._restart_at = None
        self._started_at = time.monotonic()
        self.it.start()

    def check_start(self) -> None:
        """Sees whether it is up by now.

        Raises:
            ChildStartError: it has ended, or its time is over.
        """
        is_ready = self.it.is_ready()
        # Looked at last: who answered the probe may be a stranger on the same port.
        is_alive = self.it.is_alive()
        self.it.show_output()
        if not is_alive:
            problem = f"{self.it.how_it_ended()} before it was ready"
        elif not is_ready and self._is_overdue():
            problem = f"was not ready within {self.it.ready_timeout_s:g} s"
        else:
            self.is_up = is_ready
            return
        raise ChildStartError(f"{self.it.name} {problem}{self.it.last_words()}")

    def look(self) -> None:
        """One glance that tells its news, notices its death, and starts it again when its time has come."""
        is_alive = self.it.is_alive()
        self.it.show_output()
        if self._restart_at is not None:
            if time.monotonic() >= self._restart_at:
                self._restart()
        elif not is_alive:
            self._plan_restart(self.it.how_it_ended())
        elif not self.is_up:
            self._look_for_ready()

    def _look_for_ready(self) -> None:
        self.is_up = self.it.is_ready()
        if self.is_up:
            self._say(f"{self.it.name} is back")
        elif self._is_overdue() and not self._has_complained:
            # Left alone: it may be recovering, or waiting for one that is down itself.
            self._has_complained = True
            self._say(f"{self.it.name} is not ready after {self.it.ready_timeout_s:g} s")

    def _restart(self) -> None:
        try:
            self.start()
        except Exception as error:  # whatever it is, the others are still to be watched
            self._plan_restart(f"did not start ({error})")

    def _plan_restart(self, what_happened: str) -> None:
        now = time.monotonic()
        if now - self._started_at >= _STEADY_S:
            self._next_delay_s = _FIRST_DELAY_S
        delay_s = self._next_delay_s
        self._next_delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
        self._restart_at = now + delay_s
        self._say(f"{self.it.name} {what_happened}, restarting in {delay_s:g} s")

    def _is_overdue(self) -> bool:
        return time.monotonic() - self._started_at >= self.it.ready_timeout_s


class Supervisor:
    """Starts, watches and stops, telling a user what to know through ``say`` (plain text, no markup).

    From ``start_all`` to ``stop_all`` SIGINT and SIGTERM mean "stop", SIGHUP too unless ``nohup`` has it ignored.
    Used as a context, it stops everything at the end of it. One start each: a new run takes a new one.
    """

    def __init__(self, say: Callable[[str], None], *, patience_s: float = 10) -> None:
        self.patience_s = patience_s
        self.is_forced = False
        self._tell = say
        self._all: list[_Watched] = []
        self._started: list[_Watched] = []
        self._previous: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}
        self._asked_at: float | None = None

    def add(self, it: Child | Service) -> None:
        """Puts it at the end of the order."""
        self._all.append(_Watched(_Process(it, self) if isinstance(it, Child) else it, self))

    def start_all(self) -> bool:
        """Starts one after another, each when the one before is ready; False if asked to stop, and all is stopped.

        Raises:
            ChildStartError: an essential child ended or was not ready in time.
            Exception: what a service's start, a probe or ``say`` raised. Whatever it is, all is stopped first.
        """
        self._take_signals()
        try:
            for one in self._all:
                if self._asked_at is None:
                    self._start(one)
        except BaseException:
            self.stop_all()
            raise
        if self._asked_at is not None:
            self.stop_all()
        return self._asked_at is None

    def run_until_stopped(self) -> None:
        """Watches until a signal asks to stop; ``stop_all`` is still to be called."""
        while self._asked_at is None:
            for one in self._started:
                one.look()
            time.sleep(_POLL_S)

    def stop_all(self) -> None:
        """Stops in reverse order, the stubborn by SIGKILL, at once when asked a second time; gives the signals back."""
        while self._started:
            it = self._started.pop().it
            try:
                it.stop()
                it.show_output()
            except Exception as error:  # whatever it is, the others are still to be stopped
                self.say(f"{it.name} could not be stopped: {error}")
        while self._previous:
            number, handler = self._previous.popitem()
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def say(self, message: str) -> None:
        """Tells it, if anyone is still there: a terminal that is gone keeps nothing from being stopped."""
        with contextlib.suppress(OSError):
            self._tell(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def _start(self, one: _Watched) -> None:
        others = list(self._started)
        self._started.append(one)  # before its start: one that fails half-way is stopped too
        try:
            one.start()
            while not one.is_up and self._asked_at is None:
                one.check_start()
                for other in others:
                    other.look()
                time.sleep(_QUICK_POLL_S)
        except ChildStartError as error:
            if one.it.essential:
                raise
            self.say(error.detail)

    def _take_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # SIGINT is taken even where a shell had it ignored for a background job: `kill -INT` should work there.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        elif now - self._asked_at >= _SAME_KEYPRESS_S:
            self.is_forced = True
