"""Ports for servers that are started as processes of their own and cannot tell which port they have taken."""

import secrets
import socket

_FIRST, _COUNT = 20_000, 10_000
"""Below those that systems give to outgoing connections, one of which might take it before the server does."""


def free_port() -> int:
    """A free port, which stays free between two starts too."""
    while True:
        port = _FIRST + secrets.randbelow(_COUNT)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
