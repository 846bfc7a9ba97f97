"""Blocking code on the event loop: the loop goes on while the database works, and what is raised arrives."""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from ingest_api.commit.loop_connection import LoopConnection, open_loop_connection, run_on_loop


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
