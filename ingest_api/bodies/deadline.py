"""No request waits for a database that does not answer: after 1.8 s it is answered with 503.

A GET may take longer, because its answer may be long or the database busy, and so may who signs in, because a password
is looked at slowly, and one after the other: they are waited for up to 10 s, as long as the database answers those who
ask it. Probes bound their own questions and say what is wrong: they are waited for.

The framework's routes run as tasks of their own, because a query to a frozen server can neither be cancelled nor timed
out. An overdue task goes on by itself: a change that takes long is made in the end, and whoever sends it again finds it
made. How many tasks can be under way is bounded by the connections there are.
"""

import asyncio
import contextlib
from typing import NamedTuple

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest_api.bodies.body import BodyReader
from ingest_api.bodies.density import check_density
from ingest_api.bodies.limits import ANSWER_WITHIN_S, Limits, MemoryBudget
from ingest_api.database_pulse import DatabasePulse
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.problems import error_response
from warehouse.contract.errors import DatabaseUnavailableError, FleetwattError, TooSlowError
from warehouse.decoding.json_bodies import MalformedBodyError

READ_WITHIN_S = 10.0


class Deadlines(NamedTuple):
    """How long is waited for what. ``own``: paths with a deadline of their own; ``hashing``: that hash passwords."""

    pulse: DatabasePulse
    own: frozenset[str]
    hashing: frozenset[str]

    def most_s(self, scope: Scope) -> float:
        """How long the request of this scope is waited for while the database answers."""
        is_slow = scope["method"] == "GET" or scope["path"] in self.hashing
        return READ_WITHIN_S if is_slow else ANSWER_WITHIN_S


class DeadlineMiddleware:
    """Reads the body, within its limits, and then waits for the application, but not beyond the deadline."""

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        budget: MemoryBudget,
        clients: ClientAddresses,
        deadlines: Deadlines,
    ) -> None:
        self._app = app
        self._limits = limits
        self._budget = budget
        self._clients = clients
        self._deadlines = deadlines
        self._overdue: set[asyncio.Task[None]] = set()  # the loop itself would forget them

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer it where that takes too long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with BodyReader(scope, receive, self._budget, self._clients.client_of(scope)) as reader:
            try:
                body = await reader.read_whole(self._limits.body_bytes)
                self._check_density(body)
                await self._pass_on(scope, _first(body, receive), send)
            except FleetwattError as error:
                await error_response(scope, error)(scope, receive, send)
            except ClientDisconnect:
                pass

    def _check_density(self, body: bytes) -> None:
        with contextlib.suppress(MalformedBodyError):  # the application says so, as it does of other bodies
            check_density(body, self._limits.items)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in self._deadlines.own:
            await self._app(scope, receive, send)
            return
        has_begun = is_overdue = False

        async def send_in_time(message: Message) -> None:
            nonlocal has_begun
            if not is_overdue:
                has_begun = True
                await send(message)

        request = asyncio.create_task(self._run(scope, receive, send_in_time))
        overdue = await self._wait_for(request, self._deadlines.most_s(scope))
        if overdue and not has_begun:
            is_overdue = True
            self._overdue.add(request)
            request.add_done_callback(self._forget)
            raise overdue
        await request

    async def _wait_for(self, request: asyncio.Task[None], most_s: float) -> FleetwattError | None:
        """Wait until it is done, ``most_s`` at most, and no longer than the database may be silent to all who ask it.

        Returns why it is not.
        """
        waited_s, silent_s = 0.0, 0.0
        while silent_s < ANSWER_WITHIN_S and waited_s < most_s:
            wait_s = min(ANSWER_WITHIN_S - silent_s, most_s - waited_s)
            done, _ = await asyncio.wait({request}, timeout=wait_s)
            if done:
                return None
            waited_s += wait_s
            silent_s = min(waited_s, self._deadlines.pulse.silent_s())
        if silent_s < ANSWER_WITHIN_S / 2:  # it was asked a while after the request came
            return TooSlowError(f"there is no answer after {most_s:g} s: much is to be done just now; try again later")
        return DatabaseUnavailableError("the database does not answer; try again later")

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _forget(self, request: asyncio.Task[None]) -> None:
        self._overdue.discard(request)
        if not request.cancelled():
            request.exception()  # the application has logged it


def _first(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read, and then what else comes."""
    is_given = False

    async def receive_body_first() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_body_first
