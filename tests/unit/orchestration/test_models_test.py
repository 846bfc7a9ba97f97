"""``fleetwatt models test``, and what ``models check`` and ``models docs`` say of unit tests."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from dbt_like_sql.catalog import Catalog
from orchestration.cli.models.commands import models
from tests.unit.dbt_like_sql.small_catalog import write_catalog
from tests.unit.dbt_like_sql.test_unit_test_reading import FILE, GROWTH_TEST

app = typer.Typer(rich_markup_mode=None)
app.add_typer(models, name="models")

WRONG = GROWTH_TEST.replace("| 2.5", "| 2.25")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small catalog in place of ours, with the tests of ``growth``."""
    catalog_of = Catalog.load
    folder = write_catalog(tmp_path, {FILE: GROWTH_TEST})
    monkeypatch.setattr(Catalog, "load", lambda: catalog_of(folder))
    return tmp_path / "home"


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments, "--home", str(home)])


def write(home: Path, text: str) -> None:
    (home.parent / "small" / FILE).write_text(text, encoding="utf-8")


def test_tests_that_pass_are_counted(home: Path) -> None:
    result = run(home, "test")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "growth: 1 test, " in result.stderr
    assert "1 unit test: 1 passed, 0 failed, in " in result.stderr


def test_one_that_fails_shows_its_rows_with_file_and_line(home: Path) -> None:
    write(home, WRONG)
    result = run(home, "test")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "small/models/staging/growth.test.toml:3: the_last_less_the_first",
        "             device_id | grown_kwh",
        "    expected 1         | 2.25",
        "    got      1         | 2.5",
        "                         ^",
    ]
    assert "1 unit test: 0 passed, 1 failed, in " in result.stderr


def test_one_that_cannot_be_read_is_told_beside_the_others(home: Path) -> None:
    write(home, f'{GROWTH_TEST}[test.another]\nexpects = ""\n')
    result = run(home, "test")
    assert result.exit_code == 1
    assert f"small/{FILE}:14: expects is no key of a test; did you mean expect?" in result.stdout
    assert "1 unit test: 1 passed" in result.stderr


def test_a_program_reads_json(home: Path) -> None:
    write(home, WRONG)
    result = run(home, "test", "--json")
    (said,) = json.loads(result.stdout)["tests"]
    assert (said["dataset"], said["subject"], said["name"], said["line"]) == (
        "growth",
        "growth",
        "the_last_less_the_first",
        3,
    )
    assert not said["passed"]
    assert said["failure"][1] == "expected 1         | 2.25"


def test_a_selection_runs_its_own_and_says_where_there_are_none(home: Path) -> None:
    assert "1 unit test: 1 passed" in run(home, "test", "-s", "+total").stderr
    none = run(home, "test", "-s", "total")
    assert none.exit_code == 4
    assert "no unit test is selected by total" in none.stderr
    unknown = run(home, "test", "-s", "grow")
    assert unknown.exit_code == 2
    assert "did you mean growth?" in unknown.stderr


def test_the_check_of_the_models_runs_them(home: Path) -> None:
    assert "1 unit test passes" in run(home, "check").stderr
    write(home, WRONG)
    result = run(home, "check")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "small/models/staging/growth.test.toml:3: the unit test the_last_less_the_first of growth fails; "
        "fleetwatt models test -s growth shows the rows"
    ]
    assert "1 problem in the unit tests" in result.stderr
    assert "there is nothing to compare with" in result.stderr  # what a change does is shown all the same
    said = json.loads(run(home, "check", "--json").stdout)
    assert (said["problems"], [each["line"] for each in said["unitTests"]]) == ([], [3])


def test_the_page_of_a_model_shows_them_as_examples(home: Path, tmp_path: Path) -> None:
    assert run(home, "docs", "--output", str(tmp_path / "docs")).exit_code == 0
    page = (tmp_path / "docs/growth.html").read_text(encoding="utf-8")
    example = page.partition("<h2>Examples</h2>")[2].partition("<h2>")[0]
    assert "<summary>the last less the first</summary>" in example
    assert '<a class="name" href="readings.html">readings</a>' in example
    assert example.count("<tr>") == 2 + 2 + 1
    assert '<td class="name">12.5</td>' in example
    assert "<h2>Examples</h2>" not in (tmp_path / "docs/total.html").read_text(encoding="utf-8")
