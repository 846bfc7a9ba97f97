"""The pool that answers questions: async connections, rows as dictionaries, the driver's errors translated."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Composed
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from ingest_api.database_pulse import DatabasePulse
from warehouse import sqlfiles
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.postgres.connection import connect_options, has_ended, translated_errors
from warehouse.postgres.server_fitness import fault_of, fault_of_pooler
from warehouse.postgres.session import AsyncSession

POOL_SIZE = 8
POOL_WAIT_S = 8.0
"""Longer than most requests are waited for: a question may take as long as the database answers others."""
MAX_WAITING = 200
"""Requests that wait for a connection; beyond them each is refused at once."""
_CLOSE_WITHIN_S = 2.0
RECONNECT_FOR_S = 1.0
"""After that an attempt is given up and the next request begins a new one. The pool waits twice as long after each
failure, so with its default (300 s) a database that was away for minutes would be missed for minutes more."""

Connection = psycopg.AsyncConnection[DictRow]
Row = dict[str, Any]


class Database:
    """Connections for requests that read or change a few rows; telemetry has its own."""

    def __init__(self, url: str, name: str = "fleetwatt", pulse: DatabasePulse | None = None) -> None:
        """``name`` is what PostgreSQL calls these connections; the pulse knows who asks, and beats at each answer."""
        self._pulse = pulse or DatabasePulse()
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=POOL_SIZE,
            timeout=POOL_WAIT_S,
            max_waiting=MAX_WAITING,
            reconnect_timeout=RECONNECT_FOR_S,
            kwargs={**connect_options(), "application_name": name, "autocommit": True, "row_factory": dict_row},
            connection_class=AsyncSession,
            # A connection that died in the pool is noticed before it is handed out: a restarted database costs a
            # request a millisecond, not an error. The pool's own check would ask the database, and hang with it.
            check=_check_alive,
            open=False,
        )
        self._lent: set[Connection] = set()
        self._url = url
        self._keeps_sessions = False

    async def open(self) -> None:
        """Begin to connect, in the background: the process starts, and says it is not ready, without a database."""
        await self._pool.open(wait=False)

    async def find_fault(self, opens: int) -> str | None:
        """What is wrong with the server; ``None``: nothing. Behind a pooler it is looked at until that is well, once.

        Raises:
            DatabaseUnavailableError: it cannot be asked.
        """
        async with self.connection() as connection:
            cursor = await connection.execute(sqlfiles.load("warehouse.postgres", "read_server"))
            server = await cursor.fetchone() or {}
            has_pooler = server["backend_pid"] != connection.info.backend_pid
        fault = fault_of(server, opens)
        if fault is None and has_pooler and not self._keeps_sessions:
            fault = await asyncio.to_thread(fault_of_pooler, self._url)
            self._keeps_sessions = fault is None
        return fault

    async def close(self) -> None:
        """Close every connection, also those whose query a frozen database has never answered."""
        for connection in [each for each in self._lent if not each.closed]:
            # By its socket: its task, which waits for that, then ends. Cancelled, it would first ask the database.
            with socket.socket(fileno=os.dup(connection.fileno())) as end:
                end.shutdown(socket.SHUT_RDWR)
        await self._pool.close(timeout=_CLOSE_WITHIN_S)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit.

        Raises:
            DatabaseUnavailableError: none could be had in time, or it broke.
        """
        with translated_errors(), self._pulse.asked():
            try:
                async with self._pool.connection() as connection:
                    self._lent.add(connection)
                    try:
                        yield connection
                        self._pulse.beat()
                    finally:
                        self._lent.discard(connection)
            except (PoolTimeout, TooManyRequests) as error:  # before they are translated: OperationalErrors too
                raise DatabaseUnavailableError("the database does not answer; try again later") from error


class AnalyticsDatabase(Database):
    """Where dashboards' questions go: a pool of their own, on a replica where one is named."""


async def _check_alive(connection: Connection) -> None:
    if has_ended(connection):
        raise psycopg.OperationalError("the server has closed this connection")


async def fetch_all(connection: Connection, query: SQL | Composed, parameters: Mapping[str, Any]) -> list[Row]:
    """All rows of the answer."""
    cursor = await connection.execute(query, parameters)
    return await cursor.fetchall()


async def fetch_one(connection: Connection, query: SQL | Composed, parameters: Mapping[str, Any]) -> Row | None:
    """The first row of the answer."""
    cursor = await connection.execute(query, parameters)
    return await cursor.fetchone()
