"""The load generator: many connections in one thread, each sending its next request as soon as it is answered.

Raw sockets, requests built beforehand, of an answer only the status and the length are read: on the machine that it
measures, a client must cost little, and the same to everyone.
"""

import gc
import math
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice

SILENCE_S = 60.0
"""Who has not answered anybody for so long will not."""


@dataclass
class Answers:
    """What came of a load. ``latencies_s`` and ``seconds`` leave the warm-up out; ``statuses`` counts all."""

    latencies_s: list[float] = field(default_factory=list)
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Requests answered a second."""
        return len(self.latencies_s) / self.seconds

    def require(self, status: int) -> None:
        """See that nothing else was answered.

        Raises:
            RuntimeError: something else was.
        """
        if set(self.statuses) != {status}:
            raise RuntimeError(f"expected {status} alone, got {dict(self.statuses)}")


class Connection:
    """A keep-alive connection with at most one request under way."""

    __slots__ = ("_received", "sent_at", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SILENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)
        self.sent_at = 0.0
        self._received = b""

    def send(self, request: bytes, now: float) -> None:
        """Send a request, which is smaller than the socket's buffer."""
        self.sent_at = now
        if self.socket.send(request) != len(request):
            raise RuntimeError("the request was too large to be sent at once")

    def answered(self) -> int | None:
        """Read what has come; the status once the answer is complete."""
        received = self.socket.recv(65_536)
        if not received:
            raise RuntimeError(f"the server closed the connection after {self._received!r}")
        self._received += received
        status = status_of(self._received)
        if status is not None:
            self._received = b""
        return status


def status_of(answer: bytes) -> int | None:
    """The status of a complete answer of known length; None while something is missing."""
    headers_end = answer.find(b"\r\n\r\n")
    if headers_end < 0:
        return None
    length = answer.index(b"content-length: ") + 16
    if len(answer) < headers_end + 4 + int(answer[length : answer.index(b"\r", length)]):
        return None
    return int(answer[9:12])


def drive(
    port: int,
    connections: int,
    requests: Sequence[bytes],
    seconds: float = math.inf,
    *,
    warm_up_s: float = 0.0,
) -> Answers:
    """Send requests over this many connections until the time is over or they are, and wait for all answers.

    Where the time is endless, ``seconds`` of the answers begins before the connections are made.
    """
    answers = Answers()
    clock = time.perf_counter
    unsent = iter(requests)
    began = clock()
    with ExitStack() as stack, selectors.DefaultSelector() as selector, _without_collections():
        open_connections = [Connection(port) for _ in range(min(connections, len(requests)))]
        for connection in open_connections:
            stack.enter_context(connection.socket)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        counted_from = began if math.isinf(seconds) else clock() + warm_up_s
        until = counted_from + seconds
        under_way = 0
        for connection, request in zip(open_connections, unsent, strict=False):
            connection.send(request, clock())
            under_way += 1
        latencies, statuses = answers.latencies_s, answers.statuses
        last = counted_from
        while under_way:
            ready = selector.select(SILENCE_S)
            if not ready:
                raise RuntimeError(f"{under_way} requests were not answered within {SILENCE_S:g} s")
            now = clock()
            for key, _ in ready:
                connection = key.data
                status = connection.answered()
                if status is None:
                    continue
                statuses[status] += 1
                is_over = now > until and bool(latencies)  # of a very slow server one answer is waited for
                if now >= counted_from and not is_over:
                    latencies.append(now - connection.sent_at)
                    last = now
                request = b"" if is_over else next(unsent, b"")
                if request:
                    connection.send(request, now)
                else:
                    under_way -= 1
        answers.seconds = last - counted_from
    return answers


@contextmanager
def _without_collections() -> Iterator[None]:
    """Python's garbage collector looks through all the requests again and again; there is no cycle among them."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def arrive(port: int, requests: Sequence[bytes], at_once: int) -> Answers:
    """Each request on a connection of its own, as devices come; at most ``at_once`` of them are open at a time."""
    answers = Answers()
    clock = time.perf_counter
    unsent = iter(requests)
    began = clock()
    with selectors.DefaultSelector() as selector, _without_collections():
        for request in islice(unsent, at_once):
            _knock(selector, port, request)
        while selector.get_map():
            ready = selector.select(SILENCE_S)
            if not ready:
                raise RuntimeError(f"{len(selector.get_map())} connections got no answer within {SILENCE_S:g} s")
            for key, events in ready:
                visitor = key.fileobj
                if not isinstance(visitor, socket.socket):
                    raise TypeError(visitor)
                knocked_at, request, received = key.data
                if events & selectors.EVENT_WRITE:
                    visitor.send(request)
                    selector.modify(visitor, selectors.EVENT_READ, key.data)
                    continue
                received += visitor.recv(65_536)
                status = status_of(received)
                if status is None:
                    selector.modify(visitor, selectors.EVENT_READ, (knocked_at, request, received))
                    continue
                answers.statuses[status] += 1
                answers.latencies_s.append(clock() - knocked_at)
                selector.unregister(visitor)
                visitor.close()
                if next_request := next(unsent, None):
                    _knock(selector, port, next_request)
    answers.seconds = clock() - began
    return answers


def _knock(selector: selectors.BaseSelector, port: int, request: bytes) -> None:
    visitor = socket.socket()
    visitor.settimeout(0)
    visitor.connect_ex(("127.0.0.1", port))
    selector.register(visitor, selectors.EVENT_WRITE, (time.perf_counter(), request, b""))
