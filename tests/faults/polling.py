"""Somebody who asks the same questions again and again, each on a connection of its own."""

import asyncio
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.faults.attempts import Attempts, clock
from tests.faults.background import in_background, sleep_unless
from tests.faults.connection import Connection, NoAnswerError, get


@dataclass
class Poller:
    """Asks one path, ``connections`` at a time, ``interval_s`` after each answer."""

    port: int
    path: str
    interval_s: float
    connections: int = 1
    attempts: Attempts = field(default_factory=Attempts)

    def asking(self) -> AbstractContextManager[None]:
        """Asks until the end of the block."""
        return in_background(self._ask)

    async def _ask(self, stop: threading.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self.connections):
                group.create_task(self._ask_on(Connection(self.port), stop))

    async def _ask_on(self, connection: Connection, stop: threading.Event) -> None:
        while not stop.is_set():
            sent_at = clock()
            try:
                self.attempts.add(sent_at, await connection.exchange(get(self.path)))
            except NoAnswerError as error:
                self.attempts.add(sent_at, error)
            await sleep_unless(stop, self.interval_s)
        connection.close()
