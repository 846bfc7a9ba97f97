"""Dagster's web server as the API asks it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import httpcore

from ingest_api.dagster_proxy.forwarded import Headers
from ingest_api.settings import ApiSettings
from warehouse.behind_sign_in import SECRET_HEADER
from warehouse.contract.errors import DagsterBrokenError, DagsterTooSlowError, DagsterUnavailableError

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 64
"""Questions, and WebSockets that are open."""
CONNECTS_WITHIN_S = 2.0
ANSWERS_WITHIN_S = 60.0
"""Until it says something more: its own statements may take 15 s, and an answer several of them."""
_TIMEOUTS = {"connect": CONNECTS_WITHIN_S, "read": ANSWERS_WITHIN_S, "write": ANSWERS_WITHIN_S, "pool": 5.0}

_TOO_SLOW = (httpcore.ReadTimeout, httpcore.WriteTimeout)
_AWAY = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ReadError, httpcore.WriteError)
_BROKEN = (httpcore.RemoteProtocolError, httpcore.LocalProtocolError)


class DagsterServer:
    """Asks it. There is none where nobody says who they are, or no secret is shared with it."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = httpcore.URL(url)
        self._secret = (SECRET_HEADER.encode(), secret.encode())
        # A connection for each question: one that is kept can end just as the next is sent over it, and a change that
        # was sent must not be sent again.
        self._pool = httpcore.AsyncConnectionPool(max_connections=MOST_AT_ONCE, max_keepalive_connections=0)

    @classmethod
    def of(cls, settings: ApiSettings) -> Self | None:
        """By these settings; ``None``: no secret is shared with it."""
        if settings.dagster_secret is None:
            return None
        url = settings.dagster_url or f"http://127.0.0.1:{settings.dagster_port}"
        return cls(url, settings.dagster_secret.get_secret_value())

    @asynccontextmanager
    async def asked(
        self, method: str, target: bytes, headers: Headers, body: bytes
    ) -> AsyncIterator[httpcore.Response]:
        """Its answer, of which the body is yet to come. Within the block what goes wrong reading it is told alike.

        Raises:
            DagsterUnavailableError: it cannot be reached, or is asked too much.
            DagsterTooSlowError: it does not answer.
            DagsterBrokenError: what answers there does not speak HTTP, or stops in the middle.
        """
        url = httpcore.URL(scheme=self._url.scheme, host=self._url.host, port=self._url.port, target=target)
        length = [(b"content-length", b"%d" % len(body))] if body or method == "POST" else []
        request = httpcore.Request(
            method, url, headers=[*headers, *length, self._secret], content=body, extensions={"timeout": _TIMEOUTS}
        )
        try:
            response = await self._pool.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        except httpcore.PoolTimeout as error:
            raise DagsterUnavailableError("Dagster is asked too much at once; try again later") from error
        except _TOO_SLOW as error:
            raise DagsterTooSlowError(f"Dagster said nothing for {ANSWERS_WITHIN_S:.0f} s") from error
        except _AWAY as error:
            raise DagsterUnavailableError(
                "Dagster's web server cannot be reached; it may be starting, and its log says why if it is not"
            ) from error
        except _BROKEN as error:
            logger.warning("Dagster's web server: %s", error)
            raise DagsterBrokenError("Dagster's web server gave no answer that could be read") from error

    async def close(self) -> None:
        """Ask no more."""
        await self._pool.aclose()
