"""SIGSTOP of all of PostgreSQL: nothing fails, nothing answers. Everyone who asks must hear of it in time."""

import time
from contextlib import ExitStack

from tests.faults.attempts import clock
from tests.faults.kill_postgres import ANSWER_WITHIN_S, BETWEEN_KILLS, RESUMES_WITHIN_S
from tests.faults.polling import Poller
from tests.faults.readings import vehicle
from tests.faults.scenario import Stage


def run(stage: Stage) -> None:
    """Each answer within 2 s while it is frozen; ingest back within 5 s of its waking."""
    findings = stage.findings
    with stage.product() as product, stage.book(product) as book, ExitStack() as stack:
        clients = book.clients()
        livez = Poller(product.api.port, "/livez", 0.1)
        readyz = Poller(product.api.port, "/readyz", 0.5)
        reads = Poller(product.api.port, f"/v1/vehicles/{vehicle(1)}", 0.2, connections=4)
        stack.enter_context(clients.sending())
        findings.require("ingest works before the freeze", clients.wait_for(BETWEEN_KILLS))
        for poller in (livez, readyz, reads):
            stack.enter_context(poller.asking())
        time.sleep(1)
        with product.postgres.frozen():
            frozen_at = clock()
            time.sleep(stage.scale.freeze_s)
        woken_at = clock()
        findings.require("ingest resumes", clients.wait_for(BETWEEN_KILLS))
        time.sleep(RESUMES_WITHIN_S + 1)
    ingest, still_frozen_at = clients.attempts, woken_at - ANSWER_WITHIN_S
    resumed = ingest.between(frozen_at).of(200, 201).ended_after(woken_at)
    findings.at_most("resumed_after_s", resumed.first_ended_at - woken_at, RESUMES_WITHIN_S)
    findings.at_most("slowest_ingest_answer_s", ingest.between(0).slowest_s, ANSWER_WITHIN_S)
    findings.at_most("slowest_read_answer_s", reads.attempts.between(0).slowest_s, ANSWER_WITHIN_S)
    findings.at_most("slowest_readyz_s", readyz.attempts.between(0).slowest_s, ANSWER_WITHIN_S)
    findings.at_most("slowest_livez_s", livez.attempts.between(0).slowest_s, 1.0)
    findings.statuses(ingest.between(0), {200, 201, 503})
    findings.statuses(ingest.between(frozen_at, still_frozen_at), {503}, of="while_frozen")
    findings.statuses(ingest.between(woken_at + RESUMES_WITHIN_S), {200, 201}, of="afterwards")
    findings.statuses(reads.attempts.between(0), {200, 503}, of="reads")
    findings.statuses(livez.attempts.between(0), {200}, of="livez")
    findings.statuses(readyz.attempts.between(frozen_at, still_frozen_at), {503}, of="readyz_while_frozen")
    findings.statuses(readyz.attempts.between(woken_at + RESUMES_WITHIN_S), {200}, of="readyz_afterwards")
    findings.each_503_says_when(ingest)
