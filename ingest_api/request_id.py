"""Gives every request an id: the caller's own if it is sane, else a new one; it returns in ``X-Request-Id``."""

import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch


def request_id(scope: Scope) -> str:
    """The id of the request that this scope belongs to."""
    return str(scope["fleetwatt.request_id"])


class RequestIds:
    """The outermost layer, in plain ASGI: it costs microseconds and is passed by every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER and _SANE(value)), None)
        identity = given or secrets.token_hex(8).encode()
        scope["fleetwatt.request_id"] = identity.decode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, identity)]
            await send(message)

        await self._app(scope, receive, send_with_id)
