"""What a machine's token looks like, what it may, and whose readings it may send."""

import re

import pytest

from warehouse.contract.readings import DEVICE_ID_PATTERN
from warehouse.contract.tokens import (
    LENGTH,
    TOKEN_PATTERN,
    DeviceRule,
    NewToken,
    Scope,
    allowed_by,
    digest_of,
    is_device_pattern,
    parts_of,
)


def test_a_token_is_read_as_it_was_made() -> None:
    for _ in range(100):
        made = NewToken.make()
        assert len(str(made)) == LENGTH == 56
        assert re.fullmatch(TOKEN_PATTERN, str(made))
        assert parts_of(str(made).encode()) == (made.token_id.encode(), made.secret.encode())
        assert made.digest == digest_of(made.secret.encode())
        assert made.secret not in repr(made)


def test_no_two_are_alike() -> None:
    made = [NewToken.make() for _ in range(1000)]
    assert len({each.secret for each in made}) == len({each.token_id for each in made}) == len(made)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"flt_",
        b"flt_abcdefgh" + b"x" * 44,
        b"FLT_abcdefgh_" + b"x" * 43,
        b"flt_abcd-fgh_" + b"x" * 43,
        b"flt_abcdefgh_" + b"x" * 42,
        b"flt_abcdefgh_" + b"x" * 44,
        b"flt_abcdefgh_" + b"x" * 42 + b"\n",
        b"flt_abcdefgh_" + b"x" * 42 + b"=",
        b"flt_abcdefgh_" + b"x" * 42 + b"\xff",
    ],
)
def test_what_is_none_is_none(text: bytes) -> None:
    assert parts_of(text) is None


def test_what_scopes_include() -> None:
    assert allowed_by([Scope.INGEST]) == {Scope.INGEST}
    assert allowed_by([Scope.READ]) == {Scope.READ}
    assert allowed_by([Scope.OPERATE]) == {Scope.OPERATE, Scope.READ}
    assert allowed_by([Scope.READ, Scope.INGEST]) == {Scope.READ, Scope.INGEST}
    assert allowed_by([Scope.ADMIN]) == set(Scope)


def test_a_rule_allows_what_it_names_and_no_other() -> None:
    rule = DeviceRule(["meter-1", "site-7-*", "DE*ABC*E1"])
    for allowed in ("meter-1", "site-7-", "site-7-meter-9", "DE*ABC*E1"):
        assert rule.allows(allowed)
    for refused in ("meter-10", "Meter-1", "meter-", "site-70", "site-7", "DE*ABC*E12", "x-meter-1", ""):
        assert not rule.allows(refused)


def test_a_rule_of_many_ids_is_none_of_prefixes() -> None:
    rule = DeviceRule([f"meter-{number}" for number in range(1000)])
    assert rule.allows("meter-999")
    assert not rule.allows("meter-1000")
    assert not rule.allows("meter-")


def test_what_names_devices() -> None:
    for text in ("meter-1", "site-7-*", "DE*ABC*E1234*1", "a*", "x" * 64):
        assert is_device_pattern(text)
        assert re.fullmatch(DEVICE_ID_PATTERN, text), "whoever names devices by it can name each of them"
    for text in ("", "*", "-a", "a b", "ä", "a\n", "x" * 65):
        assert not is_device_pattern(text)
