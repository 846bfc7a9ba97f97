"""A run's process is forked from one that has the libraries and no threads, and imports what is ours itself."""

import json
import subprocess
import sys

import pytest

from orchestration.dagster_runtime.forked_runs import LIBRARIES

CODE_SERVER = """
import json, multiprocessing, sys
from orchestration.dagster_runtime.forked_runs import fork_runs

RUN = '''
import json, os, sys
parent = os.getppid()
print(json.dumps({"parent": parent, "threads": os.listdir(f"/proc/{parent}/task"), "has": list(sys.modules)}))
'''

fork_runs()
spawn = multiprocessing.get_context("spawn")
for _ in range(2):
    process = spawn.Process(target=exec, args=[RUN])
    process.start()
    process.join()
process = spawn.Process(target=sys.exit, args=[7])
process.start()
process.join()
print(json.dumps(process.exitcode))
"""


@pytest.fixture(scope="module")
def told() -> list[object]:
    """What two runs, one after another, tell of themselves, and the exit code of a third as its code server sees it."""
    done = subprocess.run([sys.executable, "-c", CODE_SERVER], check=True, capture_output=True, text=True, timeout=120)
    assert not done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_runs_have_one_parent_without_threads_of_its_own(told: list[dict[str, object]]) -> None:
    first, second, _ = told
    assert first["parent"] == second["parent"]
    assert first["threads"] == [str(first["parent"])]


def test_a_run_has_the_libraries_and_nothing_of_ours(told: list[dict[str, list[str]]]) -> None:
    has = set(told[1]["has"])
    assert has.issuperset(LIBRARIES)
    assert not {name for name in has if name.partition(".")[0] in {"orchestration", "warehouse", "polars", "pyarrow"}}


def test_the_code_server_sees_how_a_run_ended(told: list[object]) -> None:
    assert told[2] == 7
