"""Where the framework sends a path that ends in a slash to the one without, it does so by the path alone.

It writes a whole address from the request's ``Host``, which is whatever the client says, and with the scheme that is
spoken here: behind a proxy with TLS a device would be told to send its reading again without.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RelativeRedirects:
    """The layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and take scheme and host out of where it is sent."""
        if scope["type"] != "http" or not scope["path"].endswith("/"):
            await self._app(scope, receive, send)
            return

        async def send_relative(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, _relative(value) if name == b"location" else value) for name, value in message["headers"]
                ]
            await send(message)

        await self._app(scope, receive, send_relative)


def _relative(location: bytes) -> bytes:
    return urlsplit(location)._replace(scheme=b"", netloc=b"").geturl()
