"""What a child of the supervisor gets of its surroundings, and what is told of its output."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.processes.child_process import LAUNCHER, Child
from tests.integration.orchestration.supervised import (
    PATIENCE_S,
    House,
    only_linux,
)


def test_a_child_sees_no_setting_that_it_was_not_given(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLEET_ADMIN_TOKEN", "FLEET_READ_DSN", "FLEET_PORT"):
        monkeypatch.setenv(name, "secret")
    code = "env | grep -i '^fleet_' | sort | tr '\\n' ' '; echo; sleep 600"
    log, given = house.folder / "log", {"FLEET_HOME": "/h"}
    takes = "FLEET_PORT".__eq__
    ready = lambda: "FLEET_HOME" in log.read_text()  # noqa: E731 - only here
    command = ["sh", "-c", code]
    house.supervisor.add(Child(name="sh", command=command, log=log, environment=given, inherits=takes, ready=ready))
    assert house.supervisor.start_all()
    assert log.read_text().splitlines()[-1].split() == ["FLEET_HOME=/h", "FLEET_PORT=secret"]


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
