"""``POST /v1/telemetry``: bytes in, durable readings, an answer that accounts for every item."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from starlette.types import Receive, Scope

from ingest_api.answers import Answer, Totals, of_error, of_one, problem
from ingest_api.batch_queue import Promise
from ingest_api.body import BrokenEncodingError, Head, read_decoded, read_lines
from ingest_api.content_encoding import ACCEPTED, Decoder, decoder_of
from ingest_api.group_commit import GroupCommit
from ingest_api.limits import Held, HeldBytes, Limits
from ingest_api.rate_limit import RateLimit
from ingest_api.stored_behind import StoredBehind
from warehouse.contract.errors import FleetwattError, TooLargeError
from warehouse.contract.readings import AcceptedWindow
from warehouse.json_bodies import MalformedBodyError
from warehouse.postgres.reading_store import Outcome
from warehouse.telemetry import Telemetry, TooManyItemsError, decode_body, decode_lines

PATH = "/v1/telemetry"

JSON = "application/json"
NDJSON = "application/x-ndjson"

_JSON, _NDJSON = JSON.encode(), NDJSON.encode()


class TelemetryIngest:
    """Answers telemetry requests."""

    def __init__(
        self,
        commits: GroupCommit,
        window: Callable[[], AcceptedWindow],
        limits: Limits,
        held: HeldBytes,
        rate_limit: RateLimit | None,
    ) -> None:
        """``window`` says which timestamps are accepted right now; without a rate limit everyone may send."""
        self._commits = commits
        self._window = window
        self._limits = limits
        self._rate_limit = rate_limit
        self._held = held

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """Read the request, store what it holds, and account for it.

        Raises:
            ClientDisconnect: there is nobody left to answer.
        """
        head = Head.of(scope)
        if head.media_type not in (_JSON, _NDJSON):
            detail = f"send {JSON} or {NDJSON} as Content-Type"
            return problem(scope, 415, "unsupported_media_type", detail, headers={"Accept": f"{JSON}, {NDJSON}"})
        decoder = decoder_of(head.encoding)
        if decoder is None:
            detail = f"send the body without Content-Encoding, or in one of {ACCEPTED}"
            return problem(scope, 415, "unsupported_encoding", detail, headers={"Accept-Encoding": ACCEPTED})
        totals = Totals()
        held = Held(self._held)
        try:
            self._commits.check_answering()
            if head.media_type == _JSON:
                return await self._answer_json(scope, receive, head, decoder, totals, held)
            return await self._answer_lines(scope, receive, head, decoder, totals, held)
        except FleetwattError as error:
            return of_error(scope, error, totals)
        finally:
            held.set(0)

    def begin_storing(self, body: bytes, promise: Promise) -> bool:
        """Have a body stored that is one valid reading; false: it is anything else, or there is more to it.

        Raises:
            OverloadedError, DatabaseUnavailableError: it cannot be stored now.
        """
        if self._rate_limit is not None:
            return False
        try:
            telemetry = decode_body(body, self._window())
        except MalformedBodyError:
            return False
        if telemetry.is_batch or telemetry.rejections:
            return False
        self._commits.store(telemetry, len(body), promise)
        return True

    async def _answer_json(
        self, scope: Scope, receive: Receive, head: Head, decoder: Decoder, totals: Totals, held: Held
    ) -> Answer:
        client = self._admitted(scope, head)
        try:
            body = await read_decoded(receive, head, decoder, self._limits, held)
            telemetry = decode_body(body, self._window(), max_items=self._limits.items)
        except MalformedBodyError as error:
            raw = error.raw if isinstance(error, BrokenEncodingError) else body
            await self._store(Telemetry.undecodable(raw, error), len(raw), client)
            return problem(scope, 400, error.code, error.detail)
        except TooManyItemsError:
            detail = f"an array holds at most {self._limits.items} readings; send several, or {NDJSON}"
            raise TooLargeError(detail) from None
        if len(telemetry) == 0:
            return totals.answer(scope)
        outcome = await self._store(telemetry, len(body), client)
        if not telemetry.is_batch:
            return of_one(scope, outcome)
        totals.add(outcome)
        return totals.answer(scope)

    async def _answer_lines(
        self, scope: Scope, receive: Receive, head: Head, decoder: Decoder, totals: Totals, held: Held
    ) -> Answer:
        first_index = 0
        try:
            async with (
                StoredBehind(totals) as behind,
                aclosing(read_lines(receive, head, decoder, self._limits, held)) as chunks,
            ):
                async for lines in chunks:
                    client = self._admitted(scope, head)
                    telemetry = decode_lines(lines, self._window())
                    await behind.settle()
                    if len(telemetry) > 0:
                        behind.begin(self._begin_storing(telemetry, sum(map(len, lines)), client), first_index)
                    else:
                        await asyncio.sleep(0)  # a bomb of blank lines must not keep the others waiting
                    first_index += len(lines)
        except BrokenEncodingError as error:
            rest = Telemetry.undecodable(error.raw, error)
            totals.add(await self._store(rest, len(error.raw), self._admitted(scope, head)), first_index)
            return problem(scope, 400, error.code, error.detail, **totals.as_dict())
        return totals.answer(scope)

    def _admitted(self, scope: Scope, head: Head) -> str:
        """Who sends this, unless that one has sent too much.

        Raises:
            RateLimitedError: that is so.
        """
        if self._rate_limit is None:
            return ""
        client = head.authorization.decode("latin-1") or str((scope.get("client") or ("",))[0])
        self._rate_limit.check(client)
        return client

    async def _store(self, telemetry: Telemetry, size_bytes: int, client: str) -> Outcome:
        return await self._begin_storing(telemetry, size_bytes, client)

    def _begin_storing(self, telemetry: Telemetry, size_bytes: int, client: str) -> "asyncio.Future[Outcome]":
        if self._rate_limit is not None:
            self._rate_limit.charge(client, len(telemetry))
        stored: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._commits.store(telemetry, size_bytes, stored)
        return stored
