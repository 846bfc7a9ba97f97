"""Gives every request an id: the caller's own if it is sane, else a new one; it returns in ``X-Request-Id``."""

import re
import secrets
from collections.abc import Iterable
from itertools import count

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
_KEY = "fleetwatt.request_id"
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch

_PROCESS = secrets.token_hex(4).encode()
_numbers = count(1)


def request_id(scope: Scope) -> str:
    """The id of the request that this scope belongs to."""
    return str(scope[_KEY])


def identity_of(scope: Scope) -> bytes:
    """The same as it is sent; where the request has none yet it is given one."""
    return request_id(scope).encode() if _KEY in scope else identify(scope)


def identify(scope: Scope) -> bytes:
    """Give the request of this scope its id, and return it."""
    return identify_as(scope, callers_own(scope["headers"]))


def identify_as(scope: Scope, own: bytes | None) -> bytes:
    """The same, where what the caller calls it is known already."""
    identity = own or b"%s%08x" % (_PROCESS, next(_numbers))
    scope[_KEY] = identity.decode()
    return identity


def callers_own(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The id that the caller gives its request, if it is sane."""
    return next((value for name, value in headers if name == HEADER and _SANE(value)), None)


class RequestIds:
    """A layer in plain ASGI; whatever answers ahead of it calls ``identify`` itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = identify(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, identity)]
            await send(message)

        await self._app(scope, receive, send_with_id)
