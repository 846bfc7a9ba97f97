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
    first.set(60)
    with pytest.raises(OverloadedError):
        second.set(41)
    second.set(40)
    first.set(30)
    second.set(70)
    assert budget.total == 100
    first.set(0)
    second.set(0)
    assert budget.total == 0
    assert (first.most_bytes, second.most_bytes) == (60, 70)


def test_holding_less_is_never_refused() -> None:
    budget = MemoryBudget(100)
    held = MemoryShare(budget, "a")
    held.set(80)
    budget.limit = 10
    held.set(70)
    with pytest.raises(OverloadedError):
        held.set(71)
    assert budget.total == 70


def test_one_body_may_take_all_and_several_of_one_client_half_of_what_is_left() -> None:
    budget = MemoryBudget(100)
    alone = MemoryShare(budget, "a")
    alone.set(100)
    alone.set(0)
    of_a = [MemoryShare(budget, "a") for _ in range(5)]
    of_a[0].set(30)
    of_a[1].set(20)
    with pytest.raises(OverloadedError):
        of_a[2].set(1)
    of_b = [MemoryShare(budget, "b") for _ in range(5)]
    of_b[0].set(20)
    of_b[1].set(5)
    with pytest.raises(OverloadedError):
        of_b[2].set(1)
    last = MemoryShare(budget, "c")
    last.set(25)
    for held in (*of_a, *of_b, last):
        held.set(0)
    assert budget.total == 0
    of_a[2].set(40)
    of_a[3].set(10)


def test_clients_that_hold_nothing_are_forgotten() -> None:
    budget = MemoryBudget(10**9)
    for number in range(1000):
        held = MemoryShare(budget, str(number))
        held.set(10)
        held.set(0)
    assert budget._of_clients == {}


def test_sizes_are_bytes_or_have_a_unit() -> None:
    settings = ApiSettings(_env_file=None, max_body_bytes="3MiB", max_stream_bytes=2000)
    assert (settings.limits.body_bytes, settings.limits.stream_bytes) == (3 * MEBIBYTE, 2000)


def test_what_may_be_held_is_at_least_one_body() -> None:
    with pytest.raises(ValidationError, match="less than one body"):
        ApiSettings(_env_file=None, max_held_bytes=17 * MEBIBYTE)
    ApiSettings(_env_file=None, max_held_bytes=18 * MEBIBYTE)
