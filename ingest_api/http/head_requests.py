"""HEAD is answered like GET, without the body: the same status and headers, ``Content-Length`` among them."""

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """A layer within the one that gives requests their ids. The server leaves out the body of an answer to HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, as a question."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
