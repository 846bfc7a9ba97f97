"""A connection that speaks HTTP no more (101 Switching Protocols): its bytes as they come and as they go.

The server offers it where a client offers WebSocket, and whoever answers the request may take it. Nobody has to: the
offer is ignored then, and the request answered like any other.
"""

from collections.abc import Callable
from typing import Protocol

from starlette.types import Scope

KEY = "fleetwatt.tunnel"


class Tunnel(Protocol):
    """The client's end."""

    async def read(self) -> bytes:
        """What comes next; empty: nothing will."""
        ...

    async def write(self, data: bytes) -> None:
        """Send this, once the client takes what was sent before."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


Begin = Callable[[bytes], Tunnel | None]
"""Answers with this head and begins; ``None``: it cannot, for the client is gone or has sent more than the request."""


def offered_tunnel(scope: Scope) -> Begin | None:
    """How to go on without HTTP, where the request of this scope offers it."""
    begin: Begin | None = scope.get(KEY)
    return begin
