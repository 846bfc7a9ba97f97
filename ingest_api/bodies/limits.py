"""How much one request may hold, what all of them hold together, and how long an answer may take."""

from typing import NamedTuple

from warehouse.contract.errors import OverloadedError

ANSWER_WITHIN_S = 1.8
"""Then the answer is 503: a little less than the 2 s of the contract, for the look at the clock and the way back."""


class Limits(NamedTuple):
    """What one request may hold; more is refused with 413."""

    body_bytes: int
    """A JSON body as it is sent, and a line of a stream."""
    decoded_bytes: int
    """A compressed JSON body when it is decoded, and about as much of a stream as is stored in one transaction."""
    items: int
    """Of an array, and lines of a stream that are stored in one transaction."""
    stream_bytes: int
    """A stream, as it is sent and decoded."""


class MemoryBudget:
    """How many bytes of bodies this process may hold at a time, counted over all requests and by client.

    A client with several requests may take half of what the others leave. So whoever begins many bodies and ends none
    keeps only himself waiting, and a gateway with a fleet behind it still has half of the budget.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self._of_clients: dict[str, int] = {}  # of those that hold something

    def change(self, client: str, before: int, now: int) -> None:
        """A request of this client holds so much now.

        Raises:
            OverloadedError: that is more than is left for it.
        """
        of_client = self._of_clients.get(client, 0)
        left = self.limit - (self.total - of_client)
        if of_client > before:  # it has other requests
            left //= 2
        of_client += now - before
        if of_client > left and now > before:
            raise OverloadedError("too many bodies are being read; send this again later")
        self.total += now - before
        if of_client:
            self._of_clients[client] = of_client
        else:
            self._of_clients.pop(client, None)


class MemoryShare:
    """One request's share of the budget."""

    __slots__ = ("_budget", "_bytes", "_client", "most_bytes")

    def __init__(self, budget: MemoryBudget, client: str) -> None:
        self._budget = budget
        self._client = client
        self._bytes = 0
        self.most_bytes = 0
        """What it held at most."""

    def hold(self, size_bytes: int) -> None:
        """From now on this request holds so much, and no more what it held before.

        Raises:
            OverloadedError: that is more than is left.
        """
        self._budget.change(self._client, self._bytes, size_bytes)
        self._bytes = size_bytes
        self.most_bytes = max(self.most_bytes, size_bytes)
