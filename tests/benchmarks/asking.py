"""Asks the 24 h question as a dashboard does, and PostgreSQL what it read for the answers."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection

from tests.benchmarks.fleet import external_id
from tests.benchmarks.load import SILENCE_S
from tests.benchmarks.stand import Server
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.connection import connect

SETTLED_AFTER_S = 1.0
WARM_UP = 20
"""Answers after which an API has prepared its statements and PostgreSQL knows its tables."""


@dataclass
class Reads:
    """What PostgreSQL read of both histories."""

    shared_buffers: int = 0
    heap_fetches: int = 0


class Dashboard:
    """Asks one API, one question after the other, for vehicles in random order."""

    def __init__(self, server: Server, vehicles: int, at: datetime) -> None:
        """``at`` is the end of the window."""
        self._server = server
        self._vehicles = vehicles
        self._at = at
        self._random = random.Random(7)  # noqa: S311 - to choose vehicles

    def ask(self, count: int) -> list[float]:
        """The seconds until each of so many answers, over one connection.

        Raises:
            RuntimeError: one is no answer with energy on both sides.
        """
        connection = HTTPConnection("127.0.0.1", self._server.port, timeout=SILENCE_S)
        connection.connect()
        with closing(connection):
            return [self._ask_once(connection) for _ in range(count)]

    def _ask_once(self, connection: HTTPConnection) -> float:
        vehicle = external_id(DeviceKind.VEHICLE, self._random.randint(1, self._vehicles))
        path = f"/v1/analytics/performance/{vehicle}?at={self._at:%Y-%m-%dT%H:%M:%SZ}"
        began = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - began
        if answer.status != 200 or json.loads(body)["efficiencyRatio"] is None:
            raise RuntimeError(f"{answer.status}: {body.decode()[:500]}")
        return seconds


@contextmanager
def counted(url: str) -> Iterator[Reads]:
    """Count what is read in the block, by PostgreSQL's own statistics; known when the block has ended.

    A session tells what it did when it ends: end the API within the block.
    """
    reads = Reads()
    before = _statistics(url)
    yield reads
    time.sleep(SETTLED_AFTER_S)
    after = _statistics(url)
    reads.shared_buffers, reads.heap_fetches = after[0] - before[0], after[1] - before[1]


def _statistics(url: str) -> tuple[int, int]:
    with connect(url) as connection:
        row = connection.execute(
            """
            SELECT
                sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::bigint,
                sum(idx_tup_fetch)::bigint
            FROM pg_statio_user_tables JOIN pg_stat_user_tables USING (relid)
            WHERE pg_stat_user_tables.relname ~ '^(meter|vehicle)_readings_'
            """
        ).fetchone()
    return row or (0, 0)
