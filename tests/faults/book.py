"""The two files of a scenario's ledger clients, and the clients that write them."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.faults.ledger import Ledger
from tests.faults.ledger_client import LedgerClients


@dataclass
class Book(AbstractContextManager["Book"]):
    """Open inside a ``with`` block. No two groups of clients send the same key."""

    folder: Path
    port: int
    groups: list[LedgerClients] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Make the files."""
        self.acknowledged = Ledger(self.folder / "acknowledged.tsv")
        self.unanswered = Ledger(self.folder / "unanswered.tsv")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what waits."""
        self.acknowledged.close()
        self.unanswered.close()

    def clients(self, **settings: Any) -> LedgerClients:
        """A group of clients with connections of its own."""
        taken = sum(clients.connections for clients in self.groups)
        clients = LedgerClients(self.port, self.acknowledged, self.unanswered, first_connection=taken, **settings)
        self.groups.append(clients)
        return clients
