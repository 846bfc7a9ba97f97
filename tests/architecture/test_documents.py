"""What the pages say is so: links lead somewhere, commands and settings exist, paths of code are there."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from orchestration.cli.commands import app
from tests.architecture.test_settings_example import settings
from tests.markdown import ROOT, Page, commands_in, pages
from warehouse.lake.lake_readme import README, VIEWS

PAGES = pages()
HISTORY = {"CHANGELOG.md"}
"""Says what once was: names of then may be gone."""
every_page = pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
every_page_of_today = pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in HISTORY], ids=[p.name for p in PAGES if p.name not in HISTORY]
)

OF_THE_TESTS = {"FLEET_TEST_DATABASE_URL"}
NOT_IN_THE_PROJECT = {
    *(README, VIEWS, "week.html", "my_model.sql", "my_model.test.toml", "docker-compose.override.yml", "psycopg.sql")
}
"""Files that the lake or a home has, or that a user writes; a module whose name ends like a file's."""
PACKAGES = ("ingest_api", "warehouse", "orchestration", "dbt_like_sql", "tests")
ENDS_LIKE_CODE = re.compile(r"[\w./-]+\.(py|sql|toml|md|yml|html|css|in|txt)")


@cache
def files() -> frozenset[str]:
    """Every file that a page may name, by its path in the project."""
    found = [path for name in (*PACKAGES, "docs", "requirements") for path in (ROOT / name).rglob("*")]
    return frozenset(path.relative_to(ROOT).as_posix() for path in [*found, *ROOT.iterdir()] if path.is_file())


@every_page
def test_every_link_leads_somewhere(page: Page) -> None:
    broken = []
    for link in page.links():
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        if not target.exists() or (anchor and anchor not in Page(target).anchors()):
            broken.append(link)
    assert broken == []


@every_page_of_today
def test_every_path_of_code_is_there(page: Page) -> None:
    assert [name for span in page.spans() for name in span.split() if not _exists(name.strip(",:()"))] == []


def _exists(name: str) -> bool:
    """Whether a word of code, where it looks like a file, a folder or a module of ours, is one; of a test its file."""
    name = name.partition("::")[0]
    if re.fullmatch(rf"({'|'.join(PACKAGES)})(\.\w+)+", name) and name not in files():
        return _is_module(name)
    if name.startswith(tuple(f"{package}/" for package in PACKAGES)) and "*" not in name:
        return (ROOT / name).exists() or Path(name).name in NOT_IN_THE_PROJECT
    if ENDS_LIKE_CODE.fullmatch(name) and not name.startswith((".", "/")):
        ends = f"/{name}"
        return Path(name).name in NOT_IN_THE_PROJECT or any(f"/{path}".endswith(ends) for path in files())
    return True


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    parent = path.parent.with_suffix(".py") if path.parent.with_suffix(".py").is_file() else path.parent / "__init__.py"
    if not parent.is_file():
        return False
    names = ast.walk(ast.parse(parent.read_text(encoding="utf-8")))
    return any(path.name in (getattr(node, "name", None), getattr(node, "id", None)) for node in names)


@every_page_of_today
def test_every_setting_is_one(page: Page) -> None:
    named = set(re.findall(r"\bFLEET_[A-Z0-9_]+\b", page.text))
    assert named - settings().keys() - OF_THE_TESTS == set()


@every_page_of_today
def test_make_makes_it(page: Page) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    spans = [span.split() for span in page.spans()]
    named = [words[1] for words in [*page.shell(), *spans] if words[0] == "make" and len(words) > 1]
    assert [name for name in named if re.fullmatch(r"[a-z-]+", name) and name not in targets] == []


@every_page_of_today
def test_every_command_to_type_is_taken(page: Page) -> None:
    for words in page.shell():
        for arguments in commands_in(words, "fleetwatt"):
            _parse(arguments)


@every_page_of_today
def test_every_command_in_a_sentence_is_one(page: Page) -> None:
    unknown = []
    for span in page.spans():
        words = span.split()
        if words[0] != "fleetwatt" or words == ["fleetwatt"]:
            continue
        command, rest = _find(words[1:])
        is_no_command = hasattr(command, "commands") and rest and not rest[0].startswith("-") and not rest[0].isupper()
        options = {word.split("=")[0] for word in rest if word.startswith("--")}
        if is_no_command or options - _options(command):
            unknown.append(span)
    assert unknown == []


@every_page_of_today
def test_every_option_in_a_sentence_is_one(page: Page) -> None:
    if page.path.parent == ROOT / "docs/adr":
        return  # they name options of other programs
    named = {span.split("=")[0] for span in page.spans() if span.startswith("--")}
    assert named - _options(get_command(app)) == set()


def _options(command: Any) -> set[str]:
    """The options of a command and of all that are below it."""
    own = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    below = getattr(command, "commands", {})
    return own.union({"--help"}, *(_options(below[name]) for name in below))


def _find(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words name, and its own arguments."""
    command = get_command(app)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def _parse(words: list[str]) -> None:
    """Have the command line take these arguments, and run nothing. What it does not know, it raises."""
    command, arguments = _find(words)
    if "--help" in arguments or (hasattr(command, "commands") and not arguments):
        return
    assert not hasattr(command, "commands"), f"no such command: {' '.join(words)}"
    with command.make_context(command.name, list(arguments)):
        pass


def test_wrong_words_would_be_found() -> None:
    def fails(words: str) -> bool:
        try:
            _parse(words.split())
        except Exception as error:
            assert type(error).__name__ in {"AssertionError", "NoSuchOption", "MissingParameter", "BadParameter"}
            return True
        return False

    assert not fails("run-day 2026-02-08")
    wrong = ("walk 2026-02-08", "models draw", "run-day", "run-day yesterday", "query --out x FROM_a", "up --demos")
    assert [words for words in wrong if not fails(words)] == []


def test_pages_say_enough_to_be_held_to_it() -> None:
    typed = [words for page in PAGES for words in page.shell()]
    assert sum(len(list(commands_in(words, "fleetwatt"))) for words in typed) >= 20
    assert sum(len(page.links()) for page in PAGES) >= 100


def _operations() -> Iterator[str]:
    """The commands that the table of all commands names."""
    table = Page(ROOT / "docs/operations.md").text.partition("## Commands")[2].partition("\n## ")[0]
    yield from re.findall(r"^\| `fleetwatt ([a-z-]+)", table, re.M)


def test_the_table_of_commands_has_all_of_them() -> None:
    assert set(_operations()) == set(get_command(app).commands)  # type: ignore[attr-defined] # it is a group


def test_the_readme_is_read_in_a_minute() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert all(path.stat().st_size < 300_000 for path in (ROOT / "docs/images").iterdir())


def test_the_readme_leads_to_every_page() -> None:
    linked = {(ROOT / link).resolve() for link in Page(ROOT / "README.md").links()}
    assert {page.path for page in PAGES if page.path.parent == ROOT / "docs"} - linked == set()
