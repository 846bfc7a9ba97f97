"""Dagster's web server as the product serves it, of an empty workspace, in a thread of the tests."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
import httpx
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from websockets.asyncio.client import connect

from orchestration.dagster_ui.gate import Gate
from orchestration.dagster_ui.server import GuardedWebserver
from tests.ports import free_port
from warehouse.behind_sign_in import ORIGIN, PATH
from warehouse.origins import own_origins

ELSEWHERE = "https://dagster.example"


class Ui:
    """A UI of an empty workspace on a port of its own."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.port = port

    def ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        with httpx.Client(base_url=self.origin, trust_env=False, timeout=60) as client:
            return client.request(method, path, **what)

    def post(self, query: object, **headers: str) -> httpx.Response:
        return self.ask("POST", "/graphql", json={"query": query}, headers={"Origin": self.origin, **headers})

    def subscribe(self, question: str, **handshake: Any) -> dict[str, Any]:
        """What a WebSocket answers."""
        return asyncio.run(subscribe(f"ws://127.0.0.1:{self.port}/graphql", question, **handshake))


async def subscribe(url: str, question: str, **handshake: Any) -> dict[str, Any]:
    """What a WebSocket answers that asks as Dagster's pages do."""
    async with connect(url, subprotocols=["graphql-ws"], proxy=None, **handshake) as talked:  # type: ignore[list-item]
        await talked.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await talked.recv()) == {"type": "connection_ack"}
        await talked.send(json.dumps({"id": "1", "type": "start", "payload": {"query": question}}))
        return dict(json.loads(await talked.recv()))


@contextmanager
def dagster_ui(*, read_only: bool = False, secret: str | None = None) -> Iterator[Ui]:
    """Serve it until the end of the block. ``secret``: it answers the API alone."""
    port = free_port()
    with ExitStack() as stack:
        instance = stack.enter_context(dg.DagsterInstance.local_temp())
        context = WorkspaceProcessContext(instance, EmptyWorkspaceTarget(), read_only=read_only)
        server_of_dagster = GuardedWebserver(
            stack.enter_context(context), read_only=read_only, prefix=PATH if secret else ""
        )
        origins = [ORIGIN] if secret else own_origins("127.0.0.1", port, [ELSEWHERE])
        gate = Gate(server_of_dagster.create_asgi_app(), origins, secret)
        server = uvicorn.Server(uvicorn.Config(gate, port=port, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Ui(port)
        server.should_exit = True
        thread.join()
