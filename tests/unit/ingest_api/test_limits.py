"""What all requests hold together, and the settings that say how much."""

import pytest
from pydantic import ValidationError

from ingest_api.bodies.limits import MemoryBudget, MemoryShare
from ingest_api.settings import ApiSettings
from warehouse.contract.errors import OverloadedError

MEBIBYTE = 1024 * 1024


def test_requests_share_what_may_be_held() -> None:
    budget = MemoryBudget(100)
    first, second = MemoryShare(budget, "a"), MemoryShare(budget, "b")
    first.hold(60)
    with pytest.raises(OverloadedError):
        second.hold(41)
    second.hold(40)
    first.hold(30)
    second.hold(70)
    assert budget.total == 100
    first.hold(0)
    second.hold(0)
    assert budget.total == 0
    assert (first.most_bytes, second.most_bytes) == (60, 70)


def test_holding_less_is_never_refused() -> None:
    budget = MemoryBudget(100)
    share = MemoryShare(budget, "a")
    share.hold(80)
    budget.limit = 10
    share.hold(70)
    with pytest.raises(OverloadedError):
        share.hold(71)
    assert budget.total == 70


def test_one_body_may_take_all_and_several_of_one_client_half_of_what_is_left() -> None:
    budget = MemoryBudget(100)
    alone = MemoryShare(budget, "a")
    alone.hold(100)
    alone.hold(0)
    of_a = [MemoryShare(budget, "a") for _ in range(5)]
    of_a[0].hold(30)
    of_a[1].hold(20)
    with pytest.raises(OverloadedError):
        of_a[2].hold(1)
    of_b = [MemoryShare(budget, "b") for _ in range(5)]
    of_b[0].hold(20)
    of_b[1].hold(5)
    with pytest.raises(OverloadedError):
        of_b[2].hold(1)
    last = MemoryShare(budget, "c")
    last.hold(25)
    for share in (*of_a, *of_b, last):
        share.hold(0)
    assert budget.total == 0
    of_a[2].hold(40)
    of_a[3].hold(10)


def test_clients_that_hold_nothing_are_forgotten() -> None:
    budget = MemoryBudget(10**9)
    for number in range(1000):
        share = MemoryShare(budget, str(number))
        share.hold(10)
        share.hold(0)
    assert budget._of_clients == {}


def test_sizes_are_bytes_or_have_a_unit() -> None:
    settings = ApiSettings(_env_file=None, max_body_bytes="3MiB", max_stream_bytes=2000)
    assert (settings.limits.body_bytes, settings.limits.stream_bytes) == (3 * MEBIBYTE, 2000)


def test_what_may_be_held_is_at_least_one_body() -> None:
    with pytest.raises(ValidationError, match="less than one body"):
        ApiSettings(_env_file=None, max_held_bytes=17 * MEBIBYTE)
    ApiSettings(_env_file=None, max_held_bytes=18 * MEBIBYTE)
