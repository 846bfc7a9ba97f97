"""No request waits for a database that does not answer: after 1.8 s it is answered with 503.

A GET may take longer, because its answer may be long or the database busy: it is waited for up to 10 s, as long as the
database answers other requests. Probes bound their own questions and say what is wrong: they are waited for.

The framework's routes run as tasks of their own, because a query to a frozen server can neither be cancelled nor timed
out. An overdue task goes on by itself: a change that takes long is made in the end, and whoever sends it again finds it
made. How many tasks can be under way is bounded by the connections there are.
"""

import asyncio
import contextlib

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest_api.bodies.body import BodyReader
from ingest_api.bodies.density import check_density
from ingest_api.bodies.limits import ANSWER_WITHIN_S, Limits, MemoryBudget
from ingest_api.database_pulse import DatabasePulse
from ingest_api.http.client_address import ClientAddresses
from ingest_api.http.problems import error_response
from warehouse.contract.errors import DatabaseUnavailableError, FleetwattError
from warehouse.decoding.json_bodies import MalformedBodyError

READ_WITHIN_S = 10.0


class DeadlineMiddleware:
    """Reads the body, within its limits, and then waits for the application, but not beyond the deadline."""

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        budget: MemoryBudget,
        clients: ClientAddresses,
        pulse: DatabasePulse,
        probes: frozenset[str],
    ) -> None:
        self._app = app
        self._limits = limits
        self._budget = budget
        self._clients = clients
        self._pulse = pulse
        self._probes = probes
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
        if scope["path"] in self._probes:
            await self._app(scope, receive, send)
            return
        has_begun = is_overdue = False

        async def send_in_time(message: Message) -> None:
            nonlocal has_begun
            if not is_overdue:
                has_begun = True
                await send(message)

        request = asyncio.create_task(self._run(scope, receive, send_in_time))
        done = await self._wait_for(request, READ_WITHIN_S if scope["method"] == "GET" else ANSWER_WITHIN_S)
        if not done and not has_begun:
            is_overdue = True
            self._overdue.add(request)
            request.add_done_callback(self._forget)
            raise DatabaseUnavailableError("the database does not answer; try again later")
        await request

    async def _wait_for(self, request: asyncio.Task[None], most_s: float) -> bool:
        """Wait until it is done, ``most_s`` at most, and no longer than the database may be silent to everybody."""
        waited_s, silent_s = 0.0, 0.0
        while silent_s < ANSWER_WITHIN_S and waited_s < most_s:
            wait_s = min(ANSWER_WITHIN_S - silent_s, most_s - waited_s)
            done, _ = await asyncio.wait({request}, timeout=wait_s)
            if done:
                return True
            waited_s += wait_s
            silent_s = min(waited_s, self._pulse.seconds_since())
        return False

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
