"""The steady load of the specification: every device reports at the full minute, all of them at once.

The minutes are shorter here, which is harder. Once the readings come over 512 connections, as from gateways; once each
device opens a connection of its own.
"""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.benchmarks.bulk import introduce
from tests.benchmarks.figures import Figure, interleaved
from tests.benchmarks.load import Answers, arrive, drive
from tests.benchmarks.stand import Server, Stand, stored_readings

GATEWAYS = 512
KNOCKING = 2_000
"""How many devices wait to be let in at a time. More than a server's backlog (2,048), and the network itself delays
them, by seconds."""


def measure(stand: Stand) -> None:
    """Tell how long after the full minute all readings of that minute are stored."""
    devices = 2 * stand.scale.devices
    statuses: Counter[int] = Counter()
    with (
        stand.database() as url,
        stand.product(url) as product,
        stand.baseline("tests.benchmarks.noop_app:app") as noop,
    ):
        fleet, of_noop = stand.fleet(), stand.fleet().requests(devices)
        introduced = introduce(product, fleet, stand)

        def burst(server: Server, send: Callable[[int, list[bytes]], Answers]) -> float:
            requests = fleet.requests(devices) if server is product else of_noop
            time.sleep(stand.scale.burst_period_s - time.time() % stand.scale.burst_period_s)
            answers = send(server.port, requests)
            if server is product:
                statuses.update(answers.statuses)
                stand.report.say(f"  {answers.seconds:.2f} s, {dict(answers.statuses)}")
            return answers.seconds

        def gateways(port: int, requests: list[bytes]) -> Answers:
            return drive(port, GATEWAYS, requests)

        def singly(port: int, requests: list[bytes]) -> Answers:
            return arrive(port, requests, KNOCKING)

        contenders = [partial(burst, server, send) for send in (gateways, singly) for server in (product, noop)]
        shared, shared_noop, own, own_noop = interleaved(stand.scale.rounds, *contenders)
        if stored_readings(url) != introduced + statuses[201]:
            raise RuntimeError(f"{introduced + statuses[201]} acknowledged, {stored_readings(url)} stored")
    stand.report.add(
        Figure("burst_stored_within", shared, "s", shared_noop),
        Figure("burst_own_connections_stored_within", own, "s", own_noop),
        Figure("burst_refused", statuses.total() - statuses[201], "answers"),
    )
