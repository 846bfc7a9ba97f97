"""To the page for signing in, and back to where somebody wanted to go: by paths of this very service alone.

All are relative, so that a proxy may serve everything under a path of its own.
"""

import re
from urllib.parse import quote, urlencode

from starlette.types import Scope as Connection

from ingest_api.http.negotiation import weight

_PLAIN = "/?&=%+,*._~-"
_is_plain = re.compile(rf"[A-Za-z0-9{re.escape(_PLAIN)}]{{1,500}}").fullmatch
"""No colon, so it names no scheme; no backslash, which browsers read as a slash."""
FRONT = "./"


def is_navigation(connection: Connection) -> bool:
    """Whether a person's browser asks for a page: programs do not name HTML."""
    accepted = b",".join(value for name, value in connection["headers"] if name == b"accept").decode("latin-1")
    html = weight(accepted, "text/html")
    return connection["method"] == "GET" and html > 0 and html >= weight(accepted, "application/json")


def sign_in_page(connection: Connection) -> str:
    """Where to sign in, seen from the request's own path, with where to go afterwards."""
    path = connection.get("raw_path", connection["path"].encode()).decode("latin-1")
    query = connection.get("query_string", b"").decode("latin-1")
    wanted = path.lstrip("/") + (f"?{query}" if query else "")
    back = f"?{urlencode({'next': wanted})}" if is_safe(wanted) else ""
    return f"{'../' * (path.count('/') - 1) or FRONT}login{back}"


def is_safe(wanted: str) -> bool:
    """Whether it leads to a page of ours, seen from the page for signing in."""
    return _is_plain(wanted) is not None and not wanted.startswith("/") and ".." not in wanted


def after_sign_in(wanted: str) -> str:
    """Where to go then; what is not safe leads to the front page."""
    return f"{FRONT}{quote(wanted, safe=_PLAIN)}" if is_safe(wanted) else FRONT
