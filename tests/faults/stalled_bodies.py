"""Large bodies that are sent at once but for their end: they are cut off, and others' batches are stored meanwhile."""

import asyncio
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.faults.attempts import clock
from tests.faults.background import in_background, sleep_unless
from tests.faults.readings import Shape
from tests.faults.scenario import Stage

ATTACKERS = "127.0.0.2"
"""Another address of this machine: limits count by address."""
BURST_AFTER_S = 6.5
CUT_OFF_WITHIN_S = 35.0
"""After the burst."""
P99_S = 1.5
"""Of batches, beside clients that send 256 MiB at once."""
_HEAD = (
    b"POST /v1/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2097152\r\n\r\n["
)
_BURST = b" " * (2 * 1024 * 1024 - 2)


@dataclass
class StalledBodies:
    """So many at any time: who is cut off comes again."""

    port: int
    connections: int
    silent_for_s: list[float] = field(default_factory=list)
    """How long each was silent after its burst, until it was cut off."""

    def sending(self) -> AbstractContextManager[None]:
        """They attack until the end of the block."""
        return in_background(self._send)

    async def _send(self, stop: threading.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self.connections):
                group.create_task(self._send_again_and_again(stop))

    async def _send_again_and_again(self, stop: threading.Event) -> None:
        while not stop.is_set():
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(ATTACKERS, 0))
            end = asyncio.ensure_future(reader.read())
            writer.write(_HEAD)
            await sleep_unless(stop, BURST_AFTER_S)
            writer.write(_BURST)
            silent_since = clock()
            while not (stop.is_set() or end.done()):
                await sleep_unless(stop, 0.1)
            if end.done():
                end.exception()  # a reset is as good as an end
                self.silent_for_s.append(clock() - silent_since)
            end.cancel()
            writer.close()


def run(stage: Stage) -> None:
    """The others send batches before the attack and during it."""
    findings, scale = stage.findings, stage.scale
    with stage.product() as product, stage.book(product) as book:
        others = book.clients(connections=8, interval_s=0.2, shapes=[Shape.ARRAY, Shape.LINES], items=1000)
        attack = StalledBodies(product.api.port, scale.stalled_bodies)
        with others.sending():
            findings.require("ingest works", others.wait_for(others.connections))
            before = clock(), clock() + scale.steady_s
            time.sleep(scale.steady_s)
            memory = product.api.resident_bytes()
            with attack.sending():
                time.sleep(BURST_AFTER_S + 1)
                beside = clock(), clock() + scale.slow_s
                time.sleep(scale.slow_s)
                findings.figure("memory_growth_mb", (product.api.resident_bytes() - memory) / 1e6)
    seen = others.attempts.between(*beside)
    findings.hardly_refused(seen, of="others")
    findings.figure("others_before_p99_s", others.attempts.between(*before).typical_p99_s)
    findings.at_most("others_p99_s", seen.typical_p99_s, P99_S)
    findings.figure("stalled_bodies", attack.connections)
    findings.require("they are cut off", bool(attack.silent_for_s), len(attack.silent_for_s))
    findings.at_most("silent_for_s", max(attack.silent_for_s, default=0.0), CUT_OFF_WITHIN_S)
