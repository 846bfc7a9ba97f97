"""``POST /v1/telemetry``: bytes in, durable readings, an answer that accounts for every item.

Plain ASGI, because the framework's routing would cost more than the work itself. ``HotPath`` answers the one path
that devices hammer and passes everything else to the application, whose documented route calls the same code.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from ingest_api.group_commit import GroupCommit
from ingest_api.problems import MEDIA_TYPE as PROBLEM
from ingest_api.problems import problem_body, status_and_headers
from ingest_api.request_id import request_id
from warehouse.contract.errors import FleetwattError
from warehouse.contract.readings import AcceptedWindow
from warehouse.postgres.reading_store import Outcome
from warehouse.telemetry import (
    MalformedBodyError,
    Rejection,
    Telemetry,
    TooManyItemsError,
    decode_body,
    decode_lines,
)

PATH = "/v1/telemetry"
MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_ITEMS = 10_000
MAX_LISTED_ERRORS = 100

JSON = "application/json"
NDJSON = "application/x-ndjson"

_STORED = b'{"status":"stored"}'
_DUPLICATE = b'{"status":"duplicate"}'


class Answer(NamedTuple):
    """A status, a body and its media type."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class _TooLargeError(Exception):
    """More was sent than one request may hold"""


@dataclass
class _Totals:
    """What became of the items of one request, over all its transactions."""

    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    errors: list[Rejection] = field(default_factory=list)

    def add(self, outcome: Outcome, first_index: int = 0) -> None:
        self.accepted += outcome.accepted
        self.duplicates += outcome.duplicates
        self.conflicts += len(outcome.conflicts)
        self.rejected += len(outcome.rejections)
        room = MAX_LISTED_ERRORS - len(self.errors)
        refused = sorted([*outcome.rejections, *outcome.conflicts])[:room]
        self.errors += [msgspec.structs.replace(each, index=first_index + each.index) for each in refused]

    @property
    def all_invalid(self) -> bool:
        return self.rejected > 0 and self.accepted + self.duplicates + self.conflicts == 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "rejected": self.rejected,
            "errors": self.errors,
        }


class TelemetryIngest:
    """Answers telemetry requests."""

    def __init__(self, commits: GroupCommit, window: Callable[[], AcceptedWindow]) -> None:
        """``window`` says which timestamps are accepted right now."""
        self._commits = commits
        self._window = window

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """Read the request, store what it holds, and account for it.

        Raises:
            ClientDisconnect: there is nobody left to answer.
        """
        totals = _Totals()
        media_type = _header(scope, b"content-type").partition(";")[0].strip().lower()
        try:
            if _header(scope, b"content-encoding") not in ("", "identity"):
                return _problem(scope, 415, "unsupported_encoding", "send the body without Content-Encoding")
            if media_type == JSON:
                return await self._answer_json(scope, receive, totals)
            if media_type == NDJSON:
                return await self._answer_lines(scope, receive, totals)
        except _TooLargeError as error:
            return _problem(scope, 413, "too_large", str(error), **totals.as_dict())
        except FleetwattError as error:
            status, headers = status_and_headers(error)
            body = problem_body(scope, status, error.code, error.detail, title=error.title, **totals.as_dict())
            return Answer(status, body, PROBLEM, tuple(headers.items()))
        return _problem(scope, 415, "unsupported_media_type", f"send {JSON} or {NDJSON} as Content-Type")

    async def _answer_json(self, scope: Scope, receive: Receive, totals: _Totals) -> Answer:
        body = await _read(receive)
        try:
            telemetry = decode_body(body, self._window(), max_items=MAX_ITEMS)
        except MalformedBodyError as error:
            await self._commits.store(Telemetry.undecodable(body, error))
            return _problem(scope, 400, error.code, error.detail)
        except TooManyItemsError:
            raise _TooLargeError(f"an array holds at most {MAX_ITEMS} readings; send several, or {NDJSON}") from None
        if len(telemetry) == 0:
            return _counted(scope, totals)
        outcome = await self._commits.store(telemetry)
        if not telemetry.is_batch:
            return _answer_one(scope, outcome)
        totals.add(outcome)
        return _counted(scope, totals)

    async def _answer_lines(self, scope: Scope, receive: Receive, totals: _Totals) -> Answer:
        first_index = 0
        async for lines in _chunks_of_lines(receive):
            telemetry = decode_lines(lines, self._window())
            if len(telemetry) > 0:
                totals.add(await self._commits.store(telemetry), first_index)
            first_index += len(lines)
        return _counted(scope, totals)


class HotPath:
    """Answers ``POST /v1/telemetry`` ahead of the application; everything else passes."""

    def __init__(self, app: ASGIApp, ingest: Callable[[], TelemetryIngest]) -> None:
        """``ingest`` is asked at each request: it exists only between start-up and shutdown."""
        self._app = app
        self._ingest = ingest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the hot request, or pass the request on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._ingest().answer(scope, receive)
        except ClientDisconnect:
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
        headers += [
            (b"content-type", answer.media_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


def _answer_one(scope: Scope, outcome: Outcome) -> Answer:
    if outcome.accepted:
        return Answer(201, _STORED)
    if outcome.duplicates:
        return Answer(200, _DUPLICATE)
    for status, refusals in ((409, outcome.conflicts), (422, outcome.rejections)):
        for refusal in refusals:
            return _problem(scope, status, refusal.code, refusal.detail, pointer=refusal.pointer)
    raise AssertionError("an item is accepted, a duplicate, a conflict or rejected")


def _counted(scope: Scope, totals: _Totals) -> Answer:
    if totals.all_invalid:
        return _problem(scope, 422, "all_invalid", "no item is a valid reading; see errors", **totals.as_dict())
    return Answer(200, msgspec.json.encode({**totals.as_dict(), "requestId": request_id(scope)}))


def _problem(scope: Scope, status: int, code: str, detail: str, **extensions: Any) -> Answer:
    return Answer(status, problem_body(scope, status, code, detail, **extensions), PROBLEM)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if piece := message.get("body", b""):
            yield piece
        if not message.get("more_body", False):
            return


async def _read(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in _pieces(receive):
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise _TooLargeError(f"a JSON body holds at most {MAX_BODY_BYTES} bytes; send less, or {NDJSON}")
        pieces.append(piece)
    return b"".join(pieces)


async def _chunks_of_lines(receive: Receive) -> AsyncIterator[list[bytes]]:
    """The lines of a stream in chunks, each at most a transaction; memory stays flat however long the stream."""
    lines: list[bytes] = []
    rest = b""
    async for piece in _pieces(receive):
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_BODY_BYTES:
            raise _TooLargeError(f"a line holds at most {MAX_BODY_BYTES} bytes")
        lines += whole
        while len(lines) >= MAX_ITEMS:
            yield lines[:MAX_ITEMS]
            lines = lines[MAX_ITEMS:]
    yield [*lines, rest]
