"""Keeps the parts of a one-machine start running: up in order, restarted when they die, down in reverse order.

Single-threaded and for the main thread only: Python hands out signals there. Death is what is watched for; a child
that is alive but hangs is not noticed. A supervisor killed with -9 takes its children with it on Linux only: elsewhere
they live on, as a ``Service`` does everywhere.
"""

import contextlib
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Self

from orchestration.processes.child_process import Child, ChildProcess, ChildStartError, Service

_POLL_S = 0.2
_QUICK_POLL_S = 0.05
_STEADY_S = 60.0  # a death after this long counts as the first one again
_LONGEST_DELAY_S = 30.0
_TOLD_WHY_AT = 4  # times the first delay: the third death in a row
_SAME_KEYPRESS_S = 0.2  # a terminal and a wrapper such as `timeout` may both deliver one Ctrl-C


class _Watched:
    """One of them under watch: whether it is up, how often it has died, when it starts again."""

    def __init__(self, it: ChildProcess | Service, say: Callable[[str], None], first_delay_s: float) -> None:
        self.it = it
        self.is_up = False
        self._say = say
        self._first_delay_s = self._next_delay_s = first_delay_s
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
        if self.it.is_done():
            self.is_up = True
            return
        if not is_alive:
            problem = f"{self.it.how_it_ended()} before it was ready"
        elif not is_ready and self._is_overdue():
            problem = f"was not ready within {self.it.ready_timeout_s:g} s"
        else:
            self.is_up = is_ready
            return
        raise ChildStartError(f"{self.it.name} {problem}{self.it.last_words()}")

    def look(self) -> None:
        """Check once: show its output, notice that it died, and start it again when its delay is over."""
        is_alive = self.it.is_alive()
        self.it.show_output()
        if self.it.is_done():
            self.is_up = True
            return
        if self._restart_at is not None:
            if time.monotonic() >= self._restart_at:
                self._restart()
        elif not is_alive:
            self._plan_restart(self.it.how_it_ended())
        elif self.it.is_outdated():
            self.it.stop()
            self._plan_restart("was stopped for its new settings")
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
        self.is_up = False
        now = time.monotonic()
        if now - self._started_at >= _STEADY_S:
            self._next_delay_s = self._first_delay_s
        delay_s = self._next_delay_s
        self._next_delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
        self._restart_at = now + delay_s
        self._say(f"{self.it.name} {what_happened}, restarting in {delay_s:g} s")
        if delay_s == _TOLD_WHY_AT * self._first_delay_s:
            self._say(f"{self.it.name} does not stay up{self.it.last_words()}")

    def _is_overdue(self) -> bool:
        return time.monotonic() - self._started_at >= self.it.ready_timeout_s


class Supervisor:
    """Starts, watches and stops, telling a user what to know through ``say`` (plain text, no markup).

    From ``start_all`` to ``stop_all`` SIGINT and SIGTERM mean "stop", SIGHUP too unless ``nohup`` has it ignored.
    Used as a context, it stops everything at the end of it. One start each: a new run takes a new one.
    """

    def __init__(self, say: Callable[[str], None], *, patience_s: float = 10, first_delay_s: float = 0.5) -> None:
        """``patience_s``: how long one may take to stop; ``first_delay_s``: one that died starts again after this."""
        self.patience_s = patience_s
        self._first_delay_s = first_delay_s
        self.is_forced = False
        self._tell = say
        self._all: list[_Watched] = []
        self._started: list[_Watched] = []
        self._previous: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}
        self._asked_at: float | None = None

    def add(self, it: Child | Service) -> None:
        """Puts it at the end of the order."""
        watched = it if isinstance(it, Service) else ChildProcess(it, self.say, self.patience_s, lambda: self.is_forced)
        self._all.append(_Watched(watched, self.say, self._first_delay_s))

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

    def down(self) -> list[str]:
        """The names of those that are not up."""
        return [one.it.name for one in self._all if not one.is_up]

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
