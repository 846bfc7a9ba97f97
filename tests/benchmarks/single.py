"""Single POSTs: one durable reading a request, over 64 and 512 connections, by one worker and by two."""

from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from tests.benchmarks.bulk import introduce
from tests.benchmarks.figures import Figure, interleaved, percentile
from tests.benchmarks.load import drive
from tests.benchmarks.stand import Server, Stand, stored_readings

WARM_UP_S = 0.5
MOST_A_SECOND = 50_000
"""Requests that are built for a second of load; who were quicker would run out of them, and the round be shorter."""


class Contender:
    """A server under load, what it was sent, and how long its answers took."""

    def __init__(self, name: str, server: Server, requests: Callable[[int], list[bytes]], stand: Stand) -> None:
        self.name = name
        self.acknowledged = 0
        self._server = server
        self._requests = requests
        self._stand = stand

    def rounds(self, connections: int, p99s_s: list[float]) -> Callable[[], float]:
        """One round of load each time it is called: answers a second; the 99th percentile is added to the list."""

        def measure() -> float:
            seconds = self._stand.scale.seconds
            requests = self._requests(int(MOST_A_SECOND * (seconds + WARM_UP_S)))
            answers = drive(self._server.port, connections, requests, seconds, warm_up_s=WARM_UP_S)
            answers.require(201)
            self.acknowledged += sum(answers.statuses.values())
            p99s_s.append(percentile(answers.latencies_s, 0.99))
            rate, p99_ms = answers.per_second, p99s_s[-1] * 1000
            self._stand.report.say(f"  {connections:3} connections, {self.name}: {rate:,.0f}/s, p99 {p99_ms:.1f} ms")
            return rate

        return measure


def measure(stand: Stand) -> None:
    """Tell the figures of single POSTs."""
    with ExitStack() as stack:
        urls = [stack.enter_context(stand.database()) for _ in range(3)]
        noop_requests = stand.fleet().requests(int(MOST_A_SECOND * (stand.scale.seconds + WARM_UP_S)))
        serve = stack.enter_context
        noop = Contender(
            "no-op", serve(stand.baseline("tests.benchmarks.noop_app:app")), lambda _: noop_requests, stand
        )
        naive = Contender(
            "naive", serve(stand.baseline("tests.benchmarks.naive_tier:app", urls[0])), stand.fleet().requests, stand
        )
        product = _product(stand, serve(stand.product(urls[1])), "product")
        double = _product(stand, serve(stand.product(urls[2], 2)), "product, 2 workers")
        for connections, contenders in ((64, (noop, product, naive)), (512, (noop, product, naive, double))):
            _compare(stand, connections, *contenders)
        for contender, url in zip((naive, product, double), urls, strict=True):
            if (stored := stored_readings(url)) < contender.acknowledged:
                raise RuntimeError(f"{contender.name}: {contender.acknowledged} acknowledged, {stored} stored")


def _product(stand: Stand, server: Server, name: str) -> Contender:
    fleet = stand.fleet()
    introduce(server, fleet, stand)
    return Contender(name, server, fleet.requests, stand)


def _compare(stand: Stand, connections: int, *contenders: Contender) -> None:
    p99s: list[list[float]] = [[] for _ in contenders]
    rounds = [each.rounds(connections, p99) for each, p99 in zip(contenders, p99s, strict=True)]
    noop, product, naive, *double = interleaved(stand.scale.rounds, *rounds)
    name = f"single_{connections}"
    stand.report.add(
        Figure(f"{name}_vs_noop", product, "readings/s", noop),
        Figure(f"{name}_vs_naive", product, "readings/s", naive),
    )
    of_product, of_naive = median(p99s[1]) * 1000, median(p99s[2]) * 1000
    stand.report.add(Figure(f"{name}_p99", of_product, "ms", of_naive))
    for value in double:
        stand.report.add(Figure(f"{name}_two_workers_vs_noop", value, "readings/s", noop))
