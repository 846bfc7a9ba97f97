"""Lets pages of other origins, which are named in the settings, read what is under ``/v1`` (CORS).

Reading alone: a browser that asks whether it may change something gets no yes. The browser's own logins are never let
in (no ``Access-Control-Allow-Credentials``); a token that a page has may be sent. Behind the hot path: readings do not
pass it.
"""

from collections.abc import Collection
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warehouse.origins import normal

PATHS = "/v1/"
_READS = (b"GET", b"HEAD")
_OF_PREFLIGHT = [
    (b"access-control-allow-methods", b", ".join(_READS)),
    (b"access-control-allow-headers", b"Authorization, Content-Type, If-None-Match, X-Request-Id"),
    (b"access-control-max-age", b"600"),
    (b"content-length", b"0"),
]
_OF_ANSWER = [(b"access-control-expose-headers", b"ETag, Link, Retry-After, X-Request-Id")]
_VARY = (b"vary", b"Origin")


def origins_of(text: str) -> frozenset[bytes]:
    """The origins in a list with commas, as a browser writes them.

    Raises:
        ValueError: one of them is none. ``*`` is none: any page that somebody has open could read the fleet.
    """
    return frozenset(_origin(each.strip()) for each in text.split(",") if each.strip())


def _origin(text: str) -> bytes:
    if text == "*":
        raise ValueError("* would let any page read the fleet; name the origins, like https://fleet.example.com")
    return normal(text).encode()


class CrossOriginReads:
    """The layer."""

    def __init__(self, app: ASGIApp, origins: Collection[bytes]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a browser's preflight request, and add to the answers of what it then reads."""
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        is_known = origin in self._origins
        if scope["method"] == "OPTIONS" and is_known and headers.get(b"access-control-request-method") in _READS:
            preflight = [(b"access-control-allow-origin", origin), *_OF_PREFLIGHT, _VARY]
            await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": preflight})
            await send({"type": "http.response.body", "body": b""})
            return
        is_read = scope["method"].encode() in _READS
        allowed = [(b"access-control-allow-origin", origin), *_OF_ANSWER] if is_known and is_read else []

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *allowed, _VARY]
            await send(message)

        await self._app(scope, receive, send_with_origin)
