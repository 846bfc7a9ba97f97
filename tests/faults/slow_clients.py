"""Hundreds of clients that send a byte a second, or nothing: the others do not notice, and these are cut off."""

import asyncio
import threading
import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.faults.attempts import clock
from tests.faults.background import in_background, sleep_unless
from tests.faults.scenario import Stage

CUT_OFF_WITHIN_S = 35.0
"""The specification's "30 s or so"."""
OPENED_PER_S = 200
_HEAD = b"POST /v1/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
KINDS = {
    "mute": (b"", b""),
    "slow_head": (_HEAD, b"x"),
    "slow_body": (_HEAD + b"application/json\r\nContent-Length: 100000\r\n\r\n[", b" "),
    "slow_lines": (_HEAD + b"application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}
"""What a slow client sends at once, and then again each second, without end."""


@dataclass
class SlowClients:
    """So many of each kind at any time: who is cut off comes again."""

    port: int
    of_each: int
    open_for_s: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    """How long each was open, until it was cut off or the block ended."""
    cut_off: Counter[str] = field(default_factory=Counter)

    def trickling(self) -> AbstractContextManager[None]:
        """They trickle until the end of the block."""
        return in_background(self._trickle)

    async def _trickle(self, stop: threading.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self.of_each):
                for kind in KINDS:
                    group.create_task(self._trickle_as(kind, stop))
                    await asyncio.sleep(1 / OPENED_PER_S)

    async def _trickle_as(self, kind: str, stop: threading.Event) -> None:
        first, again = KINDS[kind]
        while not stop.is_set():
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            opened_at = clock()
            end = asyncio.ensure_future(reader.read())  # ends when the server closes
            writer.write(first)
            while not (stop.is_set() or end.done()):
                writer.write(again)
                await sleep_unless(stop, 1.0)
            self.open_for_s[kind].append(clock() - opened_at)
            if end.done():
                end.exception()  # a reset is as good as an end
                self.cut_off[kind] += 1
            end.cancel()
            writer.close()


def run(stage: Stage) -> None:
    """Times without slow clients and times with them, in turns: p99 of healthy clients is compared."""
    findings, scale = stage.findings, stage.scale
    without, beside = [], []
    with stage.product() as product, stage.book(product) as book:
        healthy, slow = book.clients(interval_s=0.2), SlowClients(product.api.port, scale.slow_clients // len(KINDS))
        with healthy.sending():
            findings.require("ingest works", healthy.wait_for(healthy.connections))
            memory = product.api.resident_bytes()
            for _ in range(scale.slow_rounds):
                time.sleep(1)
                without.append((clock(), clock() + scale.steady_s))
                time.sleep(scale.steady_s)
                with slow.trickling():
                    beside.append((clock(), clock() + scale.slow_s))
                    time.sleep(scale.slow_s)
            findings.figure("memory_growth_mb", (product.api.resident_bytes() - memory) / 1e6)
    attempts = healthy.attempts
    findings.statuses(attempts.between(0), {200, 201})
    findings.p99_like("healthy_p99", attempts.within(beside), attempts.within(without))
    findings.figure("slow_clients", slow.of_each * len(KINDS))
    for kind, seconds in slow.open_for_s.items():
        findings.require(f"{kind}: they are cut off", slow.cut_off[kind] >= slow.of_each, slow.cut_off[kind])
        findings.at_most(f"{kind}_open_for_s", max(seconds), CUT_OFF_WITHIN_S)
