"""Who may import whom: import-linter's contracts, and that the product's contract needs nothing but Python."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "warehouse" / "contract"


def test_the_import_linter_finds_no_breach() -> None:
    lint_imports = Path(sys.executable).parent / "lint-imports"
    run = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def imported_modules(source: str) -> set[str]:
    """Every module that a source file names in an import, anywhere in the file."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


@pytest.mark.parametrize("path", sorted(CONTRACT.glob("**/*.py")), ids=lambda path: path.stem)
def test_the_contract_imports_only_the_standard_library_and_itself(path: Path) -> None:
    foreign = {
        module
        for module in imported_modules(path.read_text(encoding="utf-8"))
        if module.split(".")[0] not in sys.stdlib_module_names and not f"{module}.".startswith("warehouse.contract.")
    }
    assert foreign == set()


def test_the_contract_is_there() -> None:
    assert {path.stem for path in CONTRACT.glob("*.py")} >= {"readings", "energy", "tables", "partitions", "errors"}


@pytest.mark.parametrize("package", ["ingest_api", "warehouse", "orchestration", "dbt_like_sql"])
def test_every_module_says_what_it_owns(package: str) -> None:
    silent = [
        path.relative_to(ROOT)
        for path in (ROOT / package).glob("**/*.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_a_service_that_answers_requests_loads_no_engine_and_no_migrations() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import ingest_api.app, sys; print(*{name.split('.')[0] for name in sys.modules})"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"psycopg", "fastapi"} <= set(loaded)
    assert set(loaded).isdisjoint({"duckdb", "polars", "dagster", "alembic", "sqlalchemy", "pyarrow", "pandas"})


def test_only_the_faults_own_tests_know_the_faults() -> None:
    own = {"faults", "integration/faults"}
    knowing = [
        path.relative_to(ROOT)
        for path in (ROOT / "tests").glob("**/*.py")
        if path.parent.relative_to(ROOT / "tests").as_posix() not in own | {"faults/backup", "faults/day"}
        and any(f"{module}.".startswith("tests.faults.") for module in imported_modules(path.read_text("utf-8")))
    ]
    assert knowing == []
