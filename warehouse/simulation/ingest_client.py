"""The simulator's HTTP client: one request until it has an answer, and what the answers mean.

Worth a retry are lost connections and 429, 502, 503 and 504, with a backoff that honours ``Retry-After``. Every other
error is an answer for good and is raised with the problem's own ``code`` and ``detail``.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from secrets import SystemRandom
from typing import Any, Self, TypeVar

import httpx
import msgspec

from warehouse.simulation.payloads import Payload

RETRIED_STATUS = frozenset({429, 502, 503, 504})
FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 10.0
LONGEST_RETRY_AFTER_S = 60.0
"""An API that asks for more is asked again after this long: it may be back earlier than it thought."""
ONE = {"content-type": "application/json"}
LINES = {"content-type": "application/x-ndjson"}
TIMEOUT = httpx.Timeout(20.0, connect=5.0)

Answer = TypeVar("Answer")
Settings = dict[str, Any]
"""Of a device, by the names that the API gives them."""

_jitter = SystemRandom()


class RefusedError(Exception):
    """The API has answered with an error that no retry will change."""

    def __init__(self, what: str, status: int, code: str, detail: str) -> None:
        super().__init__(f"{what}: {status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


class GivenUpError(Exception):
    """No answer within the given patience, or the caller has left meanwhile. Asking again later is safe."""


class ItemError(msgspec.Struct):
    """One reading of a body that was not stored."""

    index: int | None = None
    code: str = "unknown"
    pointer: str | None = None
    detail: str | None = None


class BodyAnswer(msgspec.Struct):
    """What became of the readings of a body."""

    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    errors: list[ItemError] = []


class IngestClient:
    """A connection pool to one API. Setting ``leave`` ends every wait for a retry; requests in flight are finished."""

    def __init__(
        self,
        url: str,
        connections: int,
        leave: asyncio.Event,
        on_retry: Callable[[str], None],
        token: str | None,
        *,
        insecure: bool = False,
    ) -> None:
        """``token``: which every request is sent with. ``insecure``: whoever answers is believed."""
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {token}"} if token else None,
            timeout=TIMEOUT,
            verify=not insecure,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            # A proxy from the environment would not find this machine's own ports.
            trust_env=httpx.URL(url).host not in {"localhost", "127.0.0.1", "::1"},
        )
        self._leave = leave
        self._on_retry = on_retry

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *failure: Any) -> None:
        await self._http.__aexit__(*failure)

    async def post_mappings(self, mappings: list[dict[str, str]]) -> None:
        """Maps vehicles to meters; repeating it changes nothing."""
        await self._send("POST", "/v1/mappings", msgspec.json.encode(mappings), ONE, None)

    async def patch_settings(self, path: str, settings: Mapping[str, str | float]) -> None:
        """Changes the settings of the device at ``/v1/vehicles/{id}`` or ``/v1/meters/{id}``."""
        await self._send("PATCH", path, msgspec.json.encode(settings), ONE, None)

    async def list_settings(self, path: str, id_field: str) -> dict[str, Settings]:
        """The settings of all devices at ``/v1/vehicles`` or ``/v1/meters``, by device."""
        found: dict[str, Settings] = {}
        cursor: str | None = ""
        while cursor is not None:
            parameters = {"limit": "1000", "cursor": cursor}
            answer = await self._answer(partial(self._http.get, path, params=parameters), None)
            _raise_for_refusal(f"GET {path}", answer)
            page = _decoded(f"GET {path}", answer, _Devices)
            found |= {item[id_field]: item["settings"] for item in page.items}
            cursor = page.next_cursor
        return found

    async def latest_s(self, path: str) -> float | None:
        """The newest stored instant of the device at ``/v1/vehicles/{id}`` or ``/v1/meters/{id}``; None: no reading."""
        answer = await self._answer(lambda: self._http.get(path), None)
        if answer.status_code == 404:
            return None
        _raise_for_refusal(f"GET {path}", answer)
        timestamp = _decoded(f"GET {path}", answer, _Device).timestamp
        return None if timestamp is None else timestamp.timestamp()

    async def post_reading(self, payload: Payload, patience_s: float) -> bool:
        """Sends one reading; True where it is stored now, False where it was before."""
        content = msgspec.json.encode(payload)
        return (await self._send("POST", "/v1/telemetry", content, ONE, patience_s)).status_code == 201

    async def post_body(self, content: bytes, patience_s: float) -> BodyAnswer:
        """Sends many readings, one a line."""
        answer = await self._send("POST", "/v1/telemetry", content, LINES, patience_s)
        return _decoded("POST /v1/telemetry", answer, BodyAnswer)

    async def _send(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str], patience_s: float | None
    ) -> httpx.Response:
        request = partial(self._http.request, method, path, content=content, headers=headers)
        answer = await self._answer(request, patience_s)
        _raise_for_refusal(f"{method} {path}", answer)
        return answer

    async def _answer(self, request: Callable[[], Any], patience_s: float | None) -> httpx.Response:
        """The first answer that is worth no retry."""
        since = time.monotonic()
        failures = 0
        while True:
            wait_s = _jitter.uniform(0.5, 1.0) * min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0**failures)
            try:
                answer: httpx.Response = await request()
            except httpx.TransportError as failure:
                reason = str(failure) or type(failure).__name__
            else:
                if answer.status_code not in RETRIED_STATUS:
                    return answer
                reason = f"{answer.status_code} {_problem(answer)[0]}"
                wait_s = max(wait_s, _retry_after_s(answer) * _jitter.uniform(1.0, 1.2))
            failures = min(failures + 1, 20)
            self._on_retry(reason)
            if patience_s is not None and time.monotonic() - since + wait_s > patience_s:
                raise GivenUpError(reason)
            await self._pause(wait_s, reason)

    async def _pause(self, wait_s: float, reason: str) -> None:
        try:
            await asyncio.wait_for(self._leave.wait(), wait_s)
        except TimeoutError:
            return
        raise GivenUpError(reason)


class _Device(msgspec.Struct):
    timestamp: datetime | None = None


class _Devices(msgspec.Struct, rename="camel"):
    items: list[dict[str, Any]]
    next_cursor: str | None = None


def _raise_for_refusal(what: str, answer: httpx.Response) -> None:
    if answer.status_code not in {200, 201}:
        raise RefusedError(what, answer.status_code, *_problem(answer))


def _problem(answer: httpx.Response) -> tuple[str, str]:
    """The ``code`` and ``detail`` of a problem; something readable where the answer is none."""
    try:
        problem = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    code = problem.get("code", f"http_{answer.status_code}")
    detail = problem.get("detail") or problem.get("title") or answer.text[:200] or answer.reason_phrase
    return str(code), str(detail)


def _decoded(what: str, answer: httpx.Response, answer_type: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(answer.content, type=answer_type)
    except msgspec.DecodeError as failure:
        detail = f"this is not the ingest API's answer ({failure})"
        raise RefusedError(what, answer.status_code, "unexpected_answer", detail) from failure


def _retry_after_s(answer: httpx.Response) -> float:
    """``Retry-After`` in seconds; 0 where there is none, or a date, which our API never sends."""
    try:
        asked_s = float(answer.headers.get("retry-after", "0"))
    except ValueError:
        return 0.0
    return min(max(asked_s, 0.0), LONGEST_RETRY_AFTER_S)
