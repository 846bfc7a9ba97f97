"""No command ends in a traceback for what a user can do: each ends in a sentence, whatever it is given and wherever."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.cli import run
from orchestration.cli.commands import COMMANDS
from tests.integration.orchestration.conftest import Ended, Fleetwatt

FLEETWATT = [sys.executable, "-m", "orchestration.cli.main"]
ROOT = Path(__file__).parents[3]
LATIN = "m\udcfcller"
"""A name that is not written in UTF-8, as Python has it."""
HOSTILE = [
    "",
    "\x1b[31m",
    "'; DROP TABLE x; --",
    "../../etc/passwd",
    "-1",
    "NaN",
    "9" * 400,
    "ü漢😀",
    LATIN,
    "%s%n{0}",
    "/",
]
DAY = "2026-02-08"
RUNS_ON = {"up", "dagster", "api", "simulate"}
"""What would go on running with arguments that are right."""
ARGUMENTS: dict[str, list[list[str]]] = {
    **{name: [["{}"]] for name in COMMANDS},
    "up": [["{}"], ["--port", "{}"], ["--vehicles", "{}"]],
    "simulate": [["--url", "{}"], ["--since", "{}"], ["--seed", "{}", "--faults", "--vehicles", "-1"]],
    "query": [["{}"], ["SELECT 1", "--output", "{}"], ["SELECT 1", "--day", "{}"], ["SELECT * FROM '{}'"]],
    "models": [["{}"], ["show", "{}"], ["lineage", "low_efficiency_days", "--column", "{}"], ["check", "--day", "{}"]],
    "status": [["--days", "{}"], ["--home", "{}"]],
    "import": [["{}"], ["{}", "--json"]],
}


def environment(**settings: str) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
    return {**others, "PYTHONPATH": str(ROOT), **settings}


def ended(*arguments: str | bytes, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLEETWATT, *arguments],
        cwd=cwd,
        env=environment(**settings),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
        check=False,
    )


def is_a_sentence(end: Ended) -> bool:
    return "Traceback" not in end.err + end.out and "\x1b" not in end.err + end.out and bool(end.err.strip() or end.out)


@pytest.mark.parametrize("command", COMMANDS)
def test_hostile_arguments_end_in_a_sentence(fleetwatt: Fleetwatt, tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("no home")
    for form in ARGUMENTS[command]:
        for hostile in HOSTILE:
            given = [each.replace("{}", hostile) for each in form]
            if "--home" not in given and command not in ("simulate", "models"):
                given += ["--home", str(tmp_path / "file")]  # a file: whatever gets that far ends there
            end = fleetwatt(command, *given)
            assert end.code in (0, 1, 2), (given, end)
            assert is_a_sentence(end), (given, end)
            assert end.code or command not in RUNS_ON, given


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("simulate", "query", "models")])
def test_a_home_that_cannot_be_is_told(fleetwatt: Fleetwatt, tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("no home")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "readings").write_text("{}\n")
    argument = {"import": ["readings"], "seal": [DAY], "export": [DAY], "run-day": [DAY]}.get(command, [])
    for home in (
        "file",
        "file/below",
        "loop",
        "/proc/nothing",
        "/dev/null",
        "x" * 300,
        LATIN,
        "~nobody-is-called-so/x",
    ):
        end = fleetwatt(command, *argument, "--home", home)
        assert end.code in (1, 2), (home, end)
        assert is_a_sentence(end), (home, end)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What the command line is to raise."""
    errors: list[BaseException] = []

    def fail(**_: object) -> None:
        raise errors[-1]

    monkeypatch.setattr(run, "app", fail)
    return errors


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied", "/x/y"), "/x/y: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (MemoryError(), "there is not enough memory"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "a text is not written in UTF-8"),
        (ZeroDivisionError("division by zero\nmore"), "ZeroDivisionError: division by zero;"),
        (ValueError("\x1b[31m"), "ValueError: \\x1b[31m"),
        (RuntimeError(), "RuntimeError; the details are in"),
    ],
)
def test_what_nobody_foresaw_is_a_sentence_with_its_details_in_a_file(
    fleetwatt: Fleetwatt, broken: list[BaseException], error: BaseException, told: str
) -> None:
    broken.append(error)
    end = fleetwatt("status")
    assert end.code == 1
    assert end.err.startswith(f"The command cannot go on: {told}")
    assert len(end.err.splitlines()) == 1
    found = re.search(r"the details are in (\S+)$", end.err.strip())
    assert found
    details = Path(found[1])
    assert f"{type(error).__name__}" in details.read_text()
    assert details.stat().st_mode & 0o077 == 0, "for its owner alone"
    details.unlink()


def test_ctrl_c_is_told_by_the_exit_code(fleetwatt: Fleetwatt, broken: list[BaseException]) -> None:
    broken.append(KeyboardInterrupt())
    assert fleetwatt("status") == (130, "", "")


