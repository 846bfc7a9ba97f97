"""What browsers are told with every answer: take it for what it says it is, and ask this host by TLS alone.

The second (HSTS, RFC 6797) is said where TLS is known to be spoken, here or by a proxy that is believed, and to who
asks under the name of ``FLEET_PUBLIC_URL`` where that is https. Behind the hot path: no browser sends readings.
"""

from collections.abc import Collection
from datetime import timedelta

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest_api.http.client_address import ClientAddresses
from warehouse.origins import hosts_of

TLS_ALONE_FOR = timedelta(days=182)
"""Half a year from each answer on, as the OWASP standard (14.4.5) has it. Other names below this one are not ours."""
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_TLS_ALONE = (b"strict-transport-security", b"max-age=%d" % TLS_ALONE_FOR.total_seconds())
_LOCAL = b"localhost"
"""Whoever tries TLS there has other services under the same name."""


class SafeAnswers:
    """The layer. It leaves alone what an answer says already."""

    def __init__(self, app: ASGIApp, clients: ClientAddresses, public_url: str | None) -> None:
        self._app = app
        self._clients = clients
        self._public_hosts = _hosts_by_tls(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to its answer what it does not say."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        more = [_NO_SNIFFING, *([_TLS_ALONE] if self._is_by_tls(scope) else [])]

        async def send_with_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                said = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, *(each for each in more if each[0] not in said)]
            await send(message)

        await self._app(scope, receive, send_with_more)

    def _is_by_tls(self, scope: Scope) -> bool:
        host = next((value.lower() for name, value in scope["headers"] if name == b"host"), b"")
        if host.partition(b":")[0] == _LOCAL:
            return False
        return host in self._public_hosts or self._clients.is_encrypted(scope)


def _hosts_by_tls(public_url: str | None) -> Collection[bytes]:
    """What a request under the public address has as its Host, where browsers find it by TLS."""
    if public_url is None or not public_url.startswith("https:"):
        return frozenset()
    return frozenset(host.encode() for host in hosts_of([public_url]))
