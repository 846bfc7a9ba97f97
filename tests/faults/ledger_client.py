"""Devices that send readings while the server is hurt, and note each one that was acknowledged.

Half of them insist: what was not acknowledged they send again until it is. The others give up and note that they never
heard: of theirs, whatever was in flight may be stored or not.
"""

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from math import inf
from typing import NamedTuple

from tests.faults.attempts import Attempts, clock
from tests.faults.background import in_background, sleep_unless
from tests.faults.connection import PATIENCE_S, Answer, Connection, NoAnswerError, NotConnectedError
from tests.faults.ledger import Ledger
from tests.faults.readings import Body, Readings, Shape

ALL_SHAPES = (Shape.SINGLE, Shape.SINGLE, Shape.ARRAY, Shape.LINES)
RETRY_S = 0.2
"""Sooner than any Retry-After asks: devices are impatient."""


class Delivery(NamedTuple):
    """A body's life, in seconds since the epoch: sent for the first time, and acknowledged (never: infinity)."""

    sent_at: float
    heard_at: float
    lines: list[bytes]


@dataclass
class LedgerClients:
    """A group of clients, one on each connection."""

    port: int
    acknowledged: Ledger
    unanswered: Ledger
    connections: int = 32
    shapes: Sequence[Shape] = ALL_SHAPES
    items: int = 20
    """Of an array, and lines of a stream."""
    interval_s: float = 0.0
    """Between the requests of a connection; 0: the next one follows the answer at once."""
    patience_s: float = PATIENCE_S
    token: str = ""
    """Of a server that asks for one."""
    is_polite: bool = False
    """They all insist, and wait as long as they are asked to."""
    first_connection: int = 0
    """Groups on one database number their connections on from each other, so that no two of them send the same key."""
    keeps_times: bool = False
    """Whether ``deliveries`` is kept, of which many take memory."""
    deliveries: list[Delivery] = field(default_factory=list)
    attempts: Attempts = field(default_factory=Attempts)
    bodies_acknowledged: int = 0
    readings_in_flight: int = 0
    """How many were sent without a good answer, at least once: they may be stored or not."""
    heard_late: int = 0
    """How many of these were stored all the same, as a client that insisted was told: they came as duplicates."""
    surprises: list[str] = field(default_factory=list)
    """Answers that account for something else than what was sent."""
    _prepared: dict[int, list[Body]] = field(default_factory=dict)
    _start: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(hours=2))

    def prepare(self, bodies: int) -> None:
        """Make beforehand all that each connection will send: so many bodies, and no more."""
        self._prepared = {number: list(islice(self._bodies(number), bodies)) for number in self._numbers}

    def sending(self) -> AbstractContextManager[None]:
        """They send until the end of the block; then each waits for its last answer."""
        return in_background(self._send)

    def wait_for(self, bodies: int, within_s: float = 30.0) -> bool:
        """Whether so many more bodies are acknowledged in time."""
        goal, give_up = self.bodies_acknowledged + bodies, time.monotonic() + within_s
        while self.bodies_acknowledged < goal:
            if time.monotonic() > give_up:
                return False
            time.sleep(0.01)
        return True

    async def _send(self, stop: threading.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for number in self._numbers:
                group.create_task(self._send_on(number, stop))

    async def _send_on(self, number: int, stop: threading.Event) -> None:
        connection = Connection(self.port, self.patience_s, self.token)
        loop = asyncio.get_running_loop()
        next_at = loop.time() + self.interval_s * (number % self.connections) / self.connections
        bodies = iter(self._prepared.get(number) or self._bodies(number))
        while not stop.is_set() and (body := next(bodies, None)):
            await sleep_unless(stop, next_at - loop.time())
            next_at = max(next_at + self.interval_s, loop.time() - self.interval_s)
            await self._deliver(connection, body, stop, insists=self.is_polite or number % 2 == 0)
        connection.close()

    @property
    def _numbers(self) -> range:
        return range(self.first_connection, self.first_connection + self.connections)

    def _bodies(self, number: int) -> Iterator[Body]:
        """What a connection sends, without end; each begins at another shape."""
        readings, first = Readings(number, self._start), number % len(self.shapes)
        for shape in cycle([*self.shapes[first:], *self.shapes[:first]]):
            yield readings.body(shape, self.items)

    async def _deliver(self, connection: Connection, body: Body, stop: threading.Event, *, insists: bool) -> None:
        was_in_flight, sent_at = False, time.time()
        while True:
            result = await self._attempt(connection, body)
            if isinstance(result, Answer) and result.status in (200, 201):
                break
            if not was_in_flight and not isinstance(result, NotConnectedError):
                self.readings_in_flight += len(body.lines)
                was_in_flight = True
            if self.is_polite:  # while it waits, the server may well end an idle connection: it takes a new one
                connection.close()
            await sleep_unless(stop, self._retry_after_s(result))
            if stop.is_set() or not insists:
                self._keep_times(sent_at, inf, body)
                await self.unanswered.write(body.lines)
                return
        self._keep_times(sent_at, time.time(), body)
        stored, duplicates = stored_and_duplicates(result, body)
        if stored + duplicates != len(body.lines) or (duplicates and not was_in_flight):
            self.surprises.append(f"{result.status} {result.body[:200]!r} to {len(body.lines)} readings")
            await self.unanswered.write(body.lines)
            return
        self.heard_late += duplicates
        await self.acknowledged.write(body.lines)
        self.bodies_acknowledged += 1

    def _keep_times(self, sent_at: float, heard_at: float, body: Body) -> None:
        if self.keeps_times:
            self.deliveries.append(Delivery(sent_at, heard_at, body.lines))

    def _retry_after_s(self, result: Answer | NoAnswerError) -> float:
        asked = result.retry_after if self.is_polite and isinstance(result, Answer) else b""
        return float(asked or RETRY_S)

    async def _attempt(self, connection: Connection, body: Body) -> Answer | NoAnswerError:
        sent_at = clock()
        try:
            result: Answer | NoAnswerError = await connection.exchange(body.request)
        except NoAnswerError as error:
            result = error
        self.attempts.add(sent_at, result)
        return result


def stored_and_duplicates(answer: Answer, body: Body) -> tuple[int, int]:
    """What a good answer says of the readings of its body."""
    said = json.loads(answer.body)
    if body.shape is Shape.SINGLE:
        return said == {"status": "stored"}, said == {"status": "duplicate"}
    return said["accepted"], said["duplicates"]
