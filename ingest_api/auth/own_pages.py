"""Whether a change comes from a page of ours: browsers send a cookie with what other pages make them send, too."""

import secrets

from starlette.types import Scope as Connection

from warehouse.behind_sign_in import PATH as DAGSTER
from warehouse.contract.errors import ForeignPageError
from warehouse.origins import normal

CSRF_HEADER = b"x-csrf-token"


def require_own_origin(connection: Connection, *, is_encrypted: bool) -> None:
    """See that the browser says that a page of this very host sends this.

    Raises:
        ForeignPageError: it says nothing, or names another one. A proxy that changes ``Host`` makes it another one.
    """
    if not is_of_own_page(connection, is_encrypted=is_encrypted):
        raise ForeignPageError(
            "its Origin is not the Host that was asked; send it from a page of this address, with a proxy that passes "
            "Host on as it came"
        )


def is_of_own_page(connection: Connection, *, is_encrypted: bool) -> bool:
    """Whether the browser says that a page of this very host sends this."""
    origins = _all(connection, b"origin")
    hosts = _all(connection, b"host")
    return len(origins) == len(hosts) == 1 and _is_of(origins[0], hosts[0], is_encrypted=is_encrypted)


def has_csrf_token(connection: Connection) -> bool:
    """Whether the page that sends this can have the session's token: Dagster's pages are not ours to teach.

    Their changes are told by the Origin, and are JSON, which no form sends; Dagster's gate looks at both once more.
    """
    path: str = connection["path"]
    return not path.startswith(f"{DAGSTER}/")


def require_csrf_token(given: str, expected: str) -> None:
    """See that the page knows the session's token, which pages of others cannot read.

    Raises:
        ForeignPageError: it does not.
    """
    if not is_same(given, expected):
        raise ForeignPageError("send the csrfToken of /v1/me as X-CSRF-Token with each change; load the page again")


def is_same(given: str, expected: str) -> bool:
    """Whether they are, found out in a time that does not say how much of it is."""
    return secrets.compare_digest(given.encode(errors="surrogatepass"), expected.encode())


def csrf_header_of(connection: Connection) -> str:
    """The token that came in the header; empty: none, or two."""
    found = _all(connection, CSRF_HEADER)
    return found[0] if len(found) == 1 else ""


def _is_of(origin: str, host: str, *, is_encrypted: bool) -> bool:
    """Whether they name the same host and port; without TLS that is known the scheme may be either."""
    try:
        asked = normal(f"{origin.partition('://')[0]}://{host}")
        return normal(origin) == asked and (asked.startswith("https:") or not is_encrypted)
    except ValueError:
        return False


def _all(connection: Connection, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in connection["headers"] if key == name]
