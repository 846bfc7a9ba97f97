"""How many connections may be open, in all and of one client, and which of them makes room for another.

The oldest one that has not brought a request yet goes first, then one that is idle, then one whose body has stalled.
A client that opens many loses its own. Where none can go, a new connection may still send one request: probes are
answered, everything else is told to come back.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from ingest_api.http.client_address import ClientAddresses, client_at
from ingest_api.observability.metrics import count_unwelcome_connection, note_connections

logger = logging.getLogger(__name__)

SPARE = 32
"""Over the limit, until they have said what they want."""
LOG_EVERY_S = 10.0
_LOOKS = 32
"""At connections that have been of use, for one that can go: none of thousands is worth looking at all of them."""


class Admission(Enum):
    """What becomes of a new connection."""

    ADMITTED = auto()
    FOR_PROBES = auto()
    """Over the limit: it may ask whether we live, and nothing else."""
    REFUSED = auto()


class Connection(Protocol):
    """What is asked of a connection."""

    def has_brought_a_request(self) -> bool: ...

    def can_be_given_up(self) -> bool:
        """Whether it is the client that keeps it waiting."""
        ...

    def give_up(self) -> None:
        """Close it, with a word if there is a request to answer."""
        ...


class _OfClient:
    """The connections of one client, the oldest first."""

    __slots__ = ("fresh", "used")

    def __init__(self) -> None:
        self.fresh: OrderedDict[Connection, None] = OrderedDict()
        """Those that had brought no request when we last looked."""
        self.used: OrderedDict[Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self.fresh) + len(self.used)

    def take_one_that_can_go(self) -> Connection | None:
        """Take out the one that is missed least."""
        while self.fresh:
            connection, _ = self.fresh.popitem(last=False)
            if not connection.has_brought_a_request() and connection.can_be_given_up():
                return connection
            self.used[connection] = None
        for _ in range(min(_LOOKS, len(self.used))):
            connection, _ = self.used.popitem(last=False)
            if connection.can_be_given_up():
                return connection
            self.used[connection] = None  # behind the others, which are looked at next time
        return None


class Connections:
    """All open connections of this process."""

    def __init__(
        self,
        most: int,
        most_of_a_client: int | None = None,
        clients: ClientAddresses | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Of one client half of all by default. Of a proxy that ``clients`` trusts as many as there may be."""
        self.most = most
        self.most_of_a_client = most_of_a_client or max(1, most // 2)
        self._addresses = clients or ClientAddresses()
        self._clock = clock
        self._of_clients: dict[str, _OfClient] = {}
        self._for_probes: OrderedDict[Connection, None] = OrderedDict()
        self._open = 0
        self._largest, self._largest_had = _OfClient(), 0
        self._closed = self._turned_away = 0  # since the last line of the log
        self._log_at = 0.0

    def admit(self, connection: Connection, host: str) -> Admission:
        """Let a new connection from this address in, at the cost of another one if need be."""
        of_client = self._of_clients.setdefault(client_at(host), _OfClient())
        has_room = True
        if len(of_client) >= (self.most if self._addresses.is_trusted(host) else self.most_of_a_client):
            has_room = self._make_room(of_client)
        elif self._open >= self.most:
            has_room = self._make_room(self._largest_client())
        if not has_room:
            return self._admit_for_probes(connection)
        of_client.fresh[connection] = None
        self._note(1)
        return Admission.ADMITTED

    def leave(self, connection: Connection, host: str) -> None:
        """It is closed."""
        self._for_probes.pop(connection, None)
        client = client_at(host)
        of_client = self._of_clients.get(client)
        if of_client is None:
            return
        for kept in (of_client.fresh, of_client.used):
            if connection in kept:
                del kept[connection]
                self._note(-1)
        if not of_client:
            del self._of_clients[client]

    def _make_room(self, of_client: _OfClient) -> bool:
        connection = of_client.take_one_that_can_go()
        if connection is None:
            return False
        self._note(-1)
        self._closed += 1
        count_unwelcome_connection("closed_for_another")
        connection.give_up()
        self._say()
        return True

    def _admit_for_probes(self, connection: Connection) -> Admission:
        self._turned_away += 1
        count_unwelcome_connection("turned_away")
        self._say()
        if len(self._for_probes) >= SPARE:
            oldest = next((each for each in self._for_probes if each.can_be_given_up()), None)
            if oldest is None:
                return Admission.REFUSED
            del self._for_probes[oldest]
            oldest.give_up()
        self._for_probes[connection] = None
        return Admission.FOR_PROBES

    def _largest_client(self) -> _OfClient:
        """Looked for again only once half of it is gone: there may be as many clients as connections."""
        if len(self._largest) <= self._largest_had // 2:
            self._largest = max(self._of_clients.values(), key=len)
            self._largest_had = len(self._largest)
        return self._largest

    def _note(self, change: int) -> None:
        self._open += change
        note_connections(self._open)

    def _say(self) -> None:
        """A line now and then: an attack must not fill the disk."""
        if self._clock() < self._log_at:
            return
        self._log_at = self._clock() + LOG_EVERY_S
        logger.warning(
            "no room for more connections: %d are open, %d of one client at most; %d were closed for others and %d "
            "turned away since the last such line",
            self._open,
            max(map(len, self._of_clients.values()), default=0),
            self._closed,
            self._turned_away,
        )
        self._closed = self._turned_away = 0
