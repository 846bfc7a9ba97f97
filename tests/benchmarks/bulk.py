"""Bulk: arrays of 1,000 mixed readings over 2 connections, against one stream of COPY into the same tables.

Once as gateways send them at each minute, every reading of another device, so that it changes as many current states;
once as they send them after they were cut off, 50 readings of each of 20 devices.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import msgspec

from tests.benchmarks.copying import copying
from tests.benchmarks.figures import Figure, interleaved
from tests.benchmarks.fleet import Fleet
from tests.benchmarks.load import SILENCE_S
from tests.benchmarks.stand import Server, Stand, stored_readings
from warehouse.postgres.connection import connect

CONNECTIONS = 2
MOST_A_SECOND = 250_000
"""Readings that are built for a second of load."""

BACKLOG = 50


def measure(stand: Stand) -> None:
    """Tell the figures of bulk ingest."""
    for name, backlog in (("bulk_vs_copy", 1), ("bulk_backlog_vs_copy", BACKLOG)):
        value, baseline = _compare(stand, backlog)
        stand.report.add(Figure(name, value, "readings/s", baseline))


def _compare(stand: Stand, backlog: int) -> list[float]:
    with stand.database() as url, stand.product(url) as server, stand.database() as bare, connect(bare) as connection:
        fleet = stand.fleet(backlog=backlog, in_order=True)
        acknowledged = [introduce(server, fleet, stand)]
        readings = int(MOST_A_SECOND * stand.scale.seconds)
        product = _sending(server, fleet, stand, acknowledged)
        copied = copying(connection, stand.fleet(backlog=backlog, in_order=True), readings)
        medians = interleaved(stand.scale.rounds, product, _told(stand, "COPY", copied))
        if stored_readings(url) != sum(acknowledged):
            raise RuntimeError(f"{sum(acknowledged)} readings acknowledged, {stored_readings(url)} stored")
    return medians


def introduce(server: Server, fleet: Fleet, stand: Stand, token: object = None) -> int:
    """Let every device report once, so that the API knows them all; the readings that were stored for that."""
    count = 2 * stand.scale.devices // stand.scale.array_items
    return send(server, fleet.arrays(max(CONNECTIONS, count), stand.scale.array_items), token=token)[0]


def send(
    server: Server, arrays: Sequence[bytes], until: float = float("inf"), token: object = None
) -> tuple[int, float]:
    """Send the arrays over the connections, each taking the next one, until the time; (accepted, seconds)."""
    unsent = iter(arrays)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    taking = threading.Lock()

    def next_array() -> bytes | None:
        with taking:
            return next(unsent, None) if time.perf_counter() < until else None

    def send_until_empty(_: int) -> int:
        accepted = 0
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=SILENCE_S)) as connection:
            while array := next_array():
                connection.request("POST", "/v1/telemetry", array, headers)
                accepted += accepted_in(connection)
        return accepted

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        accepted = sum(pool.map(send_until_empty, range(CONNECTIONS)))
    return accepted, time.perf_counter() - began


def accepted_in(connection: HTTPConnection) -> int:
    """The readings that the answer says are stored.

    Raises:
        RuntimeError: it is no 200, or some were not accepted.
    """
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {body.decode()[:500]}")
    counts = msgspec.json.decode(body)
    if counts["duplicates"] or counts["conflicts"] or counts["rejected"]:
        raise RuntimeError(f"not all accepted: {body.decode()[:500]}")
    return int(counts["accepted"])


def _sending(server: Server, fleet: Fleet, stand: Stand, acknowledged: list[int]) -> Callable[[], float]:
    def measure_round() -> float:
        count = int(MOST_A_SECOND * stand.scale.seconds / stand.scale.array_items)
        arrays = fleet.arrays(max(CONNECTIONS, count), stand.scale.array_items)
        accepted, seconds = send(server, arrays, time.perf_counter() + stand.scale.seconds)
        acknowledged.append(accepted)
        return accepted / seconds

    return _told(stand, "product", measure_round)


def _told(stand: Stand, name: str, contender: Callable[[], float]) -> Callable[[], float]:
    def measure_round() -> float:
        per_second = contender()
        stand.report.say(f"  {name}: {per_second:,.0f} readings/s")
        return per_second

    return measure_round
