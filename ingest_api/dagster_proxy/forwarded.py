"""What of a request reaches Dagster, and what of its answer reaches the browser.

Named is what passes to Dagster: a cookie and a token of ours do not, nor what a stranger says of the way it came by.
Of an answer all passes but what is between two neighbours alone, and what only we may say.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.types import Scope

from warehouse.behind_sign_in import ORIGIN, PATH
from warehouse.contract.errors import InvalidRequestError

Headers = list[tuple[bytes, bytes]]

_TO_DAGSTER = frozenset(
    {
        *(b"accept", b"accept-encoding", b"accept-language", b"content-type", b"user-agent"),
        *(b"if-none-match", b"if-modified-since", b"if-range", b"range"),
    }
)
_OF_PAGES = frozenset({b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest"})
"""What Dagster's gate looks at; a program with a token is no page."""
_OF_WEB_SOCKETS = frozenset(
    {b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-protocol", b"sec-websocket-extensions"}
)
_HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te"),
        *(b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
"""RFC 9110, 7.6.1; and what ``Connection`` names."""
_OURS = frozenset({b"date", b"server", b"set-cookie", b"set-cookie2", b"clear-site-data", b"x-request-id"})
_PREFIX = PATH.encode() + b"/"
_is_plain = re.compile(rb"[!-~]+").fullmatch
_UPGRADE = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]


def is_of_dagster(path: str) -> bool:
    """Whether this path is one of Dagster's pages."""
    return path.startswith(f"{PATH}/")


def target_of(scope: Scope) -> bytes:
    """Path and query as they were sent, to be asked of Dagster.

    Raises:
        InvalidRequestError: they lead out of the prefix, or may be read so.
    """
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    parts = re.split(rb"[/\\]", unquote_to_bytes(path))
    if not path.startswith(_PREFIX) or not _is_plain(path) or any(part in (b".", b"..") for part in parts):
        raise InvalidRequestError("a page of Dagster's is named by a plain path, without . and .. in it")
    if any(byte < ord(" ") for part in parts for byte in part):
        raise InvalidRequestError("a page of Dagster's is named by a plain path, without control characters in it")
    query: bytes = scope.get("query_string", b"")
    return path + (b"?" + query if query else b"")


def headers_to_dagster(headers: Iterable[tuple[bytes, bytes]], origin: bytes | None, *, is_page: bool) -> Headers:
    """``origin``: what the request comes from, in Dagster's words; ``is_page``: a browser says where it comes from."""
    passes = _TO_DAGSTER | _OF_PAGES if is_page else _TO_DAGSTER
    kept = [header for header in headers if header[0] in passes]
    return [(b"host", _HOST), *kept, *([(b"origin", origin)] if origin else [])]


def headers_of_web_socket(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Those of the handshake, which go in front of the others'."""
    return [*_UPGRADE, *(header for header in headers if header[0] in _OF_WEB_SOCKETS)]


def headers_from_dagster(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Those of its answer."""
    found = [(name.lower(), value) for name, value in headers]
    named = {name.strip().lower() for each, value in found if each == b"connection" for name in value.split(b",")}
    dropped = _HOP_BY_HOP | _OURS | named
    kept = [(name, _within(value) if name == b"location" else value) for name, value in found if name not in dropped]
    is_cached = any(name == b"cache-control" for name, _ in kept)
    return kept if is_cached else [*kept, (b"cache-control", b"private")]  # asked by somebody who is signed in


def head_of_web_socket(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The answer that ends HTTP, with what Dagster says of the WebSocket."""
    accepted = [header for header in headers_from_dagster(headers) if header[0].startswith(b"sec-websocket-")]
    lines = [b"%s: %s\r\n" % header for header in [*_UPGRADE, *accepted]]
    return b"".join([b"HTTP/1.1 101 Switching Protocols\r\n", *lines, b"\r\n"])


_HOST = ORIGIN.partition("://")[2].encode()


def _within(location: bytes) -> bytes:
    """Where Dagster sends the browser to: a page of its own, by the path alone."""
    parts = urlsplit(location.decode("latin-1"))
    if not parts.path.startswith(f"{PATH}/"):
        return _PREFIX
    return parts._replace(scheme="", netloc="").geturl().encode("latin-1")
