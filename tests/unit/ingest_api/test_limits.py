"""What all requests hold together, and the settings that say how much."""

import pytest
from pydantic import ValidationError

from ingest_api.limits import Held, HeldBytes
from ingest_api.settings import ApiSettings
from warehouse.contract.errors import OverloadedError

MEBIBYTE = 1024 * 1024


def test_requests_share_what_may_be_held() -> None:
    of_all = HeldBytes(100)
    first, second = Held(of_all), Held(of_all)
    first.set(60)
    with pytest.raises(OverloadedError):
        second.set(41)
    second.set(40)
    first.set(30)
    second.set(70)
    assert of_all.total == 100
    first.set(0)
    second.set(0)
    assert of_all.total == 0


def test_holding_less_is_never_refused() -> None:
    of_all = HeldBytes(100)
    held = Held(of_all)
    held.set(80)
    of_all.limit = 10
    held.set(70)
    with pytest.raises(OverloadedError):
        held.set(71)
    assert of_all.total == 70


def test_sizes_are_bytes_or_have_a_unit() -> None:
    settings = ApiSettings(_env_file=None, max_body_bytes="3MiB", max_stream_bytes=2000)
    assert (settings.limits.body_bytes, settings.limits.stream_bytes) == (3 * MEBIBYTE, 2000)


def test_what_may_be_held_is_at_least_one_body() -> None:
    with pytest.raises(ValidationError, match="less than one body"):
        ApiSettings(_env_file=None, max_held_bytes=17 * MEBIBYTE)
    ApiSettings(_env_file=None, max_held_bytes=18 * MEBIBYTE)
