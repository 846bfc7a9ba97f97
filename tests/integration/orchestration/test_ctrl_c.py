"""Ctrl-C stops a command while the engine computes, which Python alone would hear of when that is done."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestration.cli.ctrl_c import engines_stop_at_ctrl_c
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


def test_a_signal_in_the_moment_a_question_begins_is_not_lost() -> None:
    """The engine is told again and again, until the block ends."""
    engine = start_engine(None)
    with pytest.raises(KeyboardInterrupt), engines_stop_at_ctrl_c():
        os.kill(os.getpid(), signal.SIGINT)
        engine.execute(ENDLESS)


def test_nothing_is_left_of_it() -> None:
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    with engines_stop_at_ctrl_c():
        assert "ctrl-c" in {thread.name for thread in threading.enumerate()}
    assert "ctrl-c" not in {thread.name for thread in threading.enumerate()}
    after = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(after)
    assert after == before
