"""kill -9 of the API, all of it and single workers, again and again under load."""

import time

from tests.faults.api import STARTS_WITHIN_S
from tests.faults.attempts import LOST, NOT_CONNECTED, clock
from tests.faults.scenario import Stage

BETWEEN_KILLS = 60
"""Bodies that are acknowledged before the next kill: it hits a server that works."""


def run(stage: Stage) -> None:
    """Nothing acknowledged is lost with the processes that acknowledged it."""
    findings = stage.findings
    with stage.product() as product, stage.book(product) as book:
        # While workers start, connections wait in the backlog of the process that will be their parent.
        clients = book.clients(patience_s=STARTS_WITHIN_S)
        starts_s = []
        with clients.sending():
            for number in range(stage.scale.kills):
                findings.require(f"the API works before kill {number + 1}", clients.wait_for(BETWEEN_KILLS))
                time.sleep(stage.drawn.random() * 0.5)
                product.api.kill()
                starts_s.append(product.api.start())
            for number in range(stage.scale.single_kills):
                findings.require(f"the API works before worker {number + 1} dies", clients.wait_for(BETWEEN_KILLS))
                time.sleep(stage.drawn.random() * 0.5)
                product.api.kill_a_worker()
            began = clock()
            findings.require("the API works after the last kill", clients.wait_for(BETWEEN_KILLS))
            findings.figure("seconds_until_it_works_again", clock() - began)
        findings.figure("kills", stage.scale.kills)
        findings.figure("kills_of_a_worker", stage.scale.single_kills)
        findings.figure("slowest_start_s", max(starts_s))
    findings.statuses(clients.attempts.between(0), {200, 201, 503, LOST, NOT_CONNECTED})
