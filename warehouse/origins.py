"""Web origins (``https://fleet.example``): as a browser writes them, and the names under which they are asked."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

EVERY_ADDRESS = {"0.0.0.0", "[::]", "[::0]", ""}  # noqa: S104 - not bound here
"""Where a server may listen, and no name of it."""
DEFAULT_PORTS = {"http": "80", "https": "443"}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+(%[a-z0-9._-]+)?").fullmatch


def own_origins(host: str, port: int, others: Iterable[str]) -> list[str]:
    """The origins of pages that are served there: by the address, by this machine's names, and the ``others``."""
    here = [f"[{host}]" if ":" in host else host, "127.0.0.1", "localhost", "[::1]"]
    found = [normal(f"http://{name}:{port}") for name in here if name not in EVERY_ADDRESS]
    return list(dict.fromkeys([*found, *map(normal, others)]))


def normal(origin: str) -> str:
    """An origin as a browser writes it: in lower case, without the port that its scheme has anyway.

    Raises:
        ValueError: it is no scheme, host and port.
    """
    wrong = ValueError(f"{origin!r} is not like https://fleet.example or http://10.0.0.5:3001")
    try:
        parts = urlsplit(origin.strip().lower())
        port, host = parts.port, parts.hostname or ""
    except ValueError:  # a port that is none, half a pair of brackets
        raise wrong from None
    is_alone = parts.path in {"", "/"} and not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in DEFAULT_PORTS or not _HOST(host) or not is_alone:
        raise wrong
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (
        "" if port is None or str(port) == DEFAULT_PORTS[parts.scheme] else f":{port}"
    )


def is_safe_address(url: str) -> bool:
    """Whether what goes there is read by nobody on the way: TLS, or this machine itself."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_here = host in {"localhost", "::1"} or host.startswith("127.")
    return bool(host) and "@" not in parts.netloc and (parts.scheme == "https" or (parts.scheme == "http" and is_here))


def hosts_of(origins: Iterable[str]) -> set[str]:
    """What a request to one of these origins has as its Host."""
    found = set()
    for origin in origins:
        parts = urlsplit(origin)
        found.add(parts.netloc)
        if parts.port is None:
            found.add(f"{parts.netloc}:{DEFAULT_PORTS[parts.scheme]}")
    return found
