"""Many requests, one commit: a request joins the open batch and waits; writers store batch after batch.

There is no timer for batches. While one commits, the next one fills; a writer takes whatever has come together as soon
as it is free, so a lone request waits for nobody and many share one fsync. Large bodies have writers of their own:
single readings do not wait behind them. Of either PostgreSQL works on two batches at a time.

What waits is bounded, and nobody waits for long: a body that is not stored in time is answered as such, though the
database may yet turn out to have stored it. While a writer hangs, requests are refused at once.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from itertools import takewhile

import psycopg

from ingest_api.bodies import limits
from ingest_api.commit.batch_queue import BatchQueue, Completion, Entry
from ingest_api.commit.commit_writer import CommitWriter, Failure, Result
from ingest_api.commit.loop_connection import LoopConnection
from ingest_api.database_pulse import DatabasePulse
from ingest_api.observability import metrics
from warehouse.contract.errors import DatabaseUnavailableError, OverloadedError
from warehouse.decoding.telemetry import Telemetry
from warehouse.postgres.readings.reading_store import Outcome, ReadingStore

BULK_READINGS = 100
"""From this size on a body goes to the writers of large ones: its readings take PostgreSQL longer than its commit."""
SMALL_WRITERS = 2
BULK_WRITERS = 2

_LOOK_EVERY_S = 0.1
_CLOSE_WITHIN_S = 3.0


class GroupCommit:
    """Stores bodies of telemetry, many requests in one transaction. Used from one event loop."""

    def __init__(
        self,
        open_connection: Callable[[], LoopConnection],
        make_store: Callable[[psycopg.Connection], ReadingStore],
        *,
        max_waiting_items: int,
        max_waiting_bytes: int,
        pulse: DatabasePulse | None = None,
    ) -> None:
        """``open_connection`` is called in a thread, again after each loss of the connection.

        The pulse beats at each batch that is stored.
        """
        self._pulse = pulse or DatabasePulse()
        self._max_waiting_items = max_waiting_items
        self._max_waiting_bytes = max_waiting_bytes
        self._loop = asyncio.get_running_loop()
        # What waits, and what the writers have in their hands. Overdue or not: it takes up memory until they let go.
        self._small, self._bulk = BatchQueue(), BatchQueue()
        self._waiting_items = self._waiting_bytes = 0
        self._due_at: dict[Completion, float] = {}  # on the loop's clock, the first due first
        self._next_look: asyncio.TimerHandle | None = None
        self._writers = [
            CommitWriter(queue, open_connection, make_store, self._resolve, self._doubt_connections)
            for queue in [self._small] * SMALL_WRITERS + [self._bulk] * BULK_WRITERS
        ]

    def check_answering(self) -> None:
        """Check that no writer hangs.

        Raises:
            DatabaseUnavailableError: one hangs.
        """
        for writer in self._writers:
            if writer.hangs():
                raise DatabaseUnavailableError("the database does not answer; send this again later")

    def newest_failure(self) -> Failure | None:
        """The newest failure that no commit of the same size has followed: a full disk may have room for small ones."""
        failures: list[Failure] = []
        for writers in (self._writers[:SMALL_WRITERS], self._writers[SMALL_WRITERS:]):
            stored_at = max(writer.stored_at for writer in writers)
            failures += [each.failure for each in writers if each.failure and each.failure.at > stored_at]
        return max(failures, key=lambda failure: failure.at, default=None)

    def stored_at(self) -> float:
        """When anything was committed last, by the monotonic clock."""
        return max(writer.stored_at for writer in self._writers)

    def store(self, body: Telemetry, size_bytes: int, completion: Completion) -> None:
        """Have a body stored; the completion is told what became of it after the commit.

        It may be told of a DatabaseUnavailableError or a PartitionMissingError too: then the body is not known to be
        stored, and has to be sent again, which is safe.

        Raises:
            OverloadedError: too much waits already.
            DatabaseUnavailableError: the database does not answer.
        """
        self.check_answering()
        items = len(body)
        self._check_room(items, size_bytes)
        entry = Entry(body, items, size_bytes, completion)
        self._waiting_items += items
        self._waiting_bytes += size_bytes
        self._due_at[completion] = self._loop.time() + limits.ANSWER_WITHIN_S
        if self._next_look is None:
            self._next_look = self._loop.call_later(_LOOK_EVERY_S, self._look_for_overdue)
        (self._bulk if items >= BULK_READINGS else self._small).put(entry)

    async def close(self) -> None:
        """Store what waits, then end the writers. One that hangs is left to end with the process."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await asyncio.gather(*(writer.close() for writer in self._writers))
        if self._next_look is not None:
            self._next_look.cancel()

    def _doubt_connections(self) -> None:
        """A server that restarts, or fails over, costs one request an error, and not one for each connection."""
        for writer in self._writers:
            writer.doubt_connection()

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
        for completion in list(takewhile(lambda completion: self._due_at[completion] <= now, self._due_at)):
            del self._due_at[completion]
            if not completion.done():
                completion.set_exception(DatabaseUnavailableError("this was not stored in time; send it again later"))
        self._next_look = self._loop.call_later(_LOOK_EVERY_S, self._look_for_overdue) if self._due_at else None

    def _resolve(self, batch: Sequence[Entry], results: Sequence[Result]) -> None:
        for entry, result in zip(batch, results, strict=True):
            self._waiting_items -= entry.items
            self._waiting_bytes -= entry.size_bytes
            self._due_at.pop(entry.completion, None)
            if entry.completion.done():  # overdue, or its client went away: the readings are stored all the same
                continue
            if isinstance(result, Exception):
                entry.completion.set_exception(result)
            elif result is not None:
                entry.completion.set_result(result)
        if results and isinstance(results[0], Outcome):
            self._pulse.beat()
        metrics.note_waiting(self._waiting_items, self._waiting_bytes)
