"""Answers the path that devices use most ahead of the framework, whose layers would cost more than the work itself."""

from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from ingest_api.auth.gate import Gate
from ingest_api.auth.route_scopes import ROUTE_SCOPES
from ingest_api.http.request_id import identify
from ingest_api.observability.metrics import count_request
from ingest_api.telemetry.answers import of_failure
from ingest_api.telemetry.ingest import PATH, TelemetryIngest


class HotPath:
    """A layer outside the framework's: answers ``POST /v1/telemetry``, passes everything else."""

    def __init__(self, app: ASGIApp, gate: Gate, ingest: Callable[[], TelemetryIngest]) -> None:
        """``ingest`` is asked at each request: it exists only between start-up and shutdown."""
        self._app = app
        self._gate = gate
        self._ingest = ingest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the hot request, or pass the request on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        identity = identify(scope)
        try:
            await self._gate.admit(scope, ROUTE_SCOPES["POST", PATH])
            answer = await self._ingest().answer(scope, receive)
        except ClientDisconnect:
            return
        except Exception as error:
            answer = of_failure(scope, error)
        count_request(PATH, answer.status)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers_under(identity)})
        await send({"type": "http.response.body", "body": answer.body})
