"""Whoever sends a wrong token learns nothing from how it is compared: an unknown id is compared as a known one is."""

import math
import secrets
import time

import pytest

from ingest_api.auth.gate import Asks, Gate
from ingest_api.auth.known_tokens import KnownToken, KnownTokens
from ingest_api.auth.sessions import Sessions
from ingest_api.http.client_address import ClientAddresses
from warehouse.contract.tokens import NewToken, Scope, allowed_by

ADMIN_TOKEN = "pass-word-of-the-administrator-01"  # noqa: S105 - a test's own


def no_sessions() -> Sessions:
    raise AssertionError("nobody is signed in here")


class Tokens(KnownTokens):
    """These alone, and known for ever."""

    def __init__(self, *tokens: KnownToken) -> None:
        super().__init__("", clock=lambda: 0.0)
        self._known_at = 0.0
        self._by_id = {each.token_id: each for each in tokens}


def known(token: NewToken, expires_s: float = math.inf) -> KnownToken:
    return KnownToken(token.token_id.encode(), token.digest, allowed_by([Scope.READ]), None, expires_s)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The lengths of whatever is compared in constant time."""
    lengths: list[tuple[int, int]] = []
    compare = secrets.compare_digest

    def note_and_compare(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(secrets, "compare_digest", note_and_compare)
    return lengths


@pytest.mark.parametrize("admin_token", [ADMIN_TOKEN, None])
def test_all_that_is_wrong_is_compared_alike(compared: list[tuple[int, int]], admin_token: str | None) -> None:
    valid, over = NewToken.make(), NewToken.make()
    gate = Gate(
        Asks.EVERYBODY, Tokens(known(valid), known(over, time.time() - 1)), ClientAddresses(), no_sessions, admin_token
    )
    wrong = {
        "unknown": NewToken.make(),
        "another secret": NewToken(valid.token_id, NewToken.make().secret),
        "nearly the secret": NewToken(valid.token_id, valid.secret[:-1] + ("A" if valid.secret[-1] != "A" else "B")),
        "expired": over,
    }
    seen: dict[str, list[tuple[int, int]]] = {}
    for what, token in wrong.items():
        compared.clear()
        assert gate.verified(f"Bearer {token}".encode()) is None
        seen[what] = list(compared)
    assert set(map(tuple, seen.values())) == {((32, 32), (32, 32))}, "digests, of this token and of the administrator's"


def test_digests_are_compared_and_not_what_was_sent() -> None:
    """Else their length would matter, and the digest out of the database would open the way."""
    token = NewToken.make()
    gate = Gate(Asks.EVERYBODY, Tokens(known(token)), ClientAddresses(), no_sessions, ADMIN_TOKEN)
    found = gate.verified(f"Bearer {token}".encode())
    assert found is not None
    assert found.token_id == token.token_id.encode()
    assert gate.verified(f"Bearer {ADMIN_TOKEN}".encode()) is not None
    for wrong in (token.digest, token.digest.hex().encode(), b"", b"x" * 100_000, f"{ADMIN_TOKEN}x".encode()):
        assert gate.verified(b"Bearer " + wrong) is None


def test_without_an_administrators_token_nothing_is_taken_for_it() -> None:
    gate = Gate(Asks.EVERYBODY, Tokens(), ClientAddresses(), no_sessions, None)
    for given in (b"Bearer ", b"Bearer", b"Bearer None", b"Bearer " + bytes(32), None, b""):
        assert gate.verified(given) is None
