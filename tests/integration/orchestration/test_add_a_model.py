"""The page about adding a model, done as it is written: its files, its commands, and what they give."""

import io
import json
import re
import shutil
from pathlib import Path

import pytest

from dbt_like_sql.catalog import FOLDER, Catalog
from dbt_like_sql.declared_keys import CHECKS, COLUMN, MODEL
from tests.integration.orchestration.conftest import FilledDays, Fleetwatt
from tests.integration.orchestration.dagster_days import FIRST, Days
from tests.markdown import ROOT, Page, commands_in
from warehouse.postgres.connection import connect

pytestmark = pytest.mark.long
PAGE = Page(ROOT / "docs/add-a-model.md")
DRAFT, TOML_FILE = "my_model.sql", "dbt_like_sql/models/marts/models.toml"
TEST_FILE = "dbt_like_sql/models/marts/my_model.test.toml"
A_DAY = "2026-02-08"


@pytest.fixture
def days(filled_days: FilledDays, monkeypatch: pytest.MonkeyPatch) -> Days:
    """A lake with a day in it, on which every vehicle lost much."""
    days = filled_days(FIRST)
    with connect(days.url) as connection:
        connection.execute("UPDATE vehicle_readings SET kwh = 0.6 * kwh")
    days.pipeline.run(FIRST)
    monkeypatch.setenv("FLEET_DATABASE_URL", days.url)
    monkeypatch.setenv("FLEET_HOME", str(days.home))
    return days


@pytest.fixture
def project(days: Days, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one's own, whose models are read, beside a lake with a day in it."""
    folder = tmp_path / "project"
    shutil.copytree(FOLDER, folder / "dbt_like_sql", ignore=shutil.ignore_patterns("__pycache__"))
    load = Catalog.load
    monkeypatch.setattr(Catalog, "load", lambda: load(folder / "dbt_like_sql"))
    return folder


def section(number: int) -> Page:
    """One step of the page, up to the next."""
    part = Page(PAGE.path)
    part.text = PAGE.text.partition(f"\n## {number}. ")[2].partition(f"\n## {number + 1}. ")[0]
    return part


class Shell:
    """A person's shell in a project: it understands what the page has one type."""

    def __init__(self, project: Path, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch) -> None:
        self._project = project
        self._fleetwatt = fleetwatt
        self._monkeypatch = monkeypatch

    def type(self, words: list[str]) -> None:
        if words[0] == "mv":
            shutil.move(self._project / words[1], self._project / words[2])
            return
        (arguments,) = commands_in(words, "fleetwatt")
        if "<" in words:
            self._monkeypatch.setattr("sys.stdin", io.StringIO(self._text(words[words.index("<") + 1])))
        typed = [self._expanded(FIRST.isoformat() if word == A_DAY else word) for word in arguments]
        ended = self._fleetwatt(*typed)
        assert ended.code == 0, (typed, ended)

    def _expanded(self, word: str) -> str:
        return re.sub(r"\$\(cat (\S+)\)", lambda found: self._text(found[1]), word)

    def _text(self, file: str) -> str:
        return (self._project / file).read_text(encoding="utf-8")


def test_the_page_as_it_is_written(project: Path, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch) -> None:
    shell, typed = Shell(project, fleetwatt, monkeypatch), 0
    for number in range(1, 7):
        step = section(number)
        for sql in step.blocks("sql"):
            (project / DRAFT).write_text(sql, encoding="utf-8")
        for toml in step.blocks("toml"):
            with (project / (TEST_FILE if "[test." in toml else TOML_FILE)).open("a", encoding="utf-8") as file:
                file.write("\n" + toml)
        for words in step.shell():
            shell.type(words)
            typed += 1
    assert typed == len(list(PAGE.shell()))
    expected = fleetwatt(
        "query",
        "SELECT day, vehicle_id FROM daily_vehicle_efficiency WHERE lost_against_target_kwh > 0 ORDER BY ALL",
        "--format",
        "json",
    )
    made = fleetwatt("query", "SELECT day, vehicle_id FROM my_model ORDER BY ALL", "--format", "json")
    assert json.loads(made.out) == json.loads(expected.out) != []


def test_it_names_every_key_and_every_form_of_check() -> None:
    rows = [line for line in PAGE.text.splitlines() if line.startswith("| `")]
    named = " ".join(rows)
    for key in MODEL:
        assert f"`{key}`" in named, key
    for name, check in CHECKS.items():
        assert f"{{ {name} = " in named, name
        assert all(f"{option} = " in named for option in check.options), name
    assert all(f"{key} = " in PAGE.blocks("toml")[0] for key in COLUMN)
