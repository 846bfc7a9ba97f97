"""The layers that hold the gate before everything but readings, which pass it on their own way."""

from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ingest_api.auth.gate import Gate
from ingest_api.auth.next_page import is_navigation, sign_in_page
from ingest_api.auth.route_scopes import RouteScopes
from ingest_api.http.problems import error_response
from warehouse.contract.errors import FleetwattError, TokenMissingError


class TokenGate:
    """Asks who sends a request, before its body is read. Within the layer that answers HEAD like GET."""

    def __init__(self, app: ASGIApp, gate: Gate, scopes: RouteScopes) -> None:
        self._app = app
        self._gate = gate
        self._scopes = scopes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that it may not."""
        if scope["type"] == "http":
            try:
                await self._gate.admit(scope, self._scopes.needed(scope))
            except TokenMissingError as error:
                await _sign_in_or(error, scope)(scope, receive, send)
                return
            except FleetwattError as error:
                await error_response(scope, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _sign_in_or(error: TokenMissingError, scope: Scope) -> Response:
    """Browsers are led to the page for signing in."""
    if is_navigation(scope):
        headers = {"Location": sign_in_page(scope), "Cache-Control": "no-store", "Vary": "Accept, Cookie"}
        return Response(status_code=HTTPStatus.SEE_OTHER, headers=headers)
    return error_response(scope, error)


class StillValid:
    """Asks again once the body has come in. Within the layer that reads it."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that its token has ended."""
        if scope["type"] == "http":
            try:
                await self._gate.require_still(scope)
            except FleetwattError as error:
                await error_response(scope, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
