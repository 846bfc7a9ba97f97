"""Blocking code on the event loop: the loop goes on while the database works, and what is raised arrives."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import psycopg
import pytest
from greenlet import greenlet

from ingest_api.commit.loop_connection import (
    ConnectionInUseError,
    LoopConnection,
    open_loop_connection,
    run_on_loop,
)
from warehouse.postgres.connection import connect
from warehouse.postgres.readings.prepared import PreparedStatement

asked_by: ContextVar[str] = ContextVar("asked_by", default="nobody")


def sleep(connection: psycopg.Connection[Any], seconds: float) -> str:
    """Two statements, of which the first takes its time."""
    connection.execute("SELECT pg_sleep(%s)", [seconds])
    ((name,),) = connection.execute("SELECT current_database()").fetchall()
    return str(name)


def on_loops(url: str, count: int, use: Callable[..., Any]) -> Any:
    async def run() -> Any:
        connections = [open_loop_connection(url) for _ in range(count)]
        try:
            return await use(*connections)
        finally:
            for connection in connections:
                connection.close()

    return asyncio.run(run())


def test_several_wait_at_once_and_the_loop_goes_on(database_url: str) -> None:
    async def use(*connections: LoopConnection) -> tuple[list[str], int]:
        ticks = 0
        waits = asyncio.gather(*(run_on_loop(sleep, connection, 0.5) for connection in connections))
        while not waits.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return await waits, ticks

    names, ticks = on_loops(database_url, 3, use)
    assert len(set(names)) == 1
    assert ticks > 3


def test_what_the_database_refuses_is_raised_and_the_connection_is_good(database_url: str) -> None:
    async def use(connection: LoopConnection) -> str:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await run_on_loop(connection.execute, "SELECT 1 / 0")
        return await run_on_loop(sleep, connection, 0)

    assert on_loops(database_url, 1, use)


def test_who_is_cancelled_leaves_a_connection_that_can_be_closed(database_url: str) -> None:
    async def use(connection: LoopConnection) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await run_on_loop(sleep, connection, 60)
        connection.close()
        assert connection.closed

    on_loops(database_url, 1, use)


def test_elsewhere_it_is_a_connection_like_any_other(database_url: str) -> None:
    with open_loop_connection(database_url) as connection:
        assert sleep(connection, 0)


def prepared(connection: psycopg.Connection[Any]) -> Callable[[], None]:
    """A statement of ours that is run past the driver's cursors."""
    statement = PreparedStatement(connection, b"SET application_name = 'prepared'", {})
    return lambda: statement.execute({})


@pytest.mark.parametrize(
    "make",
    [
        lambda connection: lambda: connection.execute("SELECT 1"),
        lambda connection: lambda: connection.transaction().__enter__(),
        prepared,
    ],
    ids=["a cursor", "a transaction", "a prepared statement"],
)
def test_a_second_call_on_a_connection_in_use_is_an_error_and_no_hang(
    database_url: str, make: Callable[[LoopConnection], Callable[[], object]]
) -> None:
    async def use(connection: LoopConnection) -> None:
        first = asyncio.create_task(run_on_loop(connection.execute, "SELECT pg_sleep(600)"))
        await asyncio.sleep(0)  # it begins: it holds the driver's lock and waits
        with pytest.raises(ConnectionInUseError, match="in use by another call"):
            await run_on_loop(make(connection))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

    on_loops(database_url, 1, use)


def test_a_prepared_statement_keeps_others_from_its_connection(database_url: str) -> None:
    async def use(connection: LoopConnection) -> None:
        statement = PreparedStatement(connection, b"SELECT pg_advisory_xact_lock(%(key)s)", {"key": 20})
        with connect(database_url) as other, other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(1)")
            first = asyncio.create_task(run_on_loop(statement.execute, {"key": (1).to_bytes(8, "big")}))
            await asyncio.sleep(0)
            with pytest.raises(ConnectionInUseError):
                await run_on_loop(connection.execute, "SELECT 1")
        await first
        assert await run_on_loop(sleep, connection, 0)

    on_loops(database_url, 1, use)


def test_what_is_called_has_the_context_of_its_caller_and_may_change_it(database_url: str) -> None:
    def ask(connection: LoopConnection) -> str:
        sleep(connection, 0)
        before = asked_by.get()
        asked_by.set(f"{before}, answered")
        return before

    async def ask_as(name: str, connection: LoopConnection) -> tuple[str, str]:
        asked_by.set(name)
        return await run_on_loop(ask, connection), asked_by.get()

    async def use(*connections: LoopConnection) -> list[tuple[str, str]]:
        return await asyncio.gather(*(ask_as(f"task {n}", each) for n, each in enumerate(connections)))

    assert on_loops(database_url, 2, use) == [("task 0", "task 0, answered"), ("task 1", "task 1, answered")]
    assert asked_by.get() == "nobody"


def test_in_a_greenlet_of_somebody_else_it_blocks_and_tells_that_ones_parent_nothing(database_url: str) -> None:
    with open_loop_connection(database_url) as connection:
        strangers = greenlet(lambda: sleep(connection, 0))
        assert isinstance(strangers.switch(), str)
        assert strangers.dead
