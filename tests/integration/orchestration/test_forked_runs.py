"""A run that Dagster's code server begins is forked from a process that has the libraries, and imports ours itself."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test, poll_for_finished_run
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import PythonFileTarget

from orchestration.dagster_runtime.forked_runs import LIBRARIES

RUN_WITHIN_S = 300
CODE = """
import sys

HAD = sorted(sys.modules)

import json
import os
from multiprocessing import parent_process
from pathlib import Path

import dagster as dg

from orchestration.dagster_runtime.forked_runs import fork_runs

if parent_process() is None:  # as in orchestration.definitions
    fork_runs()


@dg.op
def tell():
    parent = os.getppid()
    told = {"pid": os.getpid(), "parent": parent, "threads": os.listdir(f"/proc/{parent}/task"), "had": HAD}
    with Path(__file__).with_name("told").open("a") as file:
        print(json.dumps(told), file=file)


@dg.op
def die():
    os._exit(7)


@dg.job(executor_def=dg.in_process_executor)
def telling():
    tell()


@dg.job(executor_def=dg.in_process_executor)
def dying():
    die()


definitions = dg.Definitions(jobs=[telling, dying])
"""


@dataclass(frozen=True)
class CodeServer:
    """A code server that Dagster has started, and what its runs wrote."""

    instance: dg.DagsterInstance
    workspace: WorkspaceRequestContext
    told: Path

    def run(self, name: str) -> dg.DagsterRun:
        """Run a job to its end: Dagster's launcher asks the code server, which begins a process."""
        (repository,) = self.workspace.get_code_location("here").get_repositories().values()
        job = repository.get_full_job(name)
        run = create_run_for_test(
            self.instance,
            job_name=name,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
        )
        self.instance.launch_run(run.run_id, self.workspace)
        return poll_for_finished_run(self.instance, run.run_id, timeout=RUN_WITHIN_S)


@pytest.fixture(scope="module")
def code_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeServer]:
    folder = tmp_path_factory.mktemp("code")
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}")
    file = folder / "code_of_the_test.py"
    file.write_text(CODE)
    target = PythonFileTarget(str(file), attribute=None, working_directory=None, location_name="here")
    with (
        dg.DagsterInstance.from_config(str(folder)) as instance,
        WorkspaceProcessContext(instance, target) as context,
    ):
        yield CodeServer(instance, context.create_request_context(), folder / "told")


@pytest.fixture(scope="module")
def told(code_server: CodeServer) -> list[dict[str, object]]:
    """What two runs, one after another, tell of themselves."""
    for _ in range(2):
        assert code_server.run("telling").status is dg.DagsterRunStatus.SUCCESS
    return [json.loads(line) for line in code_server.told.read_text().splitlines()]


def test_runs_have_one_parent_without_threads_of_its_own(told: list[dict[str, object]]) -> None:
    first, second = told
    assert first["pid"] != second["pid"]
    assert first["parent"] == second["parent"]
    assert first["threads"] == [str(first["parent"])]


def test_a_run_has_the_libraries_and_nothing_of_ours(told: list[dict[str, list[str]]]) -> None:
    had = set(told[1]["had"])
    assert had.issuperset(LIBRARIES)
    assert not {name for name in had if name.partition(".")[0] in {"orchestration", "warehouse", "polars", "pyarrow"}}


def test_the_code_server_sees_how_a_run_ended(code_server: CodeServer) -> None:
    run = code_server.run("dying")
    assert run.status is dg.DagsterRunStatus.FAILURE
    said = [entry.user_message or entry.message for entry in code_server.instance.all_logs(run.run_id)]
    assert any("exited with code 7" in each for each in said), said
