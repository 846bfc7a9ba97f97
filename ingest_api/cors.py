"""Lets pages of other origins, which are named in the settings, read what is under ``/v1`` (CORS).

Reading alone: a browser that asks whether it may change something gets no yes. The browser's own logins are never let
in (no ``Access-Control-Allow-Credentials``); a token that a page has may be sent. Behind the hot path: readings do not
pass it.
"""

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS = "/v1/"
_READS = (b"GET", b"HEAD")
_OF_PREFLIGHT = [
    (b"access-control-allow-methods", b", ".join(_READS)),
    (b"access-control-allow-headers", b"Authorization, Content-Type, X-Request-Id"),
    (b"access-control-max-age", b"600"),
    (b"content-length", b"0"),
]
_OF_ANSWER = [(b"access-control-expose-headers", b"Retry-After, X-Request-Id")]
_VARY = (b"vary", b"Origin")


def origins_of(text: str) -> frozenset[bytes]:
    """The origins in a list with commas, as a browser writes them.

    Raises:
        ValueError: one of them is none. ``*`` is none: any page that somebody has open could read the fleet.
    """
    return frozenset(_origin(each.strip()) for each in text.split(",") if each.strip())


def _origin(text: str) -> bytes:
    message = "an origin is a scheme and a host, with a port where it has one, like https://fleet.example.com"
    if text == "*":
        raise ValueError(f"* would let any page read the fleet; name the origins: {message}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(message) from None
    host = parts.hostname or ""
    is_one = parts.scheme in ("http", "https") and host and text.isascii() and "*" not in host and "@" not in text
    if not is_one or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(message)
    is_usual = port is None or (parts.scheme, port) in (("http", 80), ("https", 443))
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{'' if is_usual else f':{port}'}".encode()


class CrossOriginReads:
    """The layer."""

    def __init__(self, app: ASGIApp, origins: Collection[bytes]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a browser's question beforehand, and add to the answers of what it then reads."""
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