def test_the_entry_point_loads_nothing_before_it_begins() -> None:
    """Ctrl-C while it loads would be a traceback; from then on it is taken well."""
    loads = "import sys; before = set(sys.modules); import orchestration.cli.main; print(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) == {"orchestration", "orchestration.cli", "orchestration.cli.main"}


def test_ctrl_c_is_taken_well_from_the_beginning_on(tmp_path: Path) -> None:
    for wait_s in (0.15, 0.5):
        command = [*FLEETWATT, "query", "SELECT count(*) FROM range(1000000) a, range(1000000) b"]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
        assert process.stderr
        time.sleep(wait_s)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        # Before our first line it is Python's own, which has several ways to say so.
        is_ours = "orchestration" in err or "warehouse" in err
        assert process.returncode == 130 or not is_ours, err
        assert "Traceback" not in err or not is_ours


class TestWhereTheOutputGoes:
    def test_nobody_reads_it(self, tmp_path: Path) -> None:
        """More than a pipe holds, and its reader takes one line."""
        command = [*FLEETWATT, "query", "SELECT repeat('x', 100) AS text FROM range(20000)", "--format", "csv"]
        with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=-1, stderr=-1) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.readline()
            process.stdout.close()
            err = process.stderr.read().decode()
            assert process.wait(60) == 141
        assert "Traceback" not in err
        assert "BrokenPipe" not in err

    @pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
    def test_it_is_closed(self, tmp_path: Path, closed: str) -> None:
        command = f'"$0" -m orchestration.cli.main simulate --faults {closed}'
        done = subprocess.run(
            ["sh", "-c", command, sys.executable], cwd=tmp_path, env=environment(), capture_output=True, check=False
        )
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr

    def test_the_disk_is_full(self, tmp_path: Path) -> None:
        for arguments in (["simulate", "--faults"], ["query", "SELECT 1", "--format", "json"], ["api", "--help"]):
            with Path("/dev/full").open("w") as full:
                done = subprocess.run(
                    [*FLEETWATT, *arguments],
                    cwd=tmp_path,
                    env=environment(),
                    stdout=full,
                    stderr=-1,
                    text=True,
                    check=False,
                )
            assert done.returncode == 1, done.stderr
            assert "The command cannot go on: No space left on device" in done.stderr
            assert "Traceback" not in done.stderr

    def test_it_is_a_terminal(self, tmp_path: Path) -> None:
        """Which obeys: a model, a name or a reading must not speak to it."""
        for form in ("table", "csv", "json"):
            ours, theirs = pty.openpty()
            command = [*FLEETWATT, "query", "SELECT chr(27) || '[2J' AS text", "--format", form]
            done = subprocess.run(command, cwd=tmp_path, env=environment(), stdout=theirs, stderr=-1, check=False)
            os.close(theirs)
            shown = os.read(ours, 65_536)
            os.close(ours)
            assert done.returncode == 0
            assert b"\x1b[2J" not in shown
            assert b"[2J" in shown


class TestWhereTextIsNotUtf8:
    def test_umlauts_in_a_home_are_found_in_the_c_locale(self, tmp_path: Path) -> None:
        done = ended("status", "--home", str(tmp_path / "müller"), cwd=tmp_path, LC_ALL="C", PYTHONUTF8="0")
        assert done.returncode == 1
        assert f"no server runs in {tmp_path}/müller;" in done.stderr

    @pytest.mark.parametrize("settings", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
    def test_a_file_whose_name_is_not_is_named(self, tmp_path: Path, settings: dict[str, str]) -> None:
        done = ended("import", b"m\xfcller.ndjson", cwd=tmp_path, **settings)
        assert (done.returncode, done.stdout) == (1, "")
        told = "The file of readings cannot be read: m\\xfcller.ndjson: No such file or directory\n"
        assert done.stderr == told

    def test_an_env_file_that_is_not_is_named(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_bytes("FLEET_HOME=müller\n".encode("latin-1"))
        done = ended("status", cwd=tmp_path)
        assert done.returncode == 1
        assert ".env is not written in UTF-8" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_tilde_is_the_users_home(fleetwatt: Fleetwatt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    assert f"no server runs in {tmp_path}/user/fw;" in fleetwatt("status", "--home=~/fw").err
    monkeypatch.setenv("FLEET_HOME", "~/fw")
    assert f"no server runs in {tmp_path}/user/fw;" in fleetwatt("status").err
    assert fleetwatt("query", "SELECT 1 AS one", "--output=~/one.json").code == 0
    assert (tmp_path / "user" / "one.json").read_text() == '[\n\t{"one":1}\n]\n'
    assert f"{tmp_path}/user/none.ndjson: No such file" in fleetwatt("import", "~/none.ndjson").err
    assert not (tmp_path / "~").exists()


def test_a_column_of_another_dataset_is_not_suggested_for_itself(fleetwatt: Fleetwatt) -> None:
    end = fleetwatt("query", "SELECT vehicle_external_id FROM daily_fleet_efficiency")
    assert end.code == 1
    assert "did you mean" not in end.err
    assert re.search(r"lists the columns of a dataset; .*daily_vehicle_efficiency.* have it$", end.err.strip())
