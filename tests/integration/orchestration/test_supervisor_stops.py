"""The supervisor stops by real signals: in order, the stubborn by force, and it leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.processes.supervisor import Supervisor
from tests.integration.orchestration.supervised import (
    PATIENCE_S,
    SLEEPS,
    STUBBORN,
    House,
    eventually,
    only_linux,
    parent_of,
    runs,
)


def test_a_stubborn_child_and_a_stubborn_grandchild_are_killed(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.supervisor.patience_s = 0.3
    house.add("stubborn", STUBBORN, ready_text="ready")
    house.add("parent", parent_of(STUBBORN), ready_text="worker")
    house.supervisor.start_all()
    assert eventually(lambda: "\nready" in house.log("parent"))
    pids = [*house.pids(), house.worker("parent")]

    house.supervisor.stop_all()

    assert house.said == [f"{name} did not stop within 0.3 s and was killed" for name in ("parent", "stubborn")]
    assert eventually(lambda: not any(map(runs, pids)))


def test_a_terminal_that_is_gone_keeps_nothing_running(tmp_path: Path) -> None:
    def gone(_: str) -> None:
        raise BrokenPipeError

    house = House(tmp_path)
    house.supervisor = Supervisor(gone, patience_s=0.1)
    house.add("stubborn", STUBBORN, ready_text="ready", told_mark="")
    with house.supervisor:
        assert house.supervisor.start_all()
        assert len(house.pids()) == 1
    assert house.pids() == []


REPOSITORY = Path(__file__).parents[3]


SCRIPT = """
import sys
from pathlib import Path
from orchestration.processes.child_process import Child
from orchestration.processes.supervisor import Supervisor

def say(message):
    print(message, flush=True)

with Supervisor(say, patience_s=600) as supervisor:
    for name in ("first", "second"):
        log = Path(sys.argv[1]) / f"{name}.log"
        command = [sys.executable, "-c", sys.argv[2]]
        supervisor.add(Child(name=name, command=command, log=log, ready=lambda log=log: "\\nready " in log.read_text()))
    if supervisor.start_all():
        say("up")
        supervisor.run_until_stopped()
    say("stopping")
say("stopped")
"""


TALKER = """
import os, signal, sys, time
def stop(number, _):
    sys.exit(signal.Signals(number).name)
signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
print(f"ready {os.getpid()}", flush=True)
time.sleep(600)
"""


class Session:
    """The script above in a session of its own, as in a terminal."""

    def __init__(self, folder: Path, child: str, *prefix: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", SCRIPT, str(folder), child],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip()

    def children(self) -> list[int]:
        logs = [(self.folder / f"{name}.log").read_text() for name in ("first", "second")]
        return [int(log.partition("\nready ")[2].split()[0]) for log in logs]

    def rest(self) -> tuple[int, list[str]]:
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output.splitlines()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    opened: list[Session] = []

    def start(child: str, *prefix: str) -> Session:
        opened.append(Session(tmp_path, child, *prefix))
        return opened[-1]

    yield start
    for one in opened:
        one.process.kill()
        one.process.communicate(timeout=PATIENCE_S)


def test_ctrl_c_reaches_only_the_supervisor_which_stops_all(session: Callable[..., Session]) -> None:
    one = session(TALKER)
    assert one.line() == "up"
    children = one.children()

    os.killpg(one.process.pid, signal.SIGINT)

    assert one.rest() == (0, ["stopping", "stopped"])
    assert not any(map(runs, children))
    assert [(one.folder / f"{name}.log").read_text().split()[-1] for name in ("first", "second")] == ["SIGTERM"] * 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_in_the_background_of_a_shell(session: Callable[..., Session], number: signal.Signals) -> None:
    one = session(TALKER, "sh", "-c", 'trap "" INT; exec "$@"', "sh")
    assert one.line() == "up"
    one.process.send_signal(number)
    assert one.rest() == (0, ["stopping", "stopped"])


def test_a_second_ctrl_c_kills_what_does_not_stop(session: Callable[..., Session]) -> None:
    one = session(STUBBORN)
    assert one.line() == "up"
    children = one.children()
    one.process.send_signal(signal.SIGINT)
    assert one.line() == "stopping"
    assert eventually(lambda: "\nno" in (one.folder / "second.log").read_text())
    time.sleep(0.3)  # longer than what counts as one key press
    one.process.send_signal(signal.SIGINT)
    assert one.rest() == (0, ["second was killed", "first was killed", "stopped"])
    assert not any(map(runs, children))


def test_one_ctrl_c_that_arrives_twice_kills_nobody(house: House) -> None:
    house.add("steady", SLEEPS, ready_text="asleep")
    assert house.supervisor.start_all()
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    house.supervisor.run_until_stopped()
    assert not house.supervisor.is_forced


def test_ctrl_c_while_starting_stops_what_was_started(session: Callable[..., Session]) -> None:
    one = session("import time; print(); time.sleep(600)")  # never ready
    assert eventually((one.folder / "first.log").exists)
    one.process.send_signal(signal.SIGTERM)
    assert one.rest() == (0, ["stopping", "stopped"])
    assert not (one.folder / "second.log").exists()


@only_linux
def test_children_end_with_a_supervisor_that_is_killed(session: Callable[..., Session]) -> None:
    one = session(TALKER)
    assert one.line() == "up"
    children = one.children()
    assert all(map(runs, children))
    one.process.kill()
    assert eventually(lambda: not any(map(runs, children)))
