"""HEAD is answered like GET, without the body: the same status and headers, ``Content-Length`` among them."""

from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "fleetwatt.is_head"


def is_head(scope: Scope) -> bool:
    """Whether nobody will see the body of the answer to the request of this scope."""
    return _KEY in scope


class HeadAsGet:
    """A layer within the one that gives requests their ids. The server leaves out the body of an answer to HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, as a question."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", _KEY: True}
        await self._app(scope, receive, send)
