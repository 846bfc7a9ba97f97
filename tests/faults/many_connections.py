"""More connections than the process may have, none of which ends its request: the others go on, and so do probes."""

import asyncio
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from ingest_api.server.descriptors import raise_limit
from tests.faults.attempts import Attempts, clock
from tests.faults.background import in_background, sleep_unless
from tests.faults.connection import Connection, NoAnswerError, get
from tests.faults.readings import Shape
from tests.faults.scenario import Stage
from tests.faults.slow_clients import KINDS

OTHER_ADDRESS = "127.0.0.2"
ATTACKS = {
    "mute": (KINDS["mute"][0], "127.0.0.1"),  # from where the others come, too
    "half_heads": (KINDS["slow_head"][0], "127.0.0.1"),
    "stalled_bodies": (KINDS["slow_body"][0], OTHER_ADDRESS),  # of one's own address they would be one's own share
}
_OPENED_PER_S = 500
P99_S = 1.0
"""Who is cut off comes again, by the hundred a second: that takes a core from whoever shares it."""


@dataclass
class ManyConnections:
    """So many at any time: who is cut off comes again."""

    port: int
    begin: bytes
    source: str
    connections: int
    opened: int = 0

    def opening(self) -> AbstractContextManager[None]:
        """They attack until the end of the block."""
        return in_background(self._open)

    async def _open(self, stop: threading.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self.connections):
                group.create_task(self._open_again_and_again(stop))
                await asyncio.sleep(1 / _OPENED_PER_S)

    async def _open_again_and_again(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.source, 0))
            except OSError:  # one of an attack need not get through
                await sleep_unless(stop, 1.0)
                continue
            self.opened += 1
            end = asyncio.ensure_future(reader.read())
            writer.write(self.begin)
            while not (stop.is_set() or end.done()):
                await sleep_unless(stop, 1.0)
            if end.done():
                end.exception()
            end.cancel()
            writer.close()


@dataclass
class Newcomers:
    """Ask whether the process lives, each over a connection of its own."""

    port: int
    attempts: Attempts = field(default_factory=Attempts)

    def asking(self) -> AbstractContextManager[None]:
        """They ask until the end of the block."""
        return in_background(self._ask)

    async def _ask(self, stop: threading.Event) -> None:
        while not stop.is_set():
            connection = Connection(self.port)
            sent_at = clock()
            try:
                self.attempts.add(sent_at, await connection.exchange(get("/livez")))
            except NoAnswerError as error:
                self.attempts.add(sent_at, error)
            connection.close()
            await sleep_unless(stop, 0.05)


def run(stage: Stage) -> None:
    """One attack after the other, each beside a small fleet and somebody who asks for ``/livez``."""
    findings, scale = stage.findings, stage.scale
    raise_limit()
    with stage.product(open_files=scale.open_files) as product, stage.book(product) as book:
        fleet, newcomers = book.clients(interval_s=0.2, shapes=[Shape.SINGLE]), Newcomers(product.api.port)
        with fleet.sending(), newcomers.asking():
            findings.require("ingest works", fleet.wait_for(fleet.connections))
            before = clock()
            time.sleep(scale.steady_s)
            findings.figure("fleet_before_p99_s", fleet.attempts.between(before).typical_p99_s)
            for name, (begin, source) in ATTACKS.items():
                attack = ManyConnections(product.api.port, begin, source, scale.many_connections)
                with attack.opening():
                    time.sleep(scale.many_connections / _OPENED_PER_S)
                    beside = clock(), clock() + scale.many_s
                    time.sleep(scale.many_s)
                seen = fleet.attempts.between(*beside)
                findings.figure(f"{name}_opened", attack.opened)
                findings.hardly_refused(seen, of=f"fleet_beside_{name}")
                findings.at_most(f"fleet_beside_{name}_p99_s", seen.typical_p99_s, P99_S)
                findings.statuses(newcomers.attempts.between(*beside), {200}, of=f"livez_beside_{name}")
        findings.require("the API lives", product.api.answers("/livez"))
