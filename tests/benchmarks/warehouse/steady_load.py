"""A steady load in a process of its own: so many readings a second, each due at its time, however slow the server is.

A reading that has to wait for a free connection has waited since it was due: a server that stalls is not spared the
requests that would have come meanwhile.
"""

import multiprocessing
import selectors
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe

from tests.benchmarks.figures import percentile
from tests.benchmarks.fleet import Fleet
from tests.benchmarks.load import SILENCE_S, Connection

CONNECTIONS = 64
AT_ONCE = 10_000
"""Requests that are built together."""
LONGEST_SLEEP_S = 0.1


@dataclass
class Answered:
    """When each reading was due, on the clock that all processes share, and how long it took to be stored."""

    due_at: Sequence[float] = ()
    latencies_s: Sequence[float] = ()

    def p99_ms(self, begin: float, end: float) -> float:
        """Of the readings that were due in between."""
        return self._percentile_ms(begin, end, 0.99)

    def worst_ms(self, begin: float, end: float) -> float:
        """The slowest of them."""
        return self._percentile_ms(begin, end, 1.0)

    def _percentile_ms(self, begin: float, end: float, share: float) -> float:
        both = zip(self.due_at, self.latencies_s, strict=True)
        return percentile([latency for due, latency in both if begin <= due < end], share) * 1000


@contextmanager
def steady_load(port: int, devices: int, start: datetime, per_second: float) -> Iterator[Answered]:
    """Send a fleet's readings for as long as the block runs; what is yielded is filled at its end.

    ``start``: of the readings, not of the load.

    Raises:
        RuntimeError: a reading was not stored.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_send, args=(theirs, port, devices, start, per_second))
    process.start()
    theirs.close()
    answered = Answered()
    try:
        ours.recv()
        yield answered
        ours.send("stop")
        answered.due_at, answered.latencies_s = ours.recv()
    except (EOFError, BrokenPipeError):
        raise RuntimeError("the load broke off; why is on standard error") from None
    finally:
        process.terminate()
        process.join()
        ours.close()


def _send(pipe: Pipe, port: int, devices: int, start: datetime, per_second: float) -> None:
    fleet = Fleet(devices, start)
    free = deque(Connection(port) for _ in range(CONNECTIONS))  # in turn: the server closes one that is silent
    requests, place = fleet.requests(AT_ONCE), 0
    due_at: list[float] = []
    latencies: list[float] = []
    due_of: dict[Connection, float] = {}
    pipe.send("going")
    began, sent = time.monotonic(), 0
    with selectors.DefaultSelector() as selector:
        for connection in free:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        while due_of or not pipe.poll(0):
            now = time.monotonic()
            while free and not pipe.poll(0) and began + sent / per_second <= now:
                connection = free.popleft()
                due_of[connection] = began + sent / per_second
                connection.send(requests[place], now)
                sent, place = sent + 1, place + 1
                if place == len(requests):
                    requests, place = fleet.requests(AT_ONCE), 0
            if due_of and now - min(due_of.values()) > SILENCE_S:
                raise RuntimeError(f"{len(due_of)} readings got no answer")
            pause = began + sent / per_second - time.monotonic() if free else LONGEST_SLEEP_S
            for key, _ in selector.select(min(max(pause, 0), LONGEST_SLEEP_S)):
                status = key.data.answered()
                if status is None:
                    continue
                if status != 201:
                    raise RuntimeError(f"answered with {status}")
                due_at.append(due_of.pop(key.data))
                latencies.append(time.monotonic() - due_at[-1])
                free.append(key.data)
    pipe.send((due_at, latencies))
