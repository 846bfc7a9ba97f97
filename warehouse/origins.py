"""Web origins (``https://fleet.example``): as a browser writes them, and the names under which they are asked."""

from collections.abc import Iterable
from urllib.parse import urlsplit

EVERY_ADDRESS = {"0.0.0.0", "[::]", "[::0]", ""}  # noqa: S104 - not bound here
"""Where a server may listen, and no name of it."""
DEFAULT_PORTS = {"http": "80", "https": "443"}


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
    parts = urlsplit(origin.strip().lower())
    parts.port  # noqa: B018 - raises where it is no number
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.path not in {"", "/"} or "@" in parts.netloc:
        raise ValueError(f"{origin!r} is not like https://fleet.example or http://10.0.0.5:3001")
    if parts.query or parts.fragment or "*" in parts.netloc:
        raise ValueError(f"{origin!r} is not like https://fleet.example or http://10.0.0.5:3001")
    return f"{parts.scheme}://{parts.netloc.removesuffix(f':{DEFAULT_PORTS[parts.scheme]}')}"


def hosts_of(origins: Iterable[str]) -> set[str]:
    """What a request to one of these origins has as its Host."""
    found = set()
    for origin in origins:
        parts = urlsplit(origin)
        found.add(parts.netloc)
        if parts.port is None:
            found.add(f"{parts.netloc}:{DEFAULT_PORTS[parts.scheme]}")
    return found
