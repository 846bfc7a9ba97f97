"""Stores batches: whatever has come together, in one transaction; then tells what became of each body."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

import psycopg

from ingest_api.bodies import limits
from ingest_api.commit.batch_queue import BatchQueue, Entry
from ingest_api.commit.loop_connection import LoopConnection, run_on_loop
from ingest_api.observability import metrics
from warehouse.contract.errors import DatabaseUnavailableError, FleetwattError
from warehouse.postgres.connection import has_ended
from warehouse.postgres.readings.reading_store import Outcome, ReadingStore

logger = logging.getLogger(__name__)

_IDLE_S = 0.1
"""After so long without work the connection is checked before it is used: under load that would cost for nothing."""


class Failure(NamedTuple):
    """A commit that failed."""

    reason: str
    at: float
    """By the monotonic clock."""


Result = Outcome | Exception | None
"""What became of a body; ``None``: nothing was done with it."""


class CommitWriter:
    """One connection that stores on the event loop."""

    def __init__(
        self,
        waiting: BatchQueue,
        open_connection: Callable[[], LoopConnection],
        make_store: Callable[[psycopg.Connection], ReadingStore],
        deliver: Callable[[Sequence[Entry], Sequence[Result]], None],
        tell_lost: Callable[[], None],
    ) -> None:
        """``open_connection`` is called in a thread, again after each loss of the connection, which is told."""
        self._waiting = waiting
        self._open_connection = open_connection
        self._make_store = make_store
        self._deliver = deliver
        self._tell_lost = tell_lost
        self._connection: LoopConnection | None = None
        self._store: ReadingStore | None = None
        self._is_doubtful = False
        self._busy_since: float | None = None
        self._free_since = time.monotonic()
        self.failure: Failure | None = None
        """The last commit's, where it failed because of the database."""
        self.stored_at = -math.inf
        """When the last commit was made, by the monotonic clock."""
        self._is_closing = False
        self._task = asyncio.create_task(self._write_until_closed(), name="commit-writer")

    def hangs(self) -> bool:
        """Whether its transaction takes longer than a request may wait."""
        busy_since = self._busy_since
        return busy_since is not None and time.monotonic() - busy_since > limits.ANSWER_WITHIN_S

    def doubt_connection(self) -> None:
        """Another one's connection was lost: this one is checked before it is used."""
        self._is_doubtful = True

    async def close(self) -> None:
        """Store what waits, and end; where this is cancelled, give up what is being stored."""
        self._is_closing = True
        self._waiting.end_a_writer()
        try:
            await self._task
        finally:
            self._disconnect()

    async def _write_until_closed(self) -> None:
        is_last = False
        while not is_last:
            batch, is_last = await self._waiting.next_batch()
            self._busy_since = time.monotonic()
            overdue = list(takewhile(Entry.has_expired, batch))
            if overdue:  # nobody waits for these any more, and others do
                self._deliver(overdue, [None] * len(overdue))
                batch = batch[len(overdue) :]
            if batch:
                await self._commit(batch)
            self._busy_since, self._free_since = None, time.monotonic()

    async def _commit(self, batch: Sequence[Entry]) -> None:
        began_at = time.monotonic()
        try:
            store = await self._connected_store()
            outcomes = await run_on_loop(store.store, [entry.body for entry in batch], source="http")
        except DatabaseUnavailableError as error:
            self._note_failure(error)
            self._disconnect()
            self._tell_lost()
            self._deliver(batch, [error] * len(batch))
            await self._try_until_it_does_not_hang()
        except Exception as error:
            if not isinstance(error, psycopg.Error | FleetwattError):  # a defect of ours, after which nothing is known
                self._disconnect()
            if len(batch) == 1:
                metrics.count_failed_commit(error)
                logger.exception("a body could not be stored")
                self._deliver(batch, [error])
            else:  # one body is at fault: its batch mates must not suffer
                middle = len(batch) // 2
                await self._commit(batch[:middle])
                await self._commit(batch[middle:])
        else:
            self._note_success()
            # The next batch goes to the database first, which works on it while these are answered.
            asyncio.get_running_loop().call_soon(self._deliver, batch, outcomes)
            metrics.count_commit(outcomes, self.stored_at - began_at)

    def _note_failure(self, error: DatabaseUnavailableError) -> None:
        metrics.count_failed_commit(error)
        if self.failure is None:
            logger.warning("nothing can be stored: %s", error.detail)
        self.failure = Failure(error.detail, time.monotonic())

    def _note_success(self) -> None:
        self.stored_at = time.monotonic()
        if self.failure is not None:
            self.failure = None
            logger.warning("readings are stored again")

    async def _connected_store(self) -> ReadingStore:
        is_doubtful = self._is_doubtful or time.monotonic() - self._free_since > _IDLE_S
        self._is_doubtful = False
        if is_doubtful and self._connection is not None and has_ended(self._connection):
            self._disconnect()  # before anything is sent on it: the restart of a database costs no request an error
        if self._store is None:
            self._disconnect()  # there may be a connection on which no store could be made
            try:
                self._connection = await asyncio.to_thread(self._open_connection)
            except psycopg.Error as error:
                raise DatabaseUnavailableError("the database does not answer; send this again later") from error
            self._store = await run_on_loop(self._make_store, self._connection)
        return self._store

    async def _try_until_it_does_not_hang(self) -> None:
        """A database that refuses is asked again by each batch; for one that hangs no request should have to wait."""
        began_at = self._busy_since
        while began_at is not None and time.monotonic() - began_at > limits.ANSWER_WITHIN_S and not self._is_closing:
            began_at = time.monotonic()
            with contextlib.suppress(DatabaseUnavailableError):
                await self._connected_store()
                return

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._store = None
