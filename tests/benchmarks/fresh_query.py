"""The 24 h query on a day that is still being written: only autovacuum has vacuumed it, as the product sets it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.client import HTTPConnection
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from statistics import median

from tests.benchmarks.asking import WARM_UP, Dashboard, counted
from tests.benchmarks.bulk import accepted_in
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.fleet import Fleet
from tests.benchmarks.full_day import full_day, noon
from tests.benchmarks.load import SILENCE_S
from tests.benchmarks.stand import Server, Stand

EVERY_S = 0.01
READINGS_EACH = 20
"""Together 2,000 readings a second, six times the load of the specification."""

ENDS_AFTER = timedelta(minutes=3)
"""The window ends so long after the full day: so it holds what is written meanwhile."""


def measure(stand: Stand) -> None:
    """Tell how quick the answer is while its newest rows come in."""
    url, end = stand.shared(full_day), noon(stand) + ENDS_AFTER
    seconds: list[float] = []
    with counted(url) as reads, stand.product(url) as server:
        dashboard = Dashboard(server, stand.scale.devices, end)
        dashboard.ask(WARM_UP)
        with _loaded(stand, server):
            until = time.monotonic() + stand.scale.fresh_load_s
            while time.monotonic() < until:
                seconds += dashboard.ask(10)
    stand.report.add(
        Figure("query_fresh_p50", median(seconds) * 1000, "ms"),
        Figure("query_fresh_p99", percentile(seconds, 0.99) * 1000, "ms"),
        Figure("query_fresh_heap_fetches", reads.heap_fetches / (WARM_UP + len(seconds)), "rows/answer"),
    )


@contextmanager
def _loaded(stand: Stand, server: Server) -> Iterator[None]:
    """Another process sends readings from noon on for as long as the block runs."""
    spawned = get_context("spawn")
    over = spawned.Event()
    sender = spawned.Process(target=_send, args=(server.port, stand.scale.devices, noon(stand), over), daemon=True)
    sender.start()
    try:
        yield
        if not sender.is_alive():
            raise RuntimeError("the load ended early")
    finally:
        over.set()
        sender.join()


def _send(port: int, devices: int, start: datetime, over: Event) -> None:
    """Send small arrays at an even pace until it is over."""
    fleet = Fleet(devices, start)
    connection = HTTPConnection("127.0.0.1", port, timeout=SILENCE_S)
    next_at = time.monotonic()
    while not over.is_set():
        (body,) = fleet.arrays(1, READINGS_EACH)
        connection.request("POST", "/v1/telemetry", body, {"Content-Type": "application/json"})
        accepted_in(connection)
        next_at = max(next_at + EVERY_S, time.monotonic() - 1)  # who was held up catches up, but not for ever
        time.sleep(max(0.0, next_at - time.monotonic()))
