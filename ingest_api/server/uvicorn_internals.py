"""What of uvicorn's insides the server relies on, and what becomes of it where a version has them otherwise (ADR 88).

The server's parent asks its workers in turn, twice a second, and waits for the answer. A worker that is killed in
between never answers, and the parent holds that end of their pipe as well, so nothing tells it. Until it
gives up (``WORKER_ANSWERS_WITHIN_S``) it would replace no worker, and were all of them dead, leave everybody waiting.
"""

import asyncio
import logging
from importlib.metadata import version

from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from uvicorn.supervisors import Multiprocess

from ingest_api.server.reading_protocol import TelemetryHttpProtocol
from ingest_api.server.tunnel_protocol import TunnelHttpProtocol
from warehouse.contract.errors import FleetwattError

logger = logging.getLogger(__name__)

_OVERRIDDEN = (
    "connection_made",
    "connection_lost",
    "data_received",
    "eof_received",
    "on_response_complete",
    "shutdown",
    "_start_asgi_task",
    "_unset_keepalive_if_required",
)
"""Of ``HttpToolsProtocol``: what our protocols extend or call. Were one renamed, ours would never be called."""
_READ = ("app_state", "client", "cycle", "expect_100_continue", "flow", "parser", "pipeline", "scope", "transport")
"""What each connection's protocol has from its beginning."""


class UnknownServerError(FleetwattError):
    """The HTTP server is not the one this was written for"""

    code = "unknown_server"


def protocol_of(*, fast_path: bool) -> type[TunnelHttpProtocol]:
    """What answers a connection: with ``fast_path`` a single reading before the application is asked.

    Raises:
        UnknownServerError: uvicorn's protocol has not what ours is made of. There is nothing to fall back to: its own
        has no timeouts, and takes headers that can be read in two ways.
    """
    missing = [name for name in _OVERRIDDEN if not hasattr(HttpToolsProtocol, name)]
    unconnected = _unconnected()
    missing += [name for name in _READ if not hasattr(unconnected, name)]
    if missing:
        raise UnknownServerError(f"uvicorn {version('uvicorn')} has no {', '.join(missing)}; install what is locked")
    return TelemetryHttpProtocol if fast_path else TunnelHttpProtocol


def _unconnected() -> HttpToolsProtocol:
    loop = asyncio.new_event_loop()
    try:
        return HttpToolsProtocol(Config(_no_app, log_config=None, ws="none", lifespan="off"), ServerState(), {}, loop)
    finally:
        loop.close()


async def _no_app(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Asked by nobody."""


class WatchfulMultiprocess(Multiprocess):
    """Sees the death of a worker at once: it lets go of the worker's end of the pipe, once the worker has it.

    Where uvicorn has it otherwise it goes on as uvicorn does, and says so in a line.
    """

    _is_said = False

    def run(self) -> None:
        """Begin the workers, and serve until it is told to stop."""
        if not hasattr(Multiprocess, "keep_subprocess_alive"):
            self._say_unseen("Multiprocess.keep_subprocess_alive")
        super().run()

    def keep_subprocess_alive(self) -> None:
        """Look at each worker. All of them were begun before, and none is asked anything but here and in a restart."""
        for process in self.processes:
            if hasattr(process, "child_conn"):
                process.child_conn.close()  # once more does nothing
            else:
                self._say_unseen("Process.child_conn")
        super().keep_subprocess_alive()

    def _say_unseen(self, name: str) -> None:
        if not self._is_said:
            self._is_said = True
            logger.warning(
                "uvicorn %s has no %s: a worker that is killed may be replaced only after %d s",
                version("uvicorn"),
                name,
                self.config.timeout_worker_healthcheck,
            )
