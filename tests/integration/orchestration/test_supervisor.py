"""The supervisor with real processes: small Python children, real signals, and a real kill -9."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from orchestration.processes.child_process import LAUNCHER, Child, ChildStartError, Service
from orchestration.processes.supervisor import Supervisor

REPOSITORY = Path(__file__).parents[3]
PATIENCE_S = 15.0  # an upper bound for waits; nothing is asserted to be quicker
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl or /proc")

FIRST_DELAY_S = 0.05
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


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    built = House(tmp_path)
    with built.supervisor:
        yield built
    assert built.pids() == []
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_starts_in_order_when_ready_and_stops_in_reverse(house: House) -> None:
    events = house.folder / "events"
    code = """
        import pathlib, signal, sys, time
        events, name = pathlib.Path({events!r}), {name!r}
        def note(what):
            with events.open("a") as file: file.write(f"{{name}} {{what}}\\n")
        def stop(*_):
            note("stops"); sys.exit()
        signal.signal(signal.SIGTERM, stop)
        note("starts"); time.sleep(0.2); note("ready"); print("ready")
        time.sleep(600)
    """
    for name in ("first", "second", "third"):
        house.add(name, code.format(events=str(events), name=name), ready_text="ready")

    assert house.supervisor.start_all()
    house.supervisor.stop_all()

    up = [f"{name} {what}" for name in ("first", "second", "third") for what in ("starts", "ready")]
    assert events.read_text().splitlines() == [*up, "third stops", "second stops", "first stops"]
    assert house.said == []


def test_a_service_takes_part_in_the_order(house: House) -> None:
    events: list[str] = []
    house.supervisor.add(
        Service(
            "postgres",
            start=lambda: events.append("start"),
            is_alive=lambda: events[-1] != "stop",
            stop=lambda: events.append("stop"),
        )
    )
    house.add("api", SLEEPS, ready_text="asleep")

    assert house.supervisor.start_all()
    api = house.pids()
    house.supervisor.stop_all()

    assert events == ["start", "stop"]
    assert not any(map(runs, api))


def test_a_dead_service_is_started_again_though_its_first_try_fails(house: House) -> None:
    alive = {1: True, 3: True}
    starts: list[int] = []

    def start() -> None:
        starts.append(len(starts) + 1)
        if starts[-1] == 2:
            raise OSError("still locked")

    def crash_then_wait() -> bool:
        alive.pop(1, None)
        return "postgres is back" in house.said

    service = Service("postgres", start=start, is_alive=lambda: alive.get(starts[-1], False), stop=starts.clear)
    house.supervisor.add(service)
    assert house.run_until(crash_then_wait)
    assert house.said == [
        "postgres died, restarting in 0.05 s",
        "postgres did not start (still locked), restarting in 0.1 s",
        "postgres is back",
    ]


def test_a_child_that_exits_at_once_stops_the_others_and_shows_its_log(house: House) -> None:
    log = house.folder / "logs" / "broken.log"
    log.parent.mkdir()
    log.write_text("from an earlier run\n")
    house.add("steady", parent_of(SLEEPS), ready_text="worker")
    house.add("broken", "import sys; [print('line', n) for n in range(40)]; sys.exit('port 8000 is taken')")
    house.add("never", SLEEPS)

    with pytest.raises(ChildStartError) as caught:
        house.supervisor.start_all()

    head, *tail = caught.value.detail.splitlines()
    assert head == f"broken died (exit 1) before it was ready; the end of {log}:"
    assert tail == [f"  line {n}" for n in range(26, 40)] + ["  port 8000 is taken"]
    assert caught.value.code == "child_not_started"
    assert house.log("broken").startswith("from an earlier run\n--- 20")
    assert eventually(lambda: house.pids() == [])
    assert not runs(house.worker("steady"))
    assert not (house.folder / "logs" / "never.log").exists()


def test_a_child_that_is_never_ready_is_an_error_and_is_stopped(house: House) -> None:
    def refuse() -> bool:
        raise ConnectionRefusedError

    log = house.folder / "slow.log"
    command = [sys.executable, "-c", SLEEPS]
    house.supervisor.add(Child(name="slow", command=command, log=log, ready=refuse, ready_timeout_s=0.3))
    with pytest.raises(ChildStartError, match=r"^slow was not ready within 0\.3 s; the end of"):
        house.supervisor.start_all()
    assert house.pids() == []


def test_a_command_that_does_not_exist_is_named(house: House) -> None:
    house.supervisor.add(Child(name="ghost", command=["no-such-program"], log=house.folder / "ghost.log"))
    with pytest.raises(ChildStartError, match=r"ghost died \(exit 1\)(.|\n)*cannot run no-such-program: No such file"):
        house.supervisor.start_all()


def test_a_log_that_cannot_be_written_is_an_error(house: House) -> None:
    house.supervisor.add(Child(name="mute", command=[sys.executable, "-c", SLEEPS], log=house.folder))
    with pytest.raises(ChildStartError, match=r"mute cannot be started: .*directory"):
        house.supervisor.start_all()


def test_any_error_while_starting_stops_what_was_started(house: House) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    house.add("steady", SLEEPS, ready_text="asleep")
    house.supervisor.add(Service("postgres", start=fail, is_alive=lambda: False, stop=fail))
    with pytest.raises(ZeroDivisionError):
        house.supervisor.start_all()
    assert house.pids() == []
    assert house.said == ["postgres could not be stopped: "]


def test_a_dead_child_is_restarted_and_its_workers_end_before(house: House) -> None:
    house.add("api", parent_of(SLEEPS), ready_text="worker")
    first: list[int] = []

    def kill_then_wait() -> bool:
        if not first:
            first.extend([*house.pids(), house.worker("api")])
            os.kill(first[0], signal.SIGKILL)
        return "api is back" in house.said

    assert house.run_until(kill_then_wait)

    assert house.said == ["api died (exit 137), restarting in 0.05 s", "api is back"]
    assert house.log("api").count("\n--- ") + 1 == 2
    assert not any(map(runs, first))
    assert house.worker("api") != first[-1]


def test_a_child_with_new_settings_is_started_again(house: House) -> None:
    environment = {"PORT": "1"}
    log = house.folder / "api.log"
    command = [sys.executable, "-c", "import os, time; print('port', os.environ['PORT']); time.sleep(600)"]
    house.supervisor.add(Child(name="api", command=command, log=log, environment=environment))

    def change_then_wait() -> bool:
        environment["PORT"] = "2"  # as a database does that comes back on another port
        return "api is back" in house.said

    assert house.run_until(change_then_wait)
    assert house.said == ["api was stopped for its new settings, restarting in 0.05 s", "api is back"]
    assert [line for line in log.read_text().splitlines() if line.startswith("port")] == ["port 1", "port 2"]


def test_a_child_sees_no_setting_that_it_was_not_given(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLEET_ADMIN_TOKEN", "FLEET_READ_DSN", "FLEET_PORT"):
        monkeypatch.setenv(name, "secret")
    code = "env | grep -i fleet_ | sort | tr '\\n' ' '; echo; sleep 600"
    log, given = house.folder / "log", {"FLEET_HOME": "/h"}
    takes = "FLEET_PORT".__eq__
    ready = lambda: "FLEET_HOME" in log.read_text()  # noqa: E731 - only here
    command = ["sh", "-c", code]
    house.supervisor.add(Child(name="sh", command=command, log=log, environment=given, inherits=takes, ready=ready))
    assert house.supervisor.start_all()
    assert log.read_text().splitlines()[-1].split() == ["FLEET_HOME=/h", "FLEET_PORT=secret"]


def test_a_crash_loop_backs_off_and_disturbs_nobody(house: House) -> None:
    house.add("steady", SLEEPS, ready_text="asleep")
    house.add("looping", "import time; print('up'); time.sleep(0.3); raise SystemExit(3)", ready_text="up")

    assert house.run_until(lambda: sum("looping died" in message for message in house.said) == 3)

    deaths = [message for message in house.said if "died" in message]
    assert deaths == [f"looping died (exit 3), restarting in {delay} s" for delay in ("0.05", "0.1", "0.2")]
    (why,) = [message for message in house.said if message.startswith("looping does not stay up")]
    assert why.endswith("\n  up"), "with its last words"
    assert house.supervisor.down() == ["looping"]
    assert house.log("steady").count("--- ") == 1


@pytest.mark.parametrize(("limit", "value"), [("_LONGEST_DELAY_S", FIRST_DELAY_S), ("_STEADY_S", 0.1)])
def test_the_delay_has_an_upper_end_and_begins_again_after_a_steady_run(
    house: House, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    monkeypatch.setattr(f"orchestration.processes.supervisor.{limit}", value)
    house.add("looping", "import time; print('up'); time.sleep(0.3)", ready_text="up")
    assert house.run_until(lambda: sum("looping died" in message for message in house.said) == 2)
    deaths = [message for message in house.said if "died" in message]
    assert deaths == ["looping died (exit 0), restarting in 0.05 s"] * 2


def test_an_optional_child_may_fail_at_the_start(house: House) -> None:
    code = f"""
        import pathlib, time
        marker = pathlib.Path({str(house.folder / "marker")!r})
        if not marker.exists():
            marker.touch(); raise SystemExit("not yet")
        print("ready"); time.sleep(600)
    """
    house.add("simulator", code, essential=False, ready_text="ready")
    assert house.run_until(lambda: "simulator is back" in house.said)
    assert house.said[0].startswith("simulator died (exit 1) before it was ready")
    assert house.said[1:] == ["simulator died (exit 1), restarting in 0.05 s", "simulator is back"]


def test_marked_lines_are_told_when_they_are_whole_and_to_the_end(house: House) -> None:
    code = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("! bye"))
        sys.stdout.write("! hal"); time.sleep(0.3); print("f"); print("not for all!"); print("! ready"); time.sleep(600)
    """
    house.add("api", code, ready_text="! half", told_mark="! ")
    assert house.run_until(lambda: "! ready" in house.said)
    house.supervisor.stop_all()
    assert house.said == ["! half", "! ready", "! bye"]


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


