"""Every connection for questions waits behind a lock: who asks is refused, who delivers is not held up."""

import time
from contextlib import ExitStack

from tests.faults.attempts import clock
from tests.faults.polling import Poller
from tests.faults.readings import vehicle
from tests.faults.scenario import Stage
from warehouse.postgres.connection import connect

READS_ANSWERED_WITHIN_S = 5.0
"""The wait for a connection, and what a question may take that has one."""
BACK_WITHIN_S = 5.0


def run(stage: Stage) -> None:
    """A session locks the mappings, which only questions read."""
    findings, seconds = stage.findings, max(stage.scale.steady_s, 2 * READS_ANSWERED_WITHIN_S)
    with stage.product() as product, stage.book(product) as book, ExitStack() as stack:
        clients = book.clients(interval_s=0.2)
        stack.enter_context(clients.sending())
        findings.require("ingest works", clients.wait_for(clients.connections))
        began_at = clock()
        time.sleep(seconds)
        readers = Poller(product.api.port, f"/v1/analytics/performance/{vehicle(1)}", interval_s=0.2, connections=40)
        with connect(product.url, autocommit=False) as other:
            other.execute("LOCK TABLE vehicle_meter_map IN ACCESS EXCLUSIVE MODE")
            locked_at = clock()
            stack.enter_context(readers.asking())
            time.sleep(seconds)
            other.rollback()
        released_at = clock()
        time.sleep(BACK_WITHIN_S + 2)
    ingest, reads = clients.attempts, readers.attempts
    findings.statuses(ingest.between(0), {200, 201})
    findings.p99_like("ingest_p99", ingest.between(locked_at, released_at), ingest.between(began_at, locked_at))
    findings.statuses(reads.between(locked_at, released_at - READS_ANSWERED_WITHIN_S), {503}, of="reads")
    findings.at_most("slowest_read_s", reads.between(0).slowest_s, READS_ANSWERED_WITHIN_S)
    # The vehicle has no meter: 404 is what a question gets that was asked.
    findings.statuses(reads.between(released_at + BACK_WITHIN_S), {404}, of="reads_afterwards")
    findings.each_503_says_when(reads)
