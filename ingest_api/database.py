"""The pool that answers questions: async connections, rows as dictionaries, the driver's errors translated."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from warehouse import sqlfiles
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.postgres.connection import connect_options, translated_errors

POOL_SIZE = 8
POOL_WAIT_S = 2.0
RECONNECT_FOR_S = 1.0
"""After that an attempt is given up and the next request begins a new one. The pool waits twice as long after each
failure, so with its default (300 s) a database that was away for minutes would be missed for minutes more."""

Connection = psycopg.AsyncConnection[DictRow]
Row = dict[str, Any]


class Database:
    """Connections for requests that read or change a few rows; telemetry has its own."""

    def __init__(self, url: str) -> None:
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=POOL_SIZE,
            timeout=POOL_WAIT_S,
            reconnect_timeout=RECONNECT_FOR_S,
            kwargs={**connect_options(), "autocommit": True, "row_factory": dict_row},
            connection_class=psycopg.AsyncConnection[DictRow],
            # A connection that died in the pool is noticed before it is handed out: a restarted database costs a
            # request a millisecond, not an error.
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Begin to connect, in the background: the process starts, and says it is not ready, without a database."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit.

        Raises:
            DatabaseUnavailableError: none could be had in time, or it broke.
        """
        with translated_errors():
            try:
                async with self._pool.connection() as connection:
                    yield connection
            except PoolTimeout as error:  # before it is translated: it is an OperationalError too
                raise DatabaseUnavailableError("the database does not answer; try again later") from error


async def fetch_all(connection: Connection, name: str, parameters: Mapping[str, Any]) -> list[Row]:
    """The rows of ``sql/<name>.sql``."""
    cursor = await connection.execute(sqlfiles.load("ingest_api", name), parameters)
    return await cursor.fetchall()


async def fetch_one(connection: Connection, name: str, parameters: Mapping[str, Any]) -> Row | None:
    """The first row of ``sql/<name>.sql``."""
    cursor = await connection.execute(sqlfiles.load("ingest_api", name), parameters)
    return await cursor.fetchone()
