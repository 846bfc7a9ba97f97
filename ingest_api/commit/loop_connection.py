"""The driver's blocking connection for use on the event loop: while it waits for the database, the loop goes on.

What stores readings is written once, in the blocking form, for imports and for the API. Here it runs in a greenlet that
hands each wait of the driver to the coroutine around it. A thread would do the same, but a thread and the loop take the
interpreter from each other, from core to core, at each step: that cost a third of the requests.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from greenlet import getcurrent, greenlet
from psycopg import waiting
from psycopg.abc import PQGen

from warehouse.postgres.connection import connect_options
from warehouse.postgres.server_fitness import require_fit_session
from warehouse.postgres.session import Session

P = ParamSpec("P")
R = TypeVar("R")


class LoopConnection(Session):
    """To be used by what ``run_on_loop`` runs. Anywhere else its waits block, as those of any connection."""

    def wait(self, gen: PQGen[R], interval: float = 0.1, timeout: float | None = None) -> R:
        """Wait for the database without keeping the loop from others."""
        around = getcurrent().parent
        if around is None:
            return super().wait(gen, interval, timeout)
        result: R = around.switch(waiting.wait_async(gen, self.pgconn.socket, interval, timeout))
        return result


def open_loop_connection(url: str) -> LoopConnection:
    """A connection in autocommit that the caller closes. Blocks while it connects; raises the driver's errors."""
    return LoopConnection.connect(url, autocommit=True, **connect_options())


def open_writer(url: str, opens: int) -> LoopConnection:
    """The same, to a server that keeps what is written there.

    Raises:
        DatabaseUnfitError: it does not.
    """
    connection = open_loop_connection(url)
    try:
        require_fit_session(connection, url, opens)
    except BaseException:
        connection.close()
        raise
    return connection


async def run_on_loop(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Call a function that waits by ``LoopConnection`` alone; raises what it raises."""
    call = greenlet(function)
    waited_for = call.switch(*arguments, **named)
    while not call.dead:
        try:
            result = await waited_for
        except BaseException as error:
            waited_for = call.throw(error)
        else:
            waited_for = call.switch(result)
    outcome: R = waited_for
    return outcome
