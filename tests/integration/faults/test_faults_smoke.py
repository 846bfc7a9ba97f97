"""The ledger test in small: one kill -9 of the API, one of PostgreSQL. ``make faults`` does it for hours and worse."""

import pytest

from tests.faults.attempts import LOST, NOT_CONNECTED
from tests.faults.kill_postgres import say_that_commits_need_not_wait
from tests.faults.scenario import Stage

BODIES = 30
"""Acknowledged before each kill, and at the end."""


@pytest.mark.long
def test_a_role_whose_commits_need_not_wait_loses_nothing(stage: Stage) -> None:
    with stage.product() as product, stage.book(product) as book:
        say_that_commits_need_not_wait(product)
        clients = book.clients(connections=8)
        with clients.sending():
            for _ in range(3):
                assert clients.wait_for(10 * BODIES)
                product.postgres.kill()
                product.postgres.restart_as_supervised()
            assert clients.wait_for(BODIES)
    assert stage.findings.failed == []
    assert stage.findings.figures["acknowledged"] == book.acknowledged.lines


@pytest.mark.long
def test_what_was_acknowledged_survives_the_death_of_the_api_and_of_postgres(stage: Stage) -> None:
    with stage.product() as product, stage.book(product) as book:
        clients = book.clients(connections=8)
        with clients.sending():
            assert clients.wait_for(BODIES)
            product.api.kill()
            product.api.start()
            assert clients.wait_for(BODIES)
            product.postgres.kill()
            product.postgres.restart_as_supervised()
            assert clients.wait_for(BODIES)
    assert stage.findings.failed == []
    assert clients.attempts.between(0).counts().keys() <= {200, 201, 503, LOST, NOT_CONNECTED}
    assert stage.findings.figures["acknowledged"] == book.acknowledged.lines
