"""Logs that others write stay bounded in size and number."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.processes import bounded_log
from orchestration.processes.bounded_log import KEPT, BoundedLog

WRITER = """
import sys
with open(sys.argv[1], "ab", buffering=0) as log:
    for number in map(int, sys.stdin):
        log.write(b"%099d\\n" % number)
        print(flush=True)
"""


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_log, "LOOK_EVERY_S", 0.0)


def test_a_log_that_is_held_open_is_set_aside_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    log = BoundedLog(path, most_bytes=950)
    assert not log.look(), "there is none yet"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdin
        assert writer.stdout
        for number in range(100):
            writer.stdin.write(f"{number}\n")
            writer.stdin.flush()
            writer.stdout.readline()
            log.look()
        writer.stdin.close()
    parts = sorted(tmp_path.iterdir())
    assert [part.name for part in parts] == ["api.log", *(f"api.log.{number}" for number in range(1, KEPT + 1))]
    assert max(part.stat().st_size for part in parts) <= 1000
    newest_first = [path, *parts[1:]]
    lines = [int(line) for part in reversed(newest_first) for line in part.read_text().splitlines()]
    assert lines == list(range(100 - len(lines), 100)), "the newest lines, none lost where nobody writes meanwhile"


def test_an_old_part_is_no_more_open_to_others_than_the_log(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    path.write_bytes(b"x" * 100)
    path.chmod(0o600)
    assert BoundedLog(path, most_bytes=10).look()
    assert (tmp_path / "postgres.log.1").stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == 0


def test_it_is_looked_at_every_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_log, "LOOK_EVERY_S", 3600.0)
    path = tmp_path / "api.log"
    log = BoundedLog(path, most_bytes=10)
    assert not log.look()
    path.write_bytes(b"x" * 100)
    assert not log.look()
