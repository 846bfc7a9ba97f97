"""Runs a bench as ``make`` does, and reads what it tells."""

import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
PATIENCE_S = 900
"""An upper bound on a busy machine; nothing is asserted to be quicker."""


def bench(module: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with its temporary folder in this one."""
    return subprocess.run(
        [sys.executable, "-m", module, "--folder", folder, *arguments],
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if not name.startswith("FLEET_")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def told(run: subprocess.CompletedProcess[str]) -> set[str]:
    """The names of its figures; each has to be told once as JSON, in the shape that is read, and once in the table."""
    figures = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    for figure in figures:
        assert list(figure) == ["name", "value", "unit", "baseline", "ratio"]
        assert isinstance(figure["value"], int | float)
        assert (figure["baseline"] is None) == (figure["ratio"] is None)
    names = [figure["name"] for figure in figures]
    table = [line.split("|")[1].strip() for line in run.stdout.splitlines() if line.startswith("|")]
    assert sorted(table[2:]) == sorted(names)
    assert len(set(names)) == len(names)
    return set(names)
