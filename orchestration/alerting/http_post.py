"""The one way in which a message is POSTed: once, within seconds, to nowhere else, with a short look at the answer."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import httpx

from orchestration.alerting.channel import Outcome
from warehouse.contract.redaction import redacted
from warehouse.visible import one_line

ANSWERS_WITHIN_S = 5.0
"""From the first byte sent to the answer's headers, however slowly they trickle in."""
_SAYS_WHY_WITHIN_S = 1.0
_READ_BYTES = 512
"""Of an answer that refuses: many say why. One that takes it is not read at all: it may have no end."""
_LONGEST_WAIT_S = 3600


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
    """POST this JSON. What is said of a failure is one line, without the address, which is a secret to many a chat."""
    try:
        outcome = asyncio.run(_posted(url, body, headers))
    except TimeoutError:
        outcome = Outcome(f"no answer within {ANSWERS_WITHIN_S:g} s")
    # Beside what the library has names for: certificates that cannot be read, a proxy or a host that cannot be one.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
        outcome = Outcome(str(error) or type(error).__name__)
    return Outcome(one_line(redacted(outcome.problem), 300), retry_after_s=outcome.retry_after_s)


async def _posted(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
    said = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "fleetwatt", **headers}
    # httpx limits each step; all of them together are limited here.
    async with (
        asyncio.timeout(ANSWERS_WITHIN_S),
        httpx.AsyncClient(timeout=ANSWERS_WITHIN_S) as client,
        # Where it leads to is not asked: it may be an address that only this machine reaches.
        client.stream("POST", url, content=body, headers=said, follow_redirects=False) as answer,
    ):
        if answer.is_success:
            return Outcome()
        leads = ", which leads elsewhere and is not followed" if answer.is_redirect else ""
        said_why = await _beginning(answer)
        problem = f"it answered {answer.status_code}{leads}{f': {said_why}' if said_why else ''}"
        return Outcome(problem, retry_after_s=_retry_after_s(answer.headers.get("Retry-After", "")))


async def _beginning(answer: httpx.Response) -> str:
    read = b""
    with suppress(httpx.HTTPError, TimeoutError):  # the status is known, and tells enough
        async with asyncio.timeout(_SAYS_WHY_WITHIN_S):
            async for piece in answer.aiter_raw():
                read += piece[: _READ_BYTES - len(read)]
                if len(read) == _READ_BYTES:
                    break
    return read.decode(errors="replace").strip()


def _retry_after_s(header: str) -> int:
    return min(int(header), _LONGEST_WAIT_S) if header.isascii() and header.isdigit() and len(header) < 10 else 0
