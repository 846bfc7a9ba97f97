"""Does what people ask for now and then, about findings and tokens, by what jobs and the command line do it with."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import psycopg

from ingest_api.commit.loop_connection import open_loop_connection, run_on_loop
from ingest_api.database_pulse import DatabasePulse
from warehouse.postgres.connection import translated_errors

ACTING_CONNECTIONS = 1
"""At a time."""
P = ParamSpec("P")
R = TypeVar("R")


class Acting:
    """One act at a time, each by a connection of its own: people do few of them."""

    def __init__(self, url: str, pulse: DatabasePulse) -> None:
        self._url = url
        self._pulse = pulse
        self._one_at_a_time = asyncio.Lock()

    async def do(self, act: Callable[Concatenate[psycopg.Connection, P], R], *args: P.args, **named: P.kwargs) -> R:
        """Call this with a connection in autocommit, without keeping the loop waiting; raises what it raises.

        Raises:
            DatabaseUnavailableError: it cannot be reached, or went away.
        """
        with translated_errors(), self._pulse.asked():
            async with self._one_at_a_time:
                connection = await asyncio.to_thread(open_loop_connection, self._url)
                try:
                    done = await run_on_loop(act, connection, *args, **named)
                finally:
                    connection.close()
                self._pulse.beat()
                return done
