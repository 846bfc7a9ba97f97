"""Ten times the load, and more: who comes too much is told to wait, and the service is itself again soon after."""

import time

from tests.faults.attempts import Attempts, clock
from tests.faults.readings import Shape
from tests.faults.scenario import Stage
from tests.faults.verdict import QUICK_ENOUGH_MS

NORMAL_PER_S = 20_000 / 60
"""The specification's fleet: 10,000 meters and 10,000 vehicles, a reading a minute each."""
NORMAL_CONNECTIONS = 64
RECOVERS_WITHIN_S = 30.0
_WINDOW_S = 5.0
_SHAPES = (*[Shape.SINGLE] * 18, Shape.ARRAY, Shape.LINES)


def run(stage: Stage) -> None:
    """Ten times the connections send as fast as they are answered, beside the fleet's own load."""
    findings, scale = stage.findings, stage.scale
    with stage.product() as product, stage.book(product) as book:
        fleet = book.clients(
            connections=NORMAL_CONNECTIONS, interval_s=NORMAL_CONNECTIONS / NORMAL_PER_S, shapes=[Shape.SINGLE]
        )
        flood = book.clients(connections=10 * NORMAL_CONNECTIONS, shapes=_SHAPES)
        with fleet.sending():
            findings.require("ingest works", fleet.wait_for(NORMAL_CONNECTIONS))
            began_at = clock()
            time.sleep(scale.steady_s)
            flood_at, delivered = clock(), book.acknowledged.lines
            with flood.sending():
                while (seconds := clock() - flood_at) < scale.overload_s:
                    time.sleep(min(10.0, scale.overload_s - seconds))
                    findings.say(f"{clock() - flood_at:.0f} s: {len(flood.attempts):,} answers to the flood")
                delivered = book.acknowledged.lines - delivered
            over_at = clock()
            time.sleep(RECOVERS_WITHIN_S + _WINDOW_S)
    before, under_load = fleet.attempts.between(began_at, flood_at), fleet.attempts.between(flood_at, over_at)
    findings.statuses(fleet.attempts.between(0), {200, 201, 429, 503}, of="fleet")
    findings.statuses(flood.attempts.between(0), {200, 201, 429, 503}, of="flood")
    findings.each_503_says_when(flood.attempts)
    findings.figure("normal_per_s", len(before) / (flood_at - began_at))
    refused = len(flood.attempts.between(0).of(429, 503))
    offered = (delivered + refused) / (over_at - flood_at)
    findings.require("the load is ten times the normal one", offered >= 10 * NORMAL_PER_S, f"{offered:.0f} readings/s")
    findings.figure("p99_before_ms", before.p99_s * 1000)
    findings.figure("p99_under_load_ms", under_load.p99_s * 1000)
    findings.figure("slowest_answer_to_the_flood_s", flood.attempts.between(0).slowest_s)
    limit_ms = max(2 * before.p99_s * 1000, QUICK_ENOUGH_MS)
    findings.at_most("p99_normal_again_after_s", _normal_after(fleet.attempts, over_at, limit_ms), RECOVERS_WITHIN_S)


def _normal_after(attempts: Attempts, over_at: float, limit_ms: float) -> float:
    """How many seconds after the flood is over a window begins whose p99 is within the limit."""
    second = 0
    while second <= RECOVERS_WITHIN_S:
        window = attempts.between(over_at + second, over_at + second + _WINDOW_S)
        if len(window) and window.p99_s * 1000 <= limit_ms:
            return float(second)
        second += 1
    return float("inf")
