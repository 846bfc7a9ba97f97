"""``POST /v1/telemetry``: bytes in, durable readings, an answer that accounts for every item."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from starlette.types import Receive
from starlette.types import Scope as AsgiScope

from ingest_api.auth.callers import caller_of, token_id_of
from ingest_api.auth.gate import Gate
from ingest_api.bodies.body import BodyReader, BrokenEncodingError
from ingest_api.bodies.content_encoding import ACCEPTED, decoder_of
from ingest_api.bodies.density import check_density
from ingest_api.bodies.limits import Limits, MemoryBudget
from ingest_api.commit.batch_queue import Completion
from ingest_api.commit.group_commit import GroupCommit
from ingest_api.http.client_address import ClientAddresses
from ingest_api.telemetry.answers import Answer, Totals, of_error, of_one, problem
from ingest_api.telemetry.rate_limits import Account, RateLimits
from ingest_api.telemetry.sender import RequestSender
from ingest_api.telemetry.sliced_validation import SlicedValidation
from ingest_api.telemetry.stored_behind import StoredBehind
from warehouse.contract.errors import FleetwattError, TooLargeError
from warehouse.contract.readings import AcceptedWindow
from warehouse.contract.tokens import Scope
from warehouse.counted import counted
from warehouse.decoding.json_bodies import MalformedBodyError
from warehouse.decoding.telemetry import (
    Sender,
    Telemetry,
    TooManyItemsError,
    body_in_steps,
    decode_body,
    lines_in_steps,
)
from warehouse.postgres.readings.reading_store import Outcome

PATH = "/v1/telemetry"

JSON = "application/json"
NDJSON = "application/x-ndjson"

_NOT_ALLOWED = "this token may not send readings of this device"
_NEVER = datetime.fromtimestamp(0, UTC)

_JSON, _NDJSON = JSON.encode(), NDJSON.encode()


class MovingWindow:
    """Which timestamps are accepted now. To make it for each request would cost a tenth of the request."""

    def __init__(self, age: timedelta, ahead: timedelta) -> None:
        self._age, self._ahead = age, ahead
        self._tenths = 0  # of a second since 1970, when it was made
        self._window = AcceptedWindow(_NEVER, _NEVER)

    def now(self) -> AcceptedWindow:
        """The window of this tenth of a second."""
        tenths = int(time.time() * 10)
        if tenths != self._tenths:
            now = datetime.fromtimestamp(tenths / 10, UTC)
            self._tenths, self._window = tenths, AcceptedWindow.around(now, age=self._age, ahead=self._ahead)
        return self._window


class TelemetryIngest:
    """Answers telemetry requests."""

    def __init__(
        self,
        commits: GroupCommit,
        window: MovingWindow,
        limits: Limits,
        budget: MemoryBudget,
        rate_limits: RateLimits,
        clients: ClientAddresses,
        gate: Gate,
    ) -> None:
        self._commits = commits
        self._window = window
        self._limits = limits
        self._rate_limits = rate_limits
        self.clients = clients
        self._gate = gate
        self._budget = budget
        self._validation = SlicedValidation()

    async def answer(self, scope: AsgiScope, receive: Receive) -> Answer:
        """Read the request, store what it holds, and account for it.

        Raises:
            ClientDisconnect: there is nobody left to answer.
        """
        client = self.clients.client_of(scope)
        account = Account(self._rate_limits, client)
        totals = Totals()
        with BodyReader(scope, receive, self._budget, client) as body:
            try:
                account.check()  # before a byte of the body is asked for
                return await self._answer(scope, body, account, totals)
            except FleetwattError as error:
                return of_error(scope, error, totals)
            finally:
                account.end(body.most_bytes)

    async def _answer(self, scope: AsgiScope, body: BodyReader, account: Account, totals: Totals) -> Answer:
        media_type, encoding = body.headers.media_type, body.headers.encoding
        if media_type not in (_JSON, _NDJSON):
            detail = f"send {JSON} or {NDJSON} as Content-Type"
            return problem(scope, 415, "unsupported_media_type", detail, headers={"Accept": f"{JSON}, {NDJSON}"})
        decoder = decoder_of(encoding)
        if decoder is None:
            detail = f"send the body without Content-Encoding, or in one of {ACCEPTED}"
            return problem(scope, 415, "unsupported_encoding", detail, headers={"Accept-Encoding": ACCEPTED})
        self._commits.check_answering()
        if media_type == _JSON:
            return await self._answer_json(scope, body.read_decoded(decoder, self._limits), account, totals)
        return await self._answer_lines(scope, body.read_lines(decoder, self._limits), account, totals)

    def begin_storing(self, body: bytes, credentials: bytes | None, completion: Completion, sender: Sender) -> bool:
        """Have a body stored that is one valid reading; false: it is anything else, or there is more to it.

        ``credentials``: what the request says in its ``Authorization``.

        Raises:
            OverloadedError, DatabaseUnavailableError: it cannot be stored now.
        """
        if self._rate_limits.are_set:
            return False
        token = None
        if self._gate.asks_for_ingest:
            token = self._gate.verified(credentials)
            if token is None or Scope.INGEST not in token.scopes:
                return False
        try:
            telemetry = decode_body(body, self._window.now())
        except MalformedBodyError:
            return False
        if telemetry.is_batch or telemetry.rejections:
            return False
        if token is not None:
            if token.devices is not None and not token.devices.allows(telemetry.readings[0][0]):
                return False
            telemetry.token_id = token_id_of(token)
        telemetry.sender = sender
        self._commits.store(telemetry, len(body), completion)
        return True

    async def _answer_json(self, scope: AsgiScope, whole: Awaitable[bytes], account: Account, totals: Totals) -> Answer:
        try:
            body = await whole
            check_density(body, self._limits.items)
            steps = body_in_steps(body, self._window.now(), max_items=self._limits.items)
            telemetry = await self._validation.validate(steps)
        except MalformedBodyError as error:
            raw = error.raw if isinstance(error, BrokenEncodingError) else body
            await self._begin_storing(Telemetry.undecodable(raw, error), len(raw), account, scope)
            return problem(scope, 400, error.code, error.detail)
        except TooManyItemsError:
            detail = f"an array holds at most {counted(self._limits.items, 'reading')}; send several, or {NDJSON}"
            raise TooLargeError(detail) from None
        if len(telemetry) == 0:
            return totals.answer(scope)
        await self._require_allowed(scope, telemetry)
        outcome = await self._begin_storing(telemetry, len(body), account, scope)
        if not telemetry.is_batch:
            return of_one(scope, outcome)
        totals.add(outcome)
        return totals.answer(scope)

    async def _answer_lines(
        self, scope: AsgiScope, chunked: AsyncGenerator[list[bytes], None], account: Account, totals: Totals
    ) -> Answer:
        indexes = range(0)
        totals.next_index = 0
        try:
            async with StoredBehind(totals) as behind, aclosing(chunked) as chunks:
                async for lines in chunks:
                    account.check()
                    telemetry = await self._validation.validate(lines_in_steps(lines, self._window.now()))
                    await self._require_allowed(scope, telemetry)
                    await behind.settle()
                    indexes = range(indexes.stop, indexes.stop + len(lines))
                    size_bytes = sum(map(len, lines))
                    if len(telemetry) > 0:
                        stored = self._begin_storing(telemetry, size_bytes, account, scope)
                        behind.begin(stored, indexes)
                    else:
                        account.charge(0, size_bytes)
                        totals.next_index = indexes.stop
                        await asyncio.sleep(0)  # a bomb of blank lines must not keep the others waiting
        except BrokenEncodingError as error:
            account.check()
            rest = Telemetry.undecodable(error.raw, error)
            totals.add(await self._begin_storing(rest, len(error.raw), account, scope), indexes.stop)
            return problem(scope, 400, error.code, error.detail, **totals.as_dict())
        return totals.answer(scope)

    async def _require_allowed(self, scope: AsgiScope, telemetry: Telemetry) -> None:
        """See that the request's token is valid still, and reject what it may not send.

        Raises:
            TokenInvalidError: it has ended since the request began.
            DatabaseUnavailableError: nobody can say.
        """
        await self._gate.require_still(scope)
        caller = caller_of(scope)
        if caller is not None and caller.devices is not None:
            telemetry.reject_devices_but(caller.devices.allows, "device_not_allowed", _NOT_ALLOWED)

    def _begin_storing(
        self, telemetry: Telemetry, size_bytes: int, account: Account, scope: AsgiScope
    ) -> "asyncio.Future[Outcome]":
        account.charge(len(telemetry), size_bytes)
        telemetry.sender = RequestSender(scope, self.clients)
        telemetry.token_id = token_id_of(caller_of(scope))
        stored: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._commits.store(telemetry, size_bytes, stored)
        return stored
