"""kill -9 of all of PostgreSQL, again and again under load; the API lives on and finds it again."""

import time
from collections.abc import Callable

import psycopg
from psycopg.sql import SQL, Identifier

from tests.faults.attempts import clock
from tests.faults.polling import Poller
from tests.faults.product import Product
from tests.faults.scenario import Stage
from warehouse.postgres.connection import connect

BETWEEN_KILLS = 60
ANSWER_WITHIN_S = 2.25
"""The contract's 2 s, and what a busy machine adds."""
RESUMES_WITHIN_S = 5.0


def run(stage: Stage) -> None:
    """What was acknowledged is on disk; meanwhile the answer is 503, and quick."""
    _kill_again_and_again(stage, lambda _: None)


def run_with_a_lax_role(stage: Stage) -> None:
    """The same where database and role say that a commit need not wait for the disk."""
    _kill_again_and_again(stage, say_that_commits_need_not_wait)


def say_that_commits_need_not_wait(product: Product) -> None:
    """``synchronous_commit=off`` for every session that does not say otherwise itself."""
    with connect(product.url) as connection:
        for of in ("DATABASE", "ROLE"):
            name = connection.info.dbname if of == "DATABASE" else connection.info.user
            change = SQL("ALTER {} {} SET synchronous_commit TO off").format(SQL(of), Identifier(name))
            connection.execute(change)
    product.postgres.kill()  # so that no session is left from before
    product.postgres.restart_as_supervised()
    with psycopg.connect(product.url) as other:
        assert other.execute("SHOW synchronous_commit").fetchone() == ("off",), "else this shows nothing"


def _kill_again_and_again(stage: Stage, prepare: Callable[[Product], None]) -> None:
    findings = stage.findings
    with stage.product() as product, stage.book(product) as book:
        prepare(product)
        clients, livez = book.clients(), Poller(product.api.port, "/livez", 0.1)
        starts_s, resumes_s = [], []
        with clients.sending(), livez.asking():
            for number in range(stage.scale.kills + stage.scale.single_kills):
                findings.require(f"ingest works before kill {number + 1}", clients.wait_for(BETWEEN_KILLS))
                time.sleep(stage.drawn.random() * 0.5)
                if number < stage.scale.kills:
                    product.postgres.kill()
                    starts_s.append(product.postgres.restart_as_supervised())
                else:
                    product.postgres.kill_a_backend()
                up_at = clock()
                findings.require(f"ingest resumes after kill {number + 1}", clients.wait_for(1))
                resumes_s.append(clock() - up_at)
            findings.require("ingest works after the last kill", clients.wait_for(BETWEEN_KILLS))
        findings.figure("kills", stage.scale.kills)
        findings.figure("kills_of_a_backend", stage.scale.single_kills)
        findings.figure("slowest_start_of_postgres_s", max(starts_s))
        findings.at_most("slowest_resumption_s", max(resumes_s), RESUMES_WITHIN_S)
    findings.statuses(clients.attempts.between(0), {200, 201, 503})
    findings.statuses(livez.attempts.between(0), {200}, of="livez")
    findings.at_most("slowest_answer_s", clients.attempts.between(0).slowest_s, ANSWER_WITHIN_S)
    findings.at_most("slowest_livez_s", livez.attempts.between(0).slowest_s, 1.0)
    findings.each_503_says_when(clients.attempts)
