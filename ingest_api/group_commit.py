"""Many requests, one commit: a request joins the open batch and waits; one writer thread stores batch after batch.

There is no timer for batches. While one commits, the next one fills; the writer takes whatever has come together as
soon as it is free, so a lone request waits for nobody and a crowd shares one fsync.

What waits is bounded, and nobody waits for long: a body that is not stored in time is answered as such, though the
database may yet turn out to have stored it. While the writer hangs, requests are refused at once.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile
from queue import Empty, SimpleQueue
from typing import NamedTuple

import psycopg

from ingest_api import metrics
from ingest_api.limits import ANSWER_WITHIN_S
from warehouse.contract.errors import DatabaseUnavailableError, FleetwattError, OverloadedError
from warehouse.postgres.connection import has_ended
from warehouse.postgres.reading_store import Outcome, ReadingStore
from warehouse.telemetry import Telemetry

logger = logging.getLogger(__name__)

MAX_BATCH_READINGS = 20_000
"""Where a batch is full: a transaction of about 0.1 s, so that a crowd does not make one request wait for long."""

_LOOK_EVERY_S = 0.1
_CLOSE_WITHIN_S = 3.0
_IDLE_S = 0.1
"""Only then is the connection looked at before it is used. Under load that would cost more than it saves: each system
call of the writer gives way to the other thread."""


class _Entry(NamedTuple):
    body: Telemetry
    items: int
    size_bytes: int
    answer: asyncio.Future[Outcome]
    due_at: float  # on the loop's clock

    def has_expired(self) -> bool:
        """Whether its request was told that it took too long. A request that went away is another matter."""
        return self.answer.done() and not self.answer.cancelled()


class GroupCommit:
    """Stores bodies of telemetry, many requests in one transaction. Used from one event loop."""

    def __init__(
        self,
        open_connection: Callable[[], psycopg.Connection],
        make_store: Callable[[psycopg.Connection], ReadingStore],
        *,
        max_waiting_items: int,
        max_waiting_bytes: int,
    ) -> None:
        """``open_connection`` is called in the writer thread, again after each loss of the connection."""
        self._open_connection = open_connection
        self._make_store = make_store
        self._max_waiting_items = max_waiting_items
        self._max_waiting_bytes = max_waiting_bytes
        self._loop = asyncio.get_running_loop()
        # What waits, and what the writer has in its hands. Overdue or not: it takes up memory until the writer lets go.
        self._waiting: SimpleQueue[_Entry | None] = SimpleQueue()
        self._waiting_items = self._waiting_bytes = 0
        self._due: deque[_Entry] = deque()
        self._next_look: asyncio.TimerHandle | None = None
        # The writer's own.
        self._connection: psycopg.Connection | None = None
        self._store: ReadingStore | None = None
        self._busy_since: float | None = None
        self._free_since = time.monotonic()
        self._is_failing = False
        self._is_closing = False
        self._ended = asyncio.Event()
        threading.Thread(target=self._write_until_closed, name="group-commit", daemon=True).start()

    def check_answering(self) -> None:
        """Nothing happens while the writer gets on.

        Raises:
            DatabaseUnavailableError: it hangs.
        """
        busy_since = self._busy_since
        if busy_since is not None and time.monotonic() - busy_since > ANSWER_WITHIN_S:
            raise DatabaseUnavailableError("the database does not answer; send this again later")

    async def store(self, body: Telemetry, size_bytes: int) -> Outcome:
        """Store one body; returns after the commit.

        Raises:
            OverloadedError: too much waits already.
            DatabaseUnavailableError, PartitionMissingError: the body is not known to be stored. Sending it again is
            safe, and right.
        """
        self.check_answering()
        items = len(body)
        self._check_room(items, size_bytes)
        answer: asyncio.Future[Outcome] = self._loop.create_future()
        entry = _Entry(body, items, size_bytes, answer, self._loop.time() + ANSWER_WITHIN_S)
        self._waiting_items += items
        self._waiting_bytes += size_bytes
        self._due.append(entry)
        if self._next_look is None:
            self._next_look = self._loop.call_later(_LOOK_EVERY_S, self._look_for_overdue)
        self._waiting.put(entry)
        return await answer

    async def close(self) -> None:
        """Store what waits, then end the writer. One that hangs is left to end with the process."""
        self._is_closing = True
        self._waiting.put(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self._ended.wait()
        if self._next_look is not None:
            self._next_look.cancel()

    def _check_room(self, items: int, size_bytes: int) -> None:
        if self._waiting_items == 0:  # so that one body gets through, whatever the limits are set to
            return
        if (
            self._waiting_items + items > self._max_waiting_items
            or self._waiting_bytes + size_bytes > self._max_waiting_bytes
        ):
            raise OverloadedError("too much is waiting to be stored; send this again later")

    def _look_for_overdue(self) -> None:
        """One timer for all: a timer for each request would cost more than the rest of its waiting."""
        now = self._loop.time()
        while self._due and (self._due[0].answer.done() or self._due[0].due_at <= now):
            answer = self._due.popleft().answer
            if not answer.done():
                answer.set_exception(DatabaseUnavailableError("this was not stored in time; send it again later"))
        self._next_look = self._loop.call_later(_LOOK_EVERY_S, self._look_for_overdue) if self._due else None

    def _write_until_closed(self) -> None:
        is_last = False
        while not is_last:
            batch, is_last = self._next_batch()
            overdue = list(takewhile(_Entry.has_expired, batch))
            if overdue:  # nobody waits for these any more, and others do
                self._deliver(overdue, [None] * len(overdue))
                batch = batch[len(overdue) :]
            if batch:
                self._commit(batch)
            self._busy_since, self._free_since = None, time.monotonic()
        self._disconnect()
        self._tell_loop(self._ended.set)

    def _next_batch(self) -> tuple[list[_Entry], bool]:
        """Wait for an entry, then take all that have come; true where the queue was closed behind them."""
        batch: list[_Entry] = []
        items = 0
        entry = self._waiting.get()
        self._busy_since = time.monotonic()
        with contextlib.suppress(Empty):
            while True:
                if entry is None:
                    return batch, True
                batch.append(entry)
                items += entry.items
                if items >= MAX_BATCH_READINGS:
                    break
                entry = self._waiting.get_nowait()
        return batch, False

    def _commit(self, batch: Sequence[_Entry]) -> None:
        began_at = time.monotonic()
        try:
            outcomes = self._connected_store().store([entry.body for entry in batch], source="http")
        except DatabaseUnavailableError as error:
            metrics.count_failed_commit(error)
            if not self._is_failing:
                self._is_failing = True
                logger.warning("nothing can be stored: %s", error.detail)
            self._disconnect()
            self._deliver(batch, [error] * len(batch))
            self._try_until_it_does_not_hang()
        except Exception as error:
            if not isinstance(error, psycopg.Error | FleetwattError):  # a defect of ours, after which nothing is known
                self._disconnect()
            if len(batch) == 1:
                metrics.count_failed_commit(error)
                logger.exception("a body could not be stored")
                self._deliver(batch, [error])
            else:  # one body is at fault: its batch mates must not suffer
                middle = len(batch) // 2
                self._commit(batch[:middle])
                self._commit(batch[middle:])
        else:
            if self._is_failing:
                self._is_failing = False
                logger.warning("readings are stored again")
            self._deliver(batch, outcomes)
            metrics.count_commit(outcomes, time.monotonic() - began_at)

    def _connected_store(self) -> ReadingStore:
        was_idle = time.monotonic() - self._free_since > _IDLE_S
        if was_idle and self._connection is not None and has_ended(self._connection):
            self._disconnect()  # before anything is sent on it: the restart of a database costs no request an error
        if self._store is None:
            try:
                self._connection = self._open_connection()
            except psycopg.Error as error:
                raise DatabaseUnavailableError("the database does not answer; send this again later") from error
            self._store = self._make_store(self._connection)
        return self._store

    def _try_until_it_does_not_hang(self) -> None:
        """A database that refuses is asked anew by each batch; for one that hangs no request should have to wait."""
        began_at = self._busy_since
        while began_at is not None and time.monotonic() - began_at > ANSWER_WITHIN_S and not self._is_closing:
            began_at = time.monotonic()
            with contextlib.suppress(DatabaseUnavailableError):
                self._connected_store()
                return

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._store = None

    def _deliver(self, batch: Sequence[_Entry], results: Sequence[Outcome | Exception | None]) -> None:
        if batch:
            self._tell_loop(self._resolve, batch, results)

    def _tell_loop(self, callback: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: there is nobody left to tell
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _resolve(self, batch: Sequence[_Entry], results: Sequence[Outcome | Exception | None]) -> None:
        for entry, result in zip(batch, results, strict=True):
            self._waiting_items -= entry.items
            self._waiting_bytes -= entry.size_bytes
            if entry.answer.done():  # overdue, or its client went away: the readings are stored all the same
                continue
            if isinstance(result, Exception):
                entry.answer.set_exception(result)
            elif result is not None:
                entry.answer.set_result(result)
        metrics.note_waiting(self._waiting_items, self._waiting_bytes)
