"""Who acts by a request: its caller, noted for whoever writes down what it changes."""

from starlette.types import ASGIApp, Receive, Scope, Send

from ingest_api.auth.callers import SignedIn, caller_of, token_id_of
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.request_id import request_id
from warehouse.contract.audit import ActorKind, Origin
from warehouse.postgres.audit.acting import acting_as

TOKEN_OF_SETTINGS = "fleet_admin_token"  # noqa: S105 - what it is called
"""The name of the token that is in no database."""


class ActingCaller:
    """Within the layers that let requests pass; what takes readings passes it by."""

    def __init__(self, app: ASGIApp, clients: ClientAddresses) -> None:
        self._app = app
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with acting_as(origin_of(scope, self._clients)):
            await self._app(scope, receive, send)


def origin_of(scope: Scope, clients: ClientAddresses) -> Origin:
    """Who acts by the request of this ASGI scope, which was let through."""
    caller, request, address = caller_of(scope), request_id(scope), clients.address_of(scope) or None
    if caller is None:
        return Origin(ActorKind.ANONYMOUS, request_id=request, address=address)
    if isinstance(caller, SignedIn):
        return Origin(ActorKind.USER, caller.name, request_id=request, address=address)
    token_id = token_id_of(caller)
    name = None if token_id else TOKEN_OF_SETTINGS
    return Origin(ActorKind.TOKEN, name, token_id, request, address)
