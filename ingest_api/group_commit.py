"""Many requests, one commit: a request joins the open batch and waits; one writer thread stores batch after batch.

There is no timer. While one batch commits, the next one fills; the writer takes whatever has come together as soon as
it is free, so a lone request waits for nobody and a crowd shares one fsync.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import NamedTuple

import psycopg

from warehouse.contract.errors import DatabaseUnavailableError, FleetwattError
from warehouse.postgres.reading_store import Outcome, ReadingStore
from warehouse.telemetry import Telemetry

logger = logging.getLogger(__name__)

MAX_BATCH_READINGS = 20_000
"""Where a batch is full: a transaction of about 0.1 s, so that a crowd does not make one request wait for long."""


class _Entry(NamedTuple):
    body: Telemetry
    answer: asyncio.Future[Outcome]


class GroupCommit:
    """Stores bodies of telemetry, many requests in one transaction. Used from one event loop."""

    def __init__(
        self,
        open_connection: Callable[[], psycopg.Connection],
        make_store: Callable[[psycopg.Connection], ReadingStore],
    ) -> None:
        """``open_connection`` is called in the writer thread, again after each loss of the connection."""
        self._open_connection = open_connection
        self._make_store = make_store
        self._connection: psycopg.Connection | None = None
        self._store: ReadingStore | None = None
        self._waiting: SimpleQueue[_Entry | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_until_closed, name="group-commit", daemon=True)
        self._thread.start()

    async def store(self, body: Telemetry) -> Outcome:
        """Store one body; returns after the commit.

        Raises:
            DatabaseUnavailableError, PartitionMissingError: the body is not known to be stored. Sending it again is
            safe, and right.
        """
        answer: asyncio.Future[Outcome] = self._loop.create_future()
        self._waiting.put(_Entry(body, answer))
        return await answer

    async def close(self) -> None:
        """Store what waits, then end the writer."""
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    def _write_until_closed(self) -> None:
        closing = False
        while not closing:
            batch, closing = self._next_batch()
            if batch:
                self._commit(batch)
        self._disconnect()

    def _next_batch(self) -> tuple[list[_Entry], bool]:
        """Wait for an entry, then take all that have come; true where the queue was closed behind them."""
        batch: list[_Entry] = []
        readings = 0
        with contextlib.suppress(Empty):
            entry = self._waiting.get()
            while True:
                if entry is None:
                    return batch, True
                batch.append(entry)
                readings += len(entry.body.readings)
                if readings >= MAX_BATCH_READINGS:
                    break
                entry = self._waiting.get_nowait()
        return batch, False

    def _commit(self, batch: Sequence[_Entry]) -> None:
        try:
            outcomes = self._connected_store().store([entry.body for entry in batch], source="http")
        except DatabaseUnavailableError as error:
            self._disconnect()
            self._deliver(batch, [error] * len(batch))
        except (psycopg.Error, FleetwattError) as error:
            if len(batch) == 1:
                logger.exception("a body could not be stored")
                self._deliver(batch, [error])
            else:  # one body is at fault: its batch mates must not suffer
                for entry in batch:
                    self._commit([entry])
        except Exception as error:  # a defect of ours: the requests must hear of it, and the writer must live on
            logger.exception("the writer failed")
            self._disconnect()
            self._deliver(batch, [error] * len(batch))
        else:
            self._deliver(batch, outcomes)

    def _connected_store(self) -> ReadingStore:
        if self._store is None:
            try:
                self._connection = self._open_connection()
            except psycopg.Error as error:
                raise DatabaseUnavailableError("the database does not answer; send this again later") from error
            self._store = self._make_store(self._connection)
        return self._store

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._store = None

    def _deliver(self, batch: Sequence[_Entry], results: Sequence[Outcome | Exception]) -> None:
        self._loop.call_soon_threadsafe(_resolve, batch, results)


def _resolve(batch: Sequence[_Entry], results: Sequence[Outcome | Exception]) -> None:
    for entry, result in zip(batch, results, strict=True):
        if entry.answer.done():  # the client went away meanwhile; the reading is stored all the same
            continue
        if isinstance(result, Exception):
            entry.answer.set_exception(result)
        else:
            entry.answer.set_result(result)
