"""Ctrl-C stops a command while the engine computes, which Python alone would hear of when that is done."""

import os
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from weakref import WeakSet

import pytest

from orchestration.cli.ctrl_c import engines_stop_at_ctrl_c
from tests.integration.orchestration.conftest import Fleetwatt
from warehouse.lake import interruption
from warehouse.lake.views import start_engine

ENDLESS = "SELECT count(*) FROM range(10000000) AS a, range(10000000) AS b WHERE a.range + b.range = 7"
BUSY_CPU_S = 2.5
"""More than the command needs before its question begins."""
SOON_S = 60.0


def cpu_seconds(pid: int) -> float:
    """Of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_question_without_end_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "orchestration.cli.main", "query", ENDLESS, "--home", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while cpu_seconds(process.pid) < BUSY_CPU_S:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SOON_S)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "leaked" not in err


LOADING = """
import os, signal, sys, time

class PressesWhileItIsLoaded:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.1)
            print("loaded", flush=True)

sys.meta_path.insert(0, PressesWhileItIsLoaded())
from orchestration.cli.main import main
main()
"""


@pytest.mark.parametrize("name", ["orchestration.cli.run", "orchestration.cli.query", "duckdb"])
def test_while_a_library_is_loaded_it_waits(name: str, tmp_path: Path) -> None:
    """Raised there, some libraries swallow it, and some make another error of it."""
    command = [sys.executable, "-c", LOADING.format(name=name), "query", ENDLESS, "--home", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SOON_S, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "loaded\n", "")


IN_NATIVE_CODE = """
import enum, os, signal

def pressed(of_class, value, *names, **options):
    if value == "token_type":
        os.kill(os.getpid(), signal.SIGINT)
        print("pressed", flush=True)
    return made(of_class, value, *names, **options)

made = enum.EnumType.__call__
enum.EnumType.__call__ = pressed
from orchestration.cli.main import main
main()
"""


def test_while_an_engine_is_loaded_it_does_not_abort_the_process(tmp_path: Path) -> None:
    """DuckDB's binding makes enums as it is loaded; an error there ends the process by SIGABRT."""
    command = [sys.executable, "-c", IN_NATIVE_CODE, "query", ENDLESS, "--home", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SOON_S, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "pressed\n", "")


def test_a_signal_in_the_moment_a_question_begins_is_not_lost() -> None:
    """The engine is told again and again, until the block ends."""
    engine = start_engine(None)
    with pytest.raises(KeyboardInterrupt), engines_stop_at_ctrl_c():
        os.kill(os.getpid(), signal.SIGINT)
        engine.execute(ENDLESS)


def test_a_signal_that_the_engine_took_itself_is_not_lost() -> None:
    """Now and then it looks for signals itself, and raises this in the place of KeyboardInterrupt (DuckDB 2.0)."""
    with pytest.raises(KeyboardInterrupt), engines_stop_at_ctrl_c():
        raise RuntimeError("Query interrupted")


def test_an_error_of_another_kind_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="something else"), engines_stop_at_ctrl_c():
        raise RuntimeError("something else")


def test_a_signal_while_the_engine_is_still_being_loaded_is_taken_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that tells the engine must not ask for what another one has not loaded yet."""
    monkeypatch.setattr(interruption, "_sessions", WeakSet())
    monkeypatch.setitem(sys.modules, "duckdb", types.ModuleType("duckdb"))
    interruption.interrupt_sessions()


def test_nothing_is_left_of_it() -> None:
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    with engines_stop_at_ctrl_c():
        assert "ctrl-c" in {thread.name for thread in threading.enumerate()}
    assert "ctrl-c" not in {thread.name for thread in threading.enumerate()}
    after = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(after)
    assert after == before


def test_a_command_in_a_process_of_others_leaves_their_ctrl_c_alone(fleetwatt: Fleetwatt) -> None:
    before = signal.getsignal(signal.SIGINT)
    fleetwatt("--help")
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    with engines_stop_at_ctrl_c():
        pass
