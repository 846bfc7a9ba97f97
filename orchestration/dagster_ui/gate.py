"""The gate before Dagster's web server: it asks nobody who they are, so it answers this UI's own pages alone.

A page of a stranger that an operator has open can send requests to this machine's ports, and a name of the stranger's
can be made to lead here (DNS rebinding). A browser says truthfully where a request comes from (Origin, Sec-Fetch-*) and
which name it was sent to (Host): what does not fit is refused, readings too. Who can send requests without a browser,
from this machine or past its firewall, is not kept out by this.
"""

import secrets
from collections.abc import Collection, Iterable
from http import HTTPStatus
from typing import NamedTuple

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warehouse.behind_sign_in import PATH, SECRET_HEADER, SECRET_VARIABLE
from warehouse.origins import hosts_of

SAFE = {"GET", "HEAD"}
OWN = {"same-origin", "none"}
"""What a browser says of a request of our own page, and of an address that a person typed."""
POLICY_VIOLATION = 1008

HEADERS = [
    (b"x-frame-options", b"DENY"),
    # Beside the policy of Dagster's page, which says nothing of these.
    (b"content-security-policy", b"frame-ancestors 'none'; form-action 'self'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]


class Refusal(NamedTuple):
    """Why a request is not let in."""

    status: HTTPStatus
    why: str


class Gate:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, origins: Iterable[str], secret: str | None = None) -> None:
        """``origins``: those of the UI's own pages. ``secret``: what the API says, where nobody else is answered."""
        self._app = app
        self._secret = None if secret is None else secret.encode()
        self._origins = frozenset(origins)
        self._hosts = frozenset(hosts_of(self._origins))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in, or say why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = [(name.lower().decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        refusal = self._refusal_of_sender(scope) or self._refusal(scope, headers)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.why})
        else:
            await PlainTextResponse(f"{refusal.why}\n", refusal.status)(scope, receive, _with_headers(send))

    def _refusal_of_sender(self, scope: Scope) -> Refusal | None:
        """Who signs people in has to be the one that asks."""
        said = [value for name, value in scope["headers"] if name == SECRET_HEADER.encode()]
        if self._secret is None or (len(said) == 1 and secrets.compare_digest(said[0], self._secret)):
            return None
        return Refusal(
            HTTPStatus.FORBIDDEN,
            f"Dagster's UI is at {PATH}/ of the API's address, where people sign in; it answers the API alone, and "
            f"both need the same {SECRET_VARIABLE}",
        )

    def _refusal(self, scope: Scope, headers: Collection[tuple[str, str]]) -> Refusal | None:
        hosts, origins, sites, modes, kinds = (
            [value.strip().lower() for each, value in headers if each == name]
            for name in ("host", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
        )
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"Dagster's UI is not known as {', '.join(hosts) or 'nothing'}; if it is yours, say so with "
                "FLEET_DAGSTER_ORIGINS",
            )
        is_websocket = scope["type"] == "websocket"
        if any(origin not in self._origins for origin in origins) or len(origins) > 1 or (is_websocket and not origins):
            return Refusal(HTTPStatus.FORBIDDEN, "this is not asked by a page of Dagster's UI (Origin)")
        is_safe = not is_websocket and scope["method"] in SAFE
        if any(site not in OWN for site in sites) and not (is_safe and modes == ["navigate"] and kinds == ["document"]):
            return Refusal(HTTPStatus.FORBIDDEN, "this is not asked by a page of Dagster's UI (Sec-Fetch-Site)")
        if not is_websocket and not is_safe and scope["method"] != "POST":
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "only GET, HEAD and POST are answered")
        return None


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in HEADERS} - {b"content-security-policy"}  # several policies hold together
            kept = [each for each in message.get("headers", ()) if each[0].lower() not in ours]
            message = {**message, "headers": [*kept, *HEADERS]}
        await send(message)

    return send_with_headers
