"""The cookie that holds a session's id: its name, where it is read, how it is set and taken away.

Where TLS is known to be spoken it is ``__Host-fleetwatt``, which browsers take from this very host and by TLS alone, so
that no neighbour and nobody on the way can set it; the other name is not read there.
"""

from collections.abc import Iterable

from warehouse.contract.sign_ins import is_session_id

NAME = "fleetwatt"
NAME_BY_TLS = f"__Host-{NAME}"


def session_id_of(headers: Iterable[tuple[bytes, bytes]], *, is_encrypted: bool) -> str | None:
    """The session's id in these headers; ``None``: none, or there are two: one may be a stranger's."""
    name = NAME_BY_TLS if is_encrypted else NAME
    lines = [value.decode("latin-1") for header, value in headers if header == b"cookie"]
    pairs = [pair.strip(" \t").partition("=") for line in lines for pair in line.split(";")]
    found = [value for key, _, value in pairs if key == name]
    return found[0] if len(found) == 1 and is_session_id(found[0]) else None


def setting(session_id: str, *, is_encrypted: bool) -> str:
    """The ``Set-Cookie`` that begins a session in the browser. Scripts do not see it; it ends with the browser."""
    return _line(session_id, "", is_encrypted=is_encrypted)


def clearing(*, is_encrypted: bool) -> str:
    """The ``Set-Cookie`` that ends it there."""
    return _line("", "; Max-Age=0", is_encrypted=is_encrypted)


def _line(value: str, more: str, *, is_encrypted: bool) -> str:
    name, secure = (NAME_BY_TLS, "; Secure") if is_encrypted else (NAME, "")
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}"
