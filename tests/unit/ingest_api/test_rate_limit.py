"""How much a client may send: a minute's worth at once, then as fast as it comes back."""

import pytest

from ingest_api.http import rate_limit
from ingest_api.http.rate_limit import RateLimit
from ingest_api.telemetry.rate_limits import Account, RateLimits
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
    return RateLimit(60, "reading", clock)


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


def is_limited(limits: RateLimits, client: str) -> bool:
    try:
        limits.check(client)
    except RateLimitedError:
        return True
    return False


def test_items_and_bytes_count_each_for_itself() -> None:
    limits = RateLimits(10, 1000)
    limits.charge("items", 10, 1)
    limits.charge("bytes", 1, 1000)
    limits.charge("neither", 9, 999)
    assert [is_limited(limits, client) for client in ("items", "bytes", "neither")] == [True, True, False]
    assert not RateLimits(None, None).are_set
    only_bytes = RateLimits(None, 1000)
    only_bytes.charge("a", 10**6, 999)
    assert not is_limited(only_bytes, "a")


def test_a_request_costs_an_item_at_least_and_what_it_held() -> None:
    limits = RateLimits(2, 1000)
    charged = Account(limits, "a")
    charged.charge(1, 500)
    charged.end(10_000)
    assert not is_limited(limits, "a")
    Account(limits, "a").end(0)
    assert is_limited(limits, "a")
    Account(limits, "b").end(1000)
    assert is_limited(limits, "b")


def test_being_refused_costs_nothing() -> None:
    limits = RateLimits(None, 60_000)
    limits.charge("a", 1, 120_000)
    for _ in range(100):
        account = Account(limits, "a")
        with pytest.raises(RateLimitedError) as refused:
            account.check()
        account.end(60_000)
        assert refused.value.retry_after_s <= 61


def test_the_memory_it_takes_is_bounded_whoever_comes() -> None:
    limit = RateLimit(60, "reading")
    for number in range(rate_limit.MAX_CLIENTS + 1000):
        limit.charge(str(number), 1)
    assert len(limit._full_at) == rate_limit.MAX_CLIENTS
