"""One NDJSON body of a million readings: how fast it is stored, and what memory the API takes for it."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import msgspec

from tests.benchmarks.copying import copying
from tests.benchmarks.figures import Figure, Report, interleaved
from tests.benchmarks.load import SILENCE_S
from tests.benchmarks.stand import Server, Stand, stored_readings
from warehouse.postgres.connection import connect

PIECE_BYTES = 256 * 1024
SAMPLE_EVERY_S = 0.02


@dataclass
class Memory:
    """Resident bytes before, and the most that were seen meanwhile."""

    before: int
    peak: int

    @property
    def growth_mb(self) -> float:
        """By how much it grew, MB."""
        return (self.peak - self.before) / 1e6


def measure(stand: Stand) -> None:
    """Tell the figures of a long stream."""
    count = stand.scale.stream_readings
    with stand.database() as url, stand.product(url) as server, stand.database() as bare, connect(bare) as connection:
        fleet = stand.fleet(in_order=True)
        send(server, fleet.readings(1), stand.report)  # all is imported and connected that a single reading needs
        with watched(server) as memory:
            send(server, fleet.readings(2 * stand.scale.devices - 1), stand.report)  # every device is known

            def stream() -> float:
                per_second = count / send(server, fleet.readings(count), stand.report)
                stand.report.say(f"  product: {per_second:,.0f} readings/s, grew by {memory.growth_mb:.0f} MB so far")
                return per_second

            copy = copying(connection, stand.fleet(in_order=True), count)
            value, baseline = interleaved(stand.scale.rounds, stream, copy)
        sent = 2 * stand.scale.devices + stand.scale.rounds * count
        if stored_readings(url) != sent:
            raise RuntimeError(f"{sent} readings acknowledged, {stored_readings(url)} stored")
    stand.report.add(
        Figure("stream_vs_copy", value, "readings/s", baseline),
        Figure("stream_memory_growth", memory.growth_mb, "MB"),
    )


def send(server: Server, lines: Sequence[bytes], report: Report) -> float:
    """Send these lines as one body; the seconds until the answer that all are stored.

    A piece that PostgreSQL does not store in time, because the disk stalls, ends the request: then the rest is sent as
    a device would, after the pause that the answer asks for.
    """
    began = time.perf_counter()
    stored = 0
    while stored < len(lines):
        status, retry_after_s, counts = _post(server, lines[stored:])
        stored += counts["accepted"] + counts["duplicates"]
        if counts["conflicts"] or counts["rejected"] or status not in (200, 503):
            raise RuntimeError(f"{status}: {counts}")
        if status == 503:
            report.say(f"  a piece was not stored in time; going on after {stored:,} lines")
            time.sleep(retry_after_s)
    return time.perf_counter() - began


def _post(server: Server, lines: Sequence[bytes]) -> tuple[int, float, dict[str, Any]]:
    """The status, for how long to wait before the next request (s), and the account of the lines."""
    body = memoryview(b"\n".join(lines))
    headers = {"Content-Type": "application/x-ndjson", "Content-Length": str(len(body))}
    pieces = (body[start : start + PIECE_BYTES] for start in range(0, len(body), PIECE_BYTES))
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=SILENCE_S)) as connection:
        connection.request("POST", "/v1/telemetry", pieces, headers)
        answer = connection.getresponse()
        return answer.status, float(answer.headers.get("Retry-After", 0)), msgspec.json.decode(answer.read())


@contextmanager
def watched(server: Server) -> Iterator[Memory]:
    """Look at the memory of a server for as long as the block runs."""
    memory = Memory(before := server.resident_bytes(), before)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLE_EVERY_S):
            memory.peak = max(memory.peak, server.resident_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        over.set()
        watcher.join()
        memory.peak = max(memory.peak, server.resident_bytes())
