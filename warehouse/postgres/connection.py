"""How a connection to PostgreSQL is made, and the one place where the driver's errors become the product's."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg

from warehouse.contract.errors import (
    DatabaseUnavailableError,
    DatabaseUnfitError,
    PartitionMissingError,
    SchemaOutdatedError,
)
from warehouse.contract.redaction import keep_secret
from warehouse.postgres.session import Session

CONNECT_TIMEOUT_S = 5
APPLICATION_NAME = "fleetwatt"
"""By which our sessions are told from others; every release had it."""


@contextmanager
def connect(url: str, *, autocommit: bool = True) -> Iterator[psycopg.Connection]:
    """A connection for a job: closed at the end of the block.

    Raises:
        DatabaseUnavailableError: it cannot be reached, or goes away within the block.
    """
    kept = _kept.get() if autocommit else None
    with (
        translated_errors(),
        open_connection(url, autocommit=autocommit) if kept is None else kept.connection(url) as connection,
    ):
        yield connection


@contextmanager
def connections_kept() -> Iterator[None]:
    """Within the block, in this thread, a connection that is done with serves the next one; all end with the block.

    For work of many short steps: each new connection costs the server a process, and that one all it has learned.
    """
    kept = _KeptConnections()
    before = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(before)
        kept.close()


class _KeptConnections:
    """Connections in autocommit that nobody uses, by address."""

    def __init__(self) -> None:
        self._idle: dict[str, list[psycopg.Connection]] = {}

    @contextmanager
    def connection(self, url: str) -> Iterator[psycopg.Connection]:
        connection = self._idle_one(url) or open_connection(url)
        try:
            yield connection
            if not connection.closed:  # what it locked ends with the block, as it would with the connection
                connection.execute("SELECT pg_advisory_unlock_all()")
                self._idle.setdefault(url, []).append(connection)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()

    def _idle_one(self, url: str) -> psycopg.Connection | None:
        idle = self._idle.get(url, [])
        while idle:
            connection = idle.pop()
            if not has_ended(connection):
                return connection
            connection.close()
        return None


_kept: ContextVar[_KeptConnections | None] = ContextVar("kept connections", default=None)


def open_connection(url: str, *, autocommit: bool = True) -> psycopg.Connection:
    """A connection that the caller closes. Raises the driver's errors: wrap it in ``translated_errors``."""
    keep_secret(url)
    return Session.connect(url, autocommit=autocommit, **connect_options())


def connect_options() -> dict[str, Any]:
    """The keyword arguments every connection of the product is made with."""
    return {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": APPLICATION_NAME,
        # A database that vanished without a word (a pulled cable) is noticed in seconds, not in hours: by what it does
        # not acknowledge, and while we only wait for its answer, by what it does not say when asked for a sign of life.
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
    }


@contextmanager
def one_snapshot(connection: psycopg.Connection) -> Iterator[None]:
    """A read-only transaction that sees what is committed now, and nothing that comes after."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def has_ended(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Whether the server has closed this idle connection: what has come in tells, nothing is asked."""
    arrived = select.poll()
    arrived.register(connection.fileno(), select.POLLIN)
    try:
        while arrived.poll(0):
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return False


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the driver's errors into the product's.

    Raises:
        DatabaseUnavailableError: for a lost or refused connection, a shutdown, a full disk, a timeout, a standby.
        PartitionMissingError: for a row that no partition takes.
        SchemaOutdatedError: for a table, column or function that is not there.
        DatabaseUnfitError: for what the role may not do.
    """
    try:
        yield
    except psycopg.errors.CheckViolation as error:
        if error.diag.constraint_name is None:  # a table's own CHECK has a name; a missing partition has none
            raise PartitionMissingError(error.diag.message_primary or str(error)) from error
        raise
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction) as error:
        raise SchemaOutdatedError(f"{_first_line(error)}; run fleetwatt migrate") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseUnfitError(
            f"{_first_line(error)}; fleetwatt migrate grants each role what it needs, if it is told the role's address"
        ) from error
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.ReadOnlySqlTransaction,  # what this address leads to is, for now, a standby
    ) as error:
        raise DatabaseUnavailableError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["the connection was lost"])[0]
