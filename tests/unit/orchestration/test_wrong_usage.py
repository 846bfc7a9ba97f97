"""Whatever is written on the command line: a sentence, and 2 where it cannot be understood."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.run import run
from tests.command_tree import COMMANDS

NO_DAY = "expected a day (UTC) that there is, as YYYY-MM-DD, e.g. 2026-02-08"
WRONG = {
    "run-day 2026-02-30": NO_DAY,
    "run-day tomorrow": NO_DAY,
    "run-day 2026-2-8": NO_DAY,
    "run-day 20260208": NO_DAY,
    "run-day \u0662\u0660\u0662\u0666-02-08": NO_DAY,
    "run-day 0000-01-01": NO_DAY,
    "seal 2026-13-01": NO_DAY,
    "export 2026-02-08T00:00:00": NO_DAY,
    "query x --day 2026-02-30": NO_DAY,
    "report --month --until 0001-01-15": "expected a day from 1970 to 2200",
    "run-day 9999-12-31": "expected a day from 1970 to 2200",
    "query x --day yesterday": "as YYYY-MM-DD, yesterday is 20",
    "models check --day 2026-02-30": NO_DAY,
    "run-day": "Missing argument",
    "run-day 2026-02-08 2026-02-09": "unexpected extra argument",
    "query": "Missing argument",
    "query x --format xml": "'xml' is not one of",
    "query x --limit -1": "greater than or equal to 0",
    "devices import": "Missing argument",
    "devices import nowhere.csv": "No such file",
    "devices prune": "Missing option '--older-than'",
    "devices prune --older-than 30": "a number of days, at least",
    "devices prune --older-than 1d": "a number of days, at least",
    "devices prune --older-than -30d": "a number of days, at least",
    "devices prune --older-than \u0663\u0660d": "a number of days, at least",
    "import": "Missing argument",
    "status --days 0": "greater than or equal to 1",
    "status --days x": "valid integer",
    "models show nothing": "no dataset is called nothing",
    "models lineage daily_fleet_efficiency --column nope": "has no column nope",
    "models nope": "No such command",
    "scrub extra": "unexpected extra argument",
    "hours --nope": "No such option",
    "retain --home": "requires an argument",
    "simulate --since 2026-02-30": "RFC 3339",
    "up --port 99999": "less than or equal to 65535",
    "nope": "No such command",
}


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Any]:
    """Run a command line; its exit code, and what it says on stderr."""
    monkeypatch.chdir(tmp_path)

    def run_it(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["fleetwatt", *arguments])
        code = run()
        return code, capsys.readouterr().err

    return run_it


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_is_told_in_a_sentence(ends: Callable[..., tuple[int, str]], line: str) -> None:
    code, said = ends(*line.split())
    assert code == 2
    assert WRONG[line] in said
    for inside in ("Traceback", "Value error", "%Y"):
        assert inside not in said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_a_home_in_the_same_way(ends: Callable[..., tuple[int, str]], name: str) -> None:
    (home,) = [each for each in COMMANDS[name].params if "--home" in each.opts]
    assert home.help.startswith("Folder of the data and the logs.")
    code, said = ends(*name.split()[1:], "--home", "")
    assert (code, "it is empty; name a folder" in said) == (2, True)


@pytest.mark.parametrize("group", ["models", "devices"])
def test_a_home_before_the_commands_name_means_the_same(ends: Callable[..., tuple[int, str]], group: str) -> None:
    file = Path("file").absolute()
    file.write_text("")
    command = {"models": ["docs"], "devices": ["prune", "--older-than", "30d"]}[group]
    for line in ([group, "--home", str(file), *command], [group, *command, "--home", str(file)]):
        code, said = ends(*line)
        assert code == 1
        assert f"{file}" in said
        assert "is a file; name another home with --home" in " ".join(said.split())


def test_a_home_that_is_not_there_is_no_hindrance_to_the_list_of_models(ends: Callable[..., tuple[int, str]]) -> None:
    for line in (["models", "list", "--home", "away"], ["models", "--home", "away", "list", "--json"]):
        assert ends(*line)[0] == 0
    assert not Path("away").exists()
