"""The table of what a standard asks: each item has a test that holds it, and each test that is named is there."""

import ast
import re
from functools import cache

import pytest

from tests.markdown import ROOT, Page

PAGE = Page(ROOT / "docs/security.md")
HEADING = "## What a standard asks"
HEAD = "| item | asks | held by |"
_NODE = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)+)`")
_ITEM = re.compile(r"\d+\.\d+(\.\d+)?( to \d+\.\d+\.\d+)?|RFC \d+")


def rows() -> list[list[str]]:
    """The cells of each row."""
    lines = PAGE.text.partition(f"{HEADING}\n")[2].splitlines()
    table = lines[lines.index(HEAD) + 2 :]
    end = next(number for number, line in enumerate(table) if not line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[:end]]


every_row = pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])


@every_row
def test_each_item_is_held_by_tests_that_are_there(row: list[str]) -> None:
    item, asks, held_by = row
    named = held_by.split(", ")
    found = [_NODE.fullmatch(each) for each in named]
    assert asks
    assert None not in found, f"{item}: name each test as pytest does, {named}"
    missing = [each[0] for each in found if each and each[2] not in nodes(each[1])]
    assert missing == [], item


def test_no_item_is_told_twice_or_both_met_and_not_met() -> None:
    items = [item for row in rows() for item in row[0].split(", ")]
    assert [item for item in items if not _ITEM.fullmatch(item)] == []
    assert len(items) == len(set(items)) > 40
    not_met = PAGE.text.partition("\nNot met:\n")[2]
    told = [
        item for line in not_met.splitlines() if line.startswith("- ") for item in re.findall(r"\d+\.\d+\.\d+", line)
    ]
    assert told
    assert set(told).isdisjoint(items)


@cache
def nodes(path: str) -> frozenset[str]:
    """What pytest would run of a file, by what follows its path: tests, and classes that have some."""
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    return frozenset(_nodes(tree.body))


def _nodes(body: list[ast.stmt]) -> list[str]:
    found = []
    for each in body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_"):
            found.append(f"::{each.name}")
        elif isinstance(each, ast.ClassDef) and each.name.startswith("Test") and (inner := _nodes(each.body)):
            found += [f"::{each.name}", *(f"::{each.name}{name}" for name in inner)]
    return found
