"""The driver's blocking connection for use on the event loop: while it waits for the database, the loop goes on.

What stores readings is written once, in the blocking form, for imports and for the API. Here it runs in a greenlet that
hands each wait of the driver to the coroutine around it. A thread would do the same, but a thread and the loop take the
interpreter from each other, from core to core, at each step: that cost a third of the requests.

What this takes from psycopg and greenlet is listed in ADR 88.
"""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from greenlet import getcurrent, greenlet
from psycopg import waiting
from psycopg.abc import PQGen

from warehouse.postgres.connection import connect_options
from warehouse.postgres.server_fitness import require_fit_session
from warehouse.postgres.session import Session

P = ParamSpec("P")
R = TypeVar("R")


class ConnectionInUseError(RuntimeError):
    """A second call came on a connection while the first one waits: a defect of ours"""


class _SingleUse:
    """In place of the driver's lock: to wait for that one would block the event loop, and so whoever holds it."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise ConnectionInUseError("this connection is in use by another call; open one for each")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()


class _Call(greenlet):  # type: ignore[misc] # it comes without types
    """A call that ``run_on_loop`` runs. Greenlets of others have parents that know nothing of our waits."""

    def __init__(self, function: Callable[..., Any]) -> None:
        around = getcurrent()
        super().__init__(function, around)
        self.gr_context = around.gr_context  # by itself it would begin with an empty one


class LoopConnection(Session):
    """To be used by what ``run_on_loop`` runs, by one call at a time. Anywhere else its waits block, as any other's."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As the driver makes it.

        Raises:
            TypeError: the driver has no ``lock`` any more, so that nothing would hold the single use.
        """
        super().__init__(*arguments, **named)
        if not hasattr(self, "lock"):
            raise TypeError("psycopg's connections have no lock any more; see ADR 88")
        vars(self)["lock"] = _SingleUse()

    def wait(self, gen: PQGen[R], interval: float = 0.1, timeout: float | None = None) -> R:
        """Wait for the database without keeping the loop from others."""
        call = getcurrent()
        if not isinstance(call, _Call):
            return super().wait(gen, interval, timeout)
        around = cast(greenlet, call.parent)
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
    """Call a function that waits by ``LoopConnection`` alone, in this context; raises what it raises.

    Raises:
        ConnectionInUseError: another call waits on the same connection.
    """
    call = _Call(function)
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
