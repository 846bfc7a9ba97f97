"""More at once than can be stored in time: near a million readings in arrays as large as allowed, beside a small fleet.

What has no room is refused before it costs anything: the fleet goes on, or is told to wait, and nobody is left hanging.
"""

import time

from tests.faults.attempts import clock
from tests.faults.readings import Shape
from tests.faults.scenario import Stage

ITEMS = 10_000
BODIES_EACH = 2
FLEET_ANSWERED_WITHIN_S = 4.0
"""Twice what is promised: client, server and database share the machine's cores with the flood."""
FLOOD_ANSWERED_WITHIN_S = 10.0


def run(stage: Stage) -> None:
    """Every flooding client sends its largest body at the same moment."""
    findings, scale = stage.findings, stage.scale
    with stage.product() as product, stage.book(product) as book:
        flood = book.clients(
            connections=scale.flood_connections, shapes=[Shape.ARRAY], items=ITEMS, is_polite=True, patience_s=60.0
        )
        flood.prepare(BODIES_EACH)  # who makes readings during the flood has no time left to listen
        fleet = book.clients(interval_s=0.2, shapes=[Shape.SINGLE])
        with fleet.sending():
            findings.require("ingest works", fleet.wait_for(fleet.connections))
            memory = largest = product.api.resident_bytes()
            flooded_at = clock()
            with flood.sending():
                while clock() - flooded_at < scale.flood_s:
                    time.sleep(0.2)
                    largest = max(largest, product.api.resident_bytes())
            findings.require("ingest works after the flood", fleet.wait_for(fleet.connections))
    of_fleet, of_flood = fleet.attempts.between(flooded_at), flood.attempts.between(flooded_at)
    findings.statuses(of_fleet, {200, 201, 429, 503}, of="fleet")
    findings.statuses(of_flood, {200, 429, 503}, of="flood")
    findings.at_most("slowest_answer_to_the_fleet_s", of_fleet.slowest_s, FLEET_ANSWERED_WITHIN_S)
    findings.at_most("slowest_answer_to_the_flood_s", of_flood.slowest_s, FLOOD_ANSWERED_WITHIN_S)
    findings.figure("memory_growth_mb", (largest - memory) / 1e6)
    findings.each_503_says_when(flood.attempts)
