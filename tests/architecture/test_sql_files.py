"""SQL lives in files of one statement, named verb_noun, and every one of them is in use."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse import sqlfiles
from warehouse.postgres.migrate import alembic_config
from warehouse.postgres.schema_version import head_revision

ROOT = Path(__file__).parents[2]
PACKAGES = ("ingest_api", "warehouse", "orchestration")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).glob("**/sql/*.sql"))
VERBS = {
    "add",
    "advance",
    "attach",
    "begin",
    "change",
    "check",
    "classify",
    "close",
    "compare",
    "confirm",
    "copy",
    "count",
    "create",
    "delete",
    "detach",
    "drop",
    "end",
    "find",
    "forget",
    "insert",
    "list",
    "lock",
    "mark",
    "merge",
    "open",
    "quarantine",
    "queue",
    "read",
    "register",
    "release",
    "rename",
    "request",
    "seal",
    "set",
    "store",
    "sum",
    "summarize",
    "take",
    "update",
    "vacuum",
    "verify",
    "withdraw",
    "write",
}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def package_of(path: Path) -> str:
    """As ``sqlfiles.load`` is told it: files of one name may lie in several rooms."""
    return ".".join(path.relative_to(ROOT).parts[:-2])


def loaded_by(source: str) -> Iterator[tuple[str, str]]:
    """Of each call in a module that loads a statement the package, and regular expressions for names that it may be."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("sqlfiles.load", "with_the_rule"):
            package, name = call.args[:2]
            # What comes from elsewhere in the module may be any of its strings.
            named_here = [package, *(node for node in ast.walk(tree) if isinstance(package, ast.Name))]
            where = [node.value for node in named_here if isinstance(node, ast.Constant)]
            if isinstance(package, ast.Name) and package.id in constants:
                where = [constants[package.id]]
            patterns = list(patterns_of_names(tree if isinstance(name, ast.Name | ast.Attribute) else name))
            yield from ((str(each), pattern) for each in where for pattern in patterns)


def patterns_of_names(tree: ast.AST) -> Iterator[str]:
    """A regular expression for every string that could name a file: what is computed may be anything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.isidentifier():
                yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+" for part in node.values)
            pattern = "".join(parts)
            if re.search("[a-z]{4}", pattern):  # a name that is computed altogether would stand for every file
                yield pattern


def test_there_are_files() -> None:
    assert len(FILES) > 30


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_is_named_verb_noun(path: Path) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", path.stem)
    assert path.stem.split("_")[0] in VERBS


def test_every_file_is_loaded_by_some_module() -> None:
    loaded = {
        call
        for package in PACKAGES
        for module in (ROOT / package).glob("**/*.py")
        for call in loaded_by(module.read_text(encoding="utf-8"))
    }
    unused = [
        named(path)
        for path in FILES
        if not any(package == package_of(path) and re.fullmatch(pattern, path.stem) for package, pattern in loaded)
    ]
    assert unused == []


def test_files_of_one_name_are_told_apart() -> None:
    source = '_PACKAGE = "a.b"\nsqlfiles.load(_PACKAGE, "list_devices")\nsqlfiles.load("a.c", f"read_{kind}s")'
    loaded = set(loaded_by(source))
    assert loaded >= {("a.b", "list_devices"), ("a.c", r"read_\w+s")}
    assert ("a.c", "list_devices") not in loaded


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_holds_one_statement(path: Path) -> None:
    without_comments = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    assert without_comments.strip()
    assert ";" not in without_comments


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_is_found_by_the_name_of_its_package(path: Path) -> None:
    assert path.read_text(encoding="utf-8") in sqlfiles.load(package_of(path), path.stem).as_string()


def test_no_module_writes_a_query_of_its_own() -> None:
    """Statements of one line that need no file (locks, SET, SHOW) pass; what reads or writes a table does not."""
    query = re.compile(r"\b(SELECT\b.+\bFROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE|ALTER TABLE)\b", re.S)
    written = [
        (str(module.relative_to(ROOT)), constant.value)
        for package in ("ingest_api", "warehouse/postgres")
        for module in (ROOT / package).glob("**/*.py")
        for constant in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str) and query.search(constant.value)
    ]
    assert written == []


def test_a_name_that_does_not_exist_is_a_programming_error() -> None:
    with pytest.raises(FileNotFoundError):
        sqlfiles.load("ingest_api", "find_nothing")


def test_the_schema_that_a_service_expects_is_where_the_migrations_end() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(alembic_config())
    assert script.get_heads() == [head_revision()]
    assert script.get_bases() == ["0001"]
    revisions = [each.revision for each in script.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
