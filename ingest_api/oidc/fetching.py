"""JSON of a provider's, over TLS, within a time and a size, from where it is asked and from nowhere else."""

import asyncio
import base64
import json
import ssl
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import httpcore

from warehouse.contract.errors import ProviderRefusedError, ProviderUnavailableError

WITHIN_S = 5.0
MOST_BYTES = 512 * 1024
_SERVER_FAULT = 500


async def fetch(url: str, form: dict[str, str] | None = None, basic: tuple[str, str] | None = None) -> dict[str, Any]:
    """Get it, or post a form. ``basic``: name and secret of who asks.

    Raises:
        ProviderUnavailableError: nothing answers there, or no JSON.
        ProviderRefusedError: it says no.
    """
    headers = [("Accept", "application/json")]
    if basic:
        pair = ":".join(quote(part, safe="") for part in basic)  # RFC 6749, 2.3.1
        headers.append(("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
    body = b""
    if form is not None:
        body = urlencode(form).encode()
        headers += [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(body)))]
    try:
        async with asyncio.timeout(WITHIN_S):
            status, content = await _ask("GET" if form is None else "POST", url, headers, body)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, TimeoutError, OSError) as error:
        raise ProviderUnavailableError("the identity provider does not answer; try again later") from error
    if status >= _SERVER_FAULT:
        raise ProviderUnavailableError(f"the identity provider answers {status}; try again later")
    found = _read(content)
    if status != 200:
        raise ProviderRefusedError("the identity provider does not take this sign-in for one of its own; begin again")
    if found is None:
        raise ProviderUnavailableError("the identity provider answers with something that is no JSON object")
    return found


async def _ask(method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
    async with (
        httpcore.AsyncConnectionPool(ssl_context=_trusted(), max_connections=1) as pool,
        pool.stream(method, url, headers=headers, content=body) as response,
    ):
        content = bytearray()
        async for part in response.aiter_stream():
            content += part
            if len(content) > MOST_BYTES:
                raise ProviderUnavailableError("the identity provider's answer has no end")
        return response.status, bytes(content)


def _read(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities of this machine; ``SSL_CERT_FILE`` names others."""
    return ssl.create_default_context()
