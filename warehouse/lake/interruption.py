"""The engine's sessions of this process, so that what they compute can be stopped from another thread."""

from contextlib import suppress
from typing import Protocol
from weakref import WeakSet


class Session(Protocol):
    """A DuckDB connection, as far as it matters here; to name the class would load the engine."""

    def interrupt(self) -> None:
        """Have what it computes now end in an error; nothing, where it is idle."""


_sessions: WeakSet[Session] = WeakSet()


def note_session(session: Session) -> None:
    """Remember a session for as long as it lives."""
    _sessions.add(session)


def interrupt_sessions() -> None:
    """Have whatever they compute end in an error."""
    sessions = list(_sessions)
    if not sessions:  # another thread may be loading the engine just now
        return
    from duckdb import ConnectionException

    for session in sessions:
        with suppress(ConnectionException):  # it was closed, and is not gone yet
            session.interrupt()


def took_ctrl_c(error: BaseException) -> bool:
    """Whether this stands in the place of the KeyboardInterrupt that the engine took.

    Now and then it looks for signals itself. Then it ends in this error, and Python will hear of none.
    """
    return type(error) is RuntimeError and str(error) == "Query interrupted"
