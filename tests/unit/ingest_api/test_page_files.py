"""Scripts, styles and words of the pages: what is of others is as they published it, and everything named is there."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ingest_api.pages import assets
from ingest_api.pages.words import words
from tests.vendored import FOLDER, MANIFEST, digest_of, packages
from warehouse.contract.findings import Event, Rule, Severity, State
from warehouse.postgres.findings.acts import Act

PAGES = Path(assets.__file__).parent
SCRIPTS = sorted((PAGES / "static").glob("*.js"))
TEMPLATES = sorted((PAGES.parent / "dashboard" / "templates").glob("*.html"))
BY_NAME = re.compile(r"(?<!/)words\.([a-z_]+(?:\.[a-z_]+)*)(?![a-z_.]*\()")


def test_scripts_of_others_are_as_they_were_published() -> None:
    named = {name: digest for package in packages() for name, (_, digest) in package["files"].items()}
    assert {path.name for path in FOLDER.iterdir()} - {MANIFEST.name} == named.keys()
    assert {name: digest_of((FOLDER / name).read_bytes()) for name in named} == named


def test_each_of_them_has_its_licence_beside_it() -> None:
    for package in packages():
        assert package["licence"] in ("0BSD", "MIT")
        assert any(name.endswith(".LICENSE") for name in package["files"])
        assert package["integrity"].startswith("sha512-")


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_a_script_writes_text_and_never_markup_or_code(path: Path) -> None:
    markup = r"\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
    assert re.findall(markup, path.read_text(encoding="utf-8")) == []


def test_imports_are_called_by_their_content() -> None:
    for path in SCRIPTS:
        served = assets.asset(path.name)
        assert re.fullmatch(rf"assets/{path.stem}\.[0-9a-f]{{16}}\.js", served)


def found(table: Any, name: str) -> Any:
    for each in name.split("."):
        table = table[each]
    return table


@pytest.mark.parametrize("path", TEMPLATES, ids=[path.name for path in TEMPLATES])
def test_every_word_of_a_template_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if said := re.search(r"set said = words\.([a-z_.]+)", text):
        text = text.replace("said.", f"words.{said[1]}.")
    for name in BY_NAME.findall(text):
        found(words(), name.removesuffix(".get"))


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_every_word_of_a_script_is_there(path: Path) -> None:
    for name in BY_NAME.findall(path.read_text(encoding="utf-8")):
        found(words()["scripts"], name.removesuffix(".replace"))


def test_every_state_rule_and_act_has_words() -> None:
    tables = {"states": State, "rules": Rule, "severities": Severity, "events": Event, "acts": Act}
    for table, kind in tables.items():
        assert words()[table].keys() == {each.value for each in kind}, table
    assert words()["scripts"]["states"].keys() == {each.value for each in State}


def test_the_package_has_all_of_it() -> None:
    declared = tomllib.loads((PAGES.parents[1] / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "*"
    ]
    folders = {path.name for path in PAGES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {f"{name}/*" for name in folders} <= set(declared)
