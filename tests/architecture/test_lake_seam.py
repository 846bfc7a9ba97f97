"""Where a file of the lake lies is known to one room, ``warehouse/lake/storage``; everybody else asks it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORAGE = ROOT / "warehouse/lake/storage"
BESIDE_THE_FILES = {
    "warehouse/lake/lake_readme.py",  # README.md, views.sql and files.json
    "warehouse/lake/snapshot.py",  # files.json
    "warehouse/lifecycle/take_over.py",  # where the release before had its files
}
"""What joins paths in the lake's folder that are no versions of datasets."""


def modules() -> Iterator[Path]:
    for package in ("ingest_api", "orchestration", "warehouse", "dbt_like_sql"):
        yield from (path for path in (ROOT / package).rglob("*.py") if STORAGE not in path.parents)


def joins_below_a_lake(tree: ast.Module) -> list[int]:
    """The lines that divide a lake's root by something, or put a day's folder into a text."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and "root" in ast.unparse(node.left).split("."):
            lines.append(node.lineno)
        if isinstance(node, ast.JoinedStr) and any(
            isinstance(part, ast.Constant) and str(part.value).endswith("day=") for part in node.values
        ):
            lines.append(node.lineno)
    return lines


def test_no_module_joins_paths_of_the_lake_by_itself() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if joins_below_a_lake(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == BESIDE_THE_FILES


def test_what_is_looked_for_is_found_where_it_is_allowed() -> None:
    for name in ("keys.py", "lake.py", "local_folder.py"):
        assert joins_below_a_lake(ast.parse((STORAGE / name).read_text(encoding="utf-8"))), name
