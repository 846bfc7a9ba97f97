"""How much a client may send: a minute's worth at once, then as fast as it comes back."""

import pytest

from ingest_api import rate_limit
from ingest_api.rate_limit import RateLimit
from warehouse.contract.errors import RateLimitedError


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> RateLimit:
    return RateLimit(60, clock)


def wait_for(limit: RateLimit, client: str) -> int:
    """How long the client is told to wait; 0: it may send."""
    try:
        limit.check(client)
    except RateLimitedError as error:
        return error.retry_after_s
    return 0


def test_a_minutes_worth_may_come_at_once(limit: RateLimit) -> None:
    for _ in range(60):
        assert wait_for(limit, "a") == 0
        limit.charge("a", 1)
    assert wait_for(limit, "a") == 1
    assert wait_for(limit, "b") == 0


def test_it_comes_back_with_time(limit: RateLimit, clock: Clock) -> None:
    limit.charge("a", 60)
    clock.now += wait_for(limit, "a")
    assert wait_for(limit, "a") == 0
    limit.charge("a", 1)
    assert wait_for(limit, "a") == 1
    clock.now += 3600
    limit.charge("a", 60)
    assert wait_for(limit, "a") == 1  # an hour of silence is worth no more than a minute


def test_a_batch_larger_than_all_gets_through_and_is_paid_for_afterwards(limit: RateLimit, clock: Clock) -> None:
    assert wait_for(limit, "a") == 0
    limit.charge("a", 600)
    assert wait_for(limit, "a") == 541
    clock.now += 540
    assert wait_for(limit, "a") == 1
    clock.now += 1
    assert wait_for(limit, "a") == 0


def test_who_was_silent_for_longest_is_forgotten(limit: RateLimit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_CLIENTS", 2)
    for client in ("a", "b", "a", "c"):
        limit.charge(client, 60)
    assert [wait_for(limit, client) > 0 for client in ("a", "b", "c")] == [True, False, True]
