"""Several commands at once on one home, of which one has to start the server: each does its work, or says why not."""

import fcntl
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.conftest import COMMAND, PATIENCE_S, environment_of, processes_of, run

READINGS = 200


def write_readings(path: Path, day: datetime) -> None:
    instants = (day + timedelta(minutes=minute) for minute in range(READINGS))
    lines = (
        json.dumps(
            {"meterId": "m", "kwhConsumedAc": number / 10, "voltage": None, "timestamp": f"{ts:%Y-%m-%dT%H:%M:%SZ}"}
        )
        for number, ts in enumerate(instants)
    )
    path.write_text("\n".join(lines))


@pytest.mark.long
def test_each_does_its_work_and_the_server_stays_for_the_last(home: Path) -> None:
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    file = home.parent / "readings.ndjson"
    write_readings(file, day)
    assert run("migrate", "--home", str(home), home=home).returncode == 0
    commands: list[tuple[str, ...]] = [
        ("import", str(file), "--json"),
        ("import", str(file), "--json"),
        ("run-day", f"{day:%Y-%m-%d}"),
        ("retain",),
        ("hours",),
        ("query", "SELECT count(*) FROM meter_readings"),
        ("status",),
    ]
    begun = [
        subprocess.Popen(
            [*COMMAND, *command, "--home", str(home)],
            env=environment_of(home),
            cwd=home.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    ended = {}
    for number, (command, process) in enumerate(zip(commands, begun, strict=True)):
        out, err = process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in err, command
        # What only looks takes the server as it finds it, or says that there is none.
        assert process.returncode == 0 or (command[0] in ("status", "query") and "The database" in err), (command, err)
        ended[number] = out
    stored = [json.loads(ended[number])[0] for number in (0, 1)]
    assert sum(each["accepted"] for each in stored) == READINGS, "each reading once"
    assert sum(each["duplicates"] for each in stored) in (0, READINGS), "or the file was known"
    assert processes_of(home) == [], "the last one has put out the light"


@pytest.mark.parametrize("command", ["up", "status", "migrate", "run-day 2026-02-08"])
def test_while_an_earlier_version_runs_every_command_says_so_and_leaves_the_home_as_it_is(
    home: Path, command: str
) -> None:
    (home / "lake").mkdir(parents=True)
    for path in (home, home / "lake"):
        path.chmod(0o755)
    (home / "lock").write_text("process 42")
    (home / "lock").chmod(0o644)  # as an earlier version made it
    before = owners_and_modes(home)
    with (home / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run(*command.split(), "--home", str(home), home=home)
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert f"an earlier version of Fleetwatt runs on {home} (process 42); stop it first" in said
    assert owners_and_modes(home) == before


def owners_and_modes(home: Path) -> dict[Path, tuple[int, int]]:
    found = {path: path.lstat() for path in [home, *home.rglob("*")]}
    return {path: (each.st_uid, each.st_mode) for path, each in found.items()}
