"""What is used of other libraries' insides is what ADR 88 lists: in these modules, in these versions."""

import ast
import re
from importlib.metadata import version
from typing import NamedTuple

import pytest
from packaging.specifiers import SpecifierSet

from tests.markdown import ROOT

PAGE = ROOT / "docs/adr/0088-what-is-used-of-others-insides.md"
PACKAGES = ("ingest_api", "warehouse", "orchestration", "dbt_like_sql")
OURS = re.compile(r"(ingest_api|warehouse|orchestration|dbt_like_sql|__future__)\b")


class Use(NamedTuple):
    """A row of the table."""

    library: str
    bound: str
    """Only in a library's first row."""
    modules: list[str]
    test: str


def _use(line: str) -> Use:
    library, _, where, _, test = (cell.strip() for cell in line.strip("|").split("|"))
    name, _, bound = library.partition(" ")
    return Use(name, bound, re.findall(r"`([^`]+)`", where), test.strip("`"))


USES = [_use(line) for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][2:]
BOUNDS = {use.library: use.bound for use in USES if use.bound}


def test_each_library_has_a_bound() -> None:
    assert {use.library for use in USES} == BOUNDS.keys()


@pytest.mark.parametrize("library", BOUNDS)
def test_a_bound_is_that_of_the_requirements_and_holds_the_locked_version(library: str) -> None:
    required = (ROOT / "requirements/runtime.in").read_text("utf-8")
    assert re.search(rf"^{library}(\[\w+\])?{re.escape(BOUNDS[library])}$", required, re.M)
    (locked,) = re.findall(rf"^{library}(?:\[\w+\])?==(\S+)", (ROOT / "requirements/runtime.txt").read_text(), re.M)
    assert SpecifierSet(BOUNDS[library]).contains(locked)
    assert version(library) == locked


@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use.library} in {use.modules[0]}")
def test_a_row_names_modules_and_a_test_that_there_are(use: Use) -> None:
    assert use.modules
    assert all((ROOT / module).is_file() for module in use.modules)
    assert list((ROOT / "tests").glob(f"**/{use.test}"))


def test_every_module_that_imports_what_is_private_is_listed() -> None:
    private = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).glob("**/*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and not OURS.match(node.module)
        if re.search(r"(^|\.)_[a-z]", f"{node.module}.{'.'.join(each.name for each in node.names)}")
    }
    assert len(private) >= 5
    assert private <= {module for use in USES for module in use.modules}
