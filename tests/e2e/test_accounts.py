"""Started by root, nothing of the platform runs as root or leaves files of root behind, by whatever command."""

import json
import os
import pwd
import stat
from pathlib import Path

import pytest

from tests.e2e.conftest import AS_ROOT, Platform, eventually, history_with_a_closed_day, processes_of, run
from tests.factories import meter_payload

pytestmark = pytest.mark.skipif(not AS_ROOT, reason="needs root: it is about root and another account")


def of_root(home: Path) -> list[Path]:
    return [path for path in [home, *home.rglob("*")] if path.lstat().st_uid == 0]


def open_to_others(home: Path) -> list[Path]:
    """But for the server's socket, to which its folder leads."""
    found = (path for path in [home, *home.rglob("*")] if path.lstat().st_mode & 0o007)
    return [path for path in found if not stat.S_ISSOCK(path.lstat().st_mode)]


@pytest.mark.long
def test_started_by_root_it_runs_as_somebody_else_and_so_it_stays(home: Path) -> None:
    home.mkdir(mode=0o755)
    for name in ("logs", "lake", "dagster"):  # as an earlier version made them
        (home / name).mkdir()
        (home / name).chmod(0o755)
    (home / "lock").touch(mode=0o644)
    with Platform(home, "--vehicles", "2", *history_with_a_closed_day()) as platform:
        platform.wait_until_up()
        assert platform.error_of_dagsters_code() is None
        assert {process.uids().effective for process in processes_of(home) if process.pid != os.getpid()} == {
            home.stat().st_uid
        }
        day, _, _ = platform.wait_for(": sealed, exported, rolled up and reported").partition(":")
        assert of_root(home) == []
        assert open_to_others(home) == []
        readings = home.parent / "readings.ndjson"
        readings.write_text(json.dumps(meter_payload()))
        commands = [
            ["status"],
            ["query", "FROM daily_fleet_efficiency"],
            ["import", str(readings)],
            ["run-day", day],
            ["export", day],
            *([each] for each in ("hours", "scrub", "retain", "pack", "migrate", "partitions")),
            ["models", "docs"],
        ]
        for command in commands:
            done = run(*command, "--home", str(home), home=home)
            assert (command, done.returncode, done.stderr) == (command, 0, done.stderr)
            assert (command, of_root(home)) == (command, [])
        told = json.loads(run("audit", "--actor", "command line", "--json", "--home", str(home), home=home).stdout)
        by_hand = {each["subject"] for each in told if each["action"] == "command.run"}
        assert by_hand >= {"run-day", "export", "import"}, "begun by root, gone on with as the account"
        assert "database.migrate" in {each["action"] for each in told}, "by the start, which asks nobody for a token"
        assert {each["actor"]["name"] for each in told} == {os.environ.get("SUDO_USER", "root")}
        assert platform.stop() == 0
    for command in (["import", str(readings)], ["models", "docs"]):  # one now starts the server, the other needs none
        done = run(*command, "--home", str(home), home=home)
        assert (command, done.returncode, done.stderr) == (command, 0, done.stderr)
        assert (command, of_root(home)) == (command, [])
    with Platform(home, "--vehicles", "2", "--no-dagster") as platform:
        platform.wait_until_up()
        assert eventually(platform.answers)
        assert platform.stop() == 0


@pytest.mark.long
def test_root_writes_no_pages_through_links_that_the_account_laid(home: Path) -> None:
    roots = home.parent / "roots"
    roots.mkdir(mode=0o700)
    of_root_alone = roots / "secret"
    of_root_alone.write_text("as it was")
    account = pwd.getpwnam("nobody")
    (home / "docs").mkdir(parents=True)
    (home / "docs" / "index.html").symlink_to(of_root_alone)
    for path in (home / "docs", home):
        os.chown(path, account.pw_uid, account.pw_gid)
    home.parent.chmod(0o755)
    refused = run("models", "docs", "--home", str(home), home=home)
    assert (of_root_alone.read_text(), of_root(home / "docs")) == ("as it was", [home / "docs" / "index.html"])
    assert refused.returncode != 0
    assert "Permission denied" in refused.stderr
    (home / "docs" / "index.html").unlink()
    written = run("models", "docs", "--home", str(home), home=home)
    assert (written.returncode, of_root(home)) == (0, []), written.stderr
