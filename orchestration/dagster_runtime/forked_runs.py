"""The process of a run is forked from one that has imported the libraries; Dagster would import them again each run.

Of a small run two fifths were imports. Dagster's code server begins each run's process by multiprocessing's ``spawn``,
and has no setting for it: so its ``spawn`` is made to fork, from a server process that has no threads.
"""

import multiprocessing

LIBRARIES = [
    "dagster._grpc.impl",
    "dagster._core.execution.api",
    "dagster_postgres",
    "duckdb",
    "httpx",
    "jinja2",
    "msgspec",
    "psycopg_pool",
    "pydantic_settings",
    "sqlglot.optimizer",
    "typer",
]
"""None starts a thread when it is imported: a process with threads cannot be forked safely, so a run imports polars and
pyarrow itself. None of them is ours, so that each run begins with our code as it is on disk."""


def fork_runs() -> None:
    """Have the code server, in whose process this is, fork its runs. The first one waits for the imports."""
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(LIBRARIES)
    vars(multiprocessing.get_context("spawn"))["Process"] = forking.Process
