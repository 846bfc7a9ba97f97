"""``python -m orchestration.dagster_ui``: serves Dagster's UI behind the gate, in place of ``dagster-webserver``."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from dagster import DagsterInstance, __version__
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from starlette.applications import Starlette

from orchestration.dagster_ui.gate import Gate
from orchestration.dagster_ui.server import GuardedWebserver
from orchestration.processes.listening import wait_until_listening
from warehouse.behind_sign_in import ORIGIN, PATH, SECRET_VARIABLE
from warehouse.contract.redaction import keep_secret, redact_output

# Dagster's own defaults.
STATEMENT_WITHIN_MS = 15_000
POOL_RECYCLE_S = 3_600
POOL_MOST_BESIDE = 20

CODE_LOADED_WITHIN_S = 60.0
"""Then the pages are served without our code, and say why."""


def main() -> None:
    """Serve until it is told to stop."""
    redact_output()
    arguments = _arguments()
    secret = os.environ.pop(SECRET_VARIABLE, None)
    keep_secret(secret)
    configure_loggers(log_level="WARNING")
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(STATEMENT_WITHIN_MS, POOL_RECYCLE_S, POOL_MOST_BESIDE)
        workspace = WorkspaceFileTarget([arguments.workspace])
        # The code server listens once it has loaded our code, or has found out why it cannot. A workspace that is made
        # before that shows that it is unreachable, for ten seconds: Dagster looks again no sooner.
        wait_until_listening(arguments.code_socket, CODE_LOADED_WITHIN_S)
        with WorkspaceProcessContext(
            instance, workspace, version=__version__, read_only=arguments.read_only
        ) as context:
            server = GuardedWebserver(context, read_only=arguments.read_only, prefix=PATH if secret else "")
            origins = [ORIGIN] if secret else arguments.origin
            uvicorn.run(
                Gate(server.create_asgi_app(lifespan=_lifespan), origins, secret),
                host=arguments.host,
                port=arguments.port,
                log_level="warning",
                server_header=False,
                proxy_headers=False,  # nothing here depends on where a request came from
            )


def _arguments() -> Namespace:
    parser = ArgumentParser()
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--code-socket", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--origin", action="append", required=True)
    parser.add_argument("--read-only", action="store_true")
    return parser.parse_args()


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    from asyncio import CancelledError

    with suppress(CancelledError):  # how a stop by a signal ends it
        yield


if __name__ == "__main__":
    main()