@only_linux
def test_a_child_inherits_no_descriptors_and_no_ignored_signals(house: House) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # noqa: FBT003 - it has no name for it
    try:
        code = "ls /proc/self/fd; grep SigIgn /proc/self/status; echo $GREETING; readlink /proc/self/fd/0; sleep 600"
        command = ["sh", "-c", code]
        log = house.folder / "log"
        environment = {"GREETING": "hello"}
        ready = lambda: "/dev/null\n" in log.read_text()  # noqa: E731 - only here
        house.supervisor.add(Child(name="sh", command=command, log=log, environment=environment, ready=ready))
        assert house.supervisor.start_all()
        assert [os.getsid(pid) for pid in house.pids()] == house.pids()
    finally:
        os.close(reading)
        os.close(writing)
    lines = log.read_text().splitlines()[1:]
    assert lines[:4] == ["0", "1", "2", "3"]  # 3: the listing itself
    ignored = int(lines[4].removeprefix("SigIgn:"), base=16)
    # Of the named signals, and not what whoever runs the tests ignores: a shell does so for what it runs beside it.
    inherited = signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN
    expected = [signal.SIGQUIT] if inherited else []
    assert [number for number in signal.valid_signals() if number < 32 and ignored >> (number - 1) & 1] == expected
    assert lines[5:] == ["hello", "/dev/null"]


@only_linux
def test_a_child_whose_parent_died_before_prctl_runs_nothing(tmp_path: Path) -> None:
    never = tmp_path / "never"
    not_the_parent = str(os.getppid())
    command = [sys.executable, "-I", "-S", "-c", LAUNCHER, not_the_parent, "touch", str(never)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stderr) == (1, "not started: the supervisor is gone\n")
    assert not never.exists()


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
