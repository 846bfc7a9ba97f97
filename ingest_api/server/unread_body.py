"""No success is answered for a body that was not read, whatever became of it between the socket and the application.

A device that is told 2xx forgets its readings. So two sizes are compared: what the request says that its body has, and
what the application was given of it.
"""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest_api.http.problems import error_response
from ingest_api.http.request_id import HEADER, request_id
from ingest_api.server.request_parser import FRAMING
from warehouse.contract.errors import BodyLostError

logger = logging.getLogger(__name__)


class NoUnreadBody:
    """The outermost layer. Those within give the request its id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 503 in place of a success that has not seen the body."""
        body = _Said.by(scope) if scope["type"] == "http" else None
        if body is None:
            await self._app(scope, receive, send)
            return
        is_refused = False

        async def receive_counted() -> Message:
            message = await receive()
            body.given_bytes += len(message.get("body", b""))
            return message

        async def send_checked(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start" and message["status"] < 300 and not body.is_read:
                is_refused = True
                logger.error("a success for a body that was not read", extra={"request_id": request_id(scope)})
                error = BodyLostError("the body was not read; send this again over another connection")
                response = error_response(scope, error)
                response.headers.update({HEADER.decode(): request_id(scope), "Connection": "close"})
                await response(scope, receive, send)
            elif not is_refused:
                await send(message)

        await self._app(scope, receive_counted, send_checked)


class _Said:
    """What a request says of its body, and how much of it the application was given."""

    def __init__(self, scope: Scope, length: int | None) -> None:
        self._scope = scope
        self._length = length
        self.given_bytes = 0

    @classmethod
    def by(cls, scope: Scope) -> "_Said | None":
        """``None``: there is no body."""
        for name, value in scope["headers"]:
            if name == b"content-length":
                return None if int(value) == 0 else cls(scope, int(value))
            if name == b"transfer-encoding":
                return cls(scope, None)
        return None

    @property
    def is_read(self) -> bool:
        if self._length is not None:
            return self.given_bytes == self._length
        framing = self._scope.get(FRAMING)
        return self.given_bytes > 0 or (framing is not None and framing.is_empty)
