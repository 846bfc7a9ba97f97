"""Machines' tokens in the database: made, listed, revoked, rotated, and told to whoever listens."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from warehouse.contract.errors import InvalidRequestError, TokenNotFoundError
from warehouse.contract.tokens import Scope
from warehouse.postgres.access.token_store import (
    TokenRequest,
    count_valid_tokens,
    create_token,
    create_tokens,
    list_tokens,
    replace_token,
    revoke_token,
    rotate_token,
)
from warehouse.postgres.connection import connect

CHARGER = TokenRequest("charger 7", [Scope.INGEST], ["meter-7", "site-7-*"], timedelta(days=90))


def test_of_a_secret_only_its_digest_is_kept(connection: psycopg.Connection) -> None:
    made = create_token(connection, CHARGER)
    (token,) = list_tokens(connection)
    assert (token.token_id, token.name, token.scopes) == (made.token_id, "charger 7", ["ingest"])
    assert token.devices == ["meter-7", "site-7-*"]
    assert token.expires_at is not None
    assert timedelta(days=89) < token.expires_at - token.created_at <= timedelta(days=90, minutes=1)
    assert (token.last_used_at, token.revoked_at) == (None, None)
    (row,) = connection.execute("SELECT tokens::text, secret_sha256 FROM tokens").fetchall()
    assert made.secret not in row[0]
    assert row[1] == made.digest


@pytest.mark.parametrize(
    "request_",
    [
        TokenRequest("", [Scope.READ]),
        TokenRequest("  ", [Scope.READ]),
        TokenRequest("x" * 201, [Scope.READ]),
        TokenRequest("a\nb", [Scope.READ]),
        TokenRequest("a\x1b[2J", [Scope.READ]),
        TokenRequest("a", []),
        TokenRequest("a", [Scope.READ], ["meter-1"]),
        TokenRequest("a", [Scope.INGEST, Scope.READ], ["meter-1"]),
        TokenRequest("a", [Scope.INGEST], []),
        TokenRequest("a", [Scope.INGEST], ["*"]),
        TokenRequest("a", [Scope.INGEST], ["meter 1"]),
        TokenRequest("a", [Scope.INGEST], None, timedelta(0)),
        TokenRequest("a", [Scope.INGEST], None, timedelta(days=4000)),
    ],
)
def test_what_says_too_little_or_too_much_is_refused(connection: psycopg.Connection, request_: TokenRequest) -> None:
    with pytest.raises(InvalidRequestError):
        create_tokens(connection, [CHARGER, request_])
    assert list_tokens(connection) == [], "all or none"


def test_a_revoked_token_stays_revoked_and_stays(connection: psycopg.Connection) -> None:
    made = create_token(connection, CHARGER)
    first = revoke_token(connection, made.token_id)
    assert first.revoked_at is not None
    assert revoke_token(connection, made.token_id) == first
    assert count_valid_tokens(connection) == 0
    with pytest.raises(InvalidRequestError, match="revoked"):
        rotate_token(connection, made.token_id)
    for statement in ("DELETE FROM tokens", "TRUNCATE tokens"):
        with pytest.raises(psycopg.errors.RaiseException, match="revoked, not removed"):
            connection.execute(statement.encode())
    for act in (revoke_token, rotate_token):
        with pytest.raises(TokenNotFoundError):
            act(connection, "unknown0")


def test_a_rotated_token_goes_on_for_the_overlap_and_its_heir_may_the_same(connection: psycopg.Connection) -> None:
    old = create_token(connection, CHARGER)
    new = rotate_token(connection, old.token_id, timedelta(hours=2))
    tokens = {each.token_id: each for each in list_tokens(connection)}
    was, heir = tokens[old.token_id], tokens[new.token_id]
    assert (heir.name, heir.scopes, heir.devices) == (was.name, was.scopes, was.devices)
    assert was.expires_at is not None
    assert heir.expires_at is not None
    assert timedelta(days=89) < heir.expires_at - heir.created_at <= timedelta(days=90, minutes=1)
    assert was.expires_at <= datetime.now(UTC) + timedelta(hours=2)
    again = rotate_token(connection, old.token_id, timedelta(days=30))
    assert list_tokens(connection)[0].expires_at is not None
    assert {each.token_id: each.expires_at for each in list_tokens(connection)}[old.token_id] == was.expires_at
    assert again.token_id != new.token_id
    with pytest.raises(InvalidRequestError):
        rotate_token(connection, new.token_id, timedelta(days=31))


def test_a_token_that_replaces_others_revokes_those_of_its_name_alone(connection: psycopg.Connection) -> None:
    other = create_token(connection, TokenRequest("another", [Scope.READ]))
    first = replace_token(connection, TokenRequest("inside", [Scope.ADMIN]))
    second = replace_token(connection, TokenRequest("inside", [Scope.ADMIN]))
    states = {each.token_id: each.state(datetime.now(UTC)) for each in list_tokens(connection)}
    assert states == {other.token_id: "valid", first.token_id: "revoked", second.token_id: "valid"}


def test_pages_are_in_the_order_of_ids(connection: psycopg.Connection) -> None:
    create_tokens(connection, [TokenRequest(f"t{number}", [Scope.READ]) for number in range(5)])
    first = list_tokens(connection, 3)
    rest = list_tokens(connection, 3, first[-1].token_id)
    assert len(first + rest) == 5
    assert first + rest == list_tokens(connection)


def test_whoever_changes_a_token_tells_and_a_use_is_no_change(
    connection: psycopg.Connection, database_url: str
) -> None:
    with connect(database_url) as listening:
        listening.execute("LISTEN fleetwatt_tokens")
        made = create_token(connection, CHARGER)
        assert len(list(listening.notifies(timeout=10, stop_after=1))) == 1
        connection.execute("UPDATE tokens SET last_used_at = now()")
        connection.execute("UPDATE tokens SET revoked_at = now() WHERE token_id = %s", [made.token_id])  # by hand
        assert len(list(listening.notifies(timeout=10, stop_after=1))) == 1
        assert list(listening.notifies(timeout=0)) == []


def test_changes_are_numbered_in_the_order_of_their_commits(connection: psycopg.Connection, database_url: str) -> None:
    made = create_token(connection, CHARGER)
    second_is_done = threading.Event()

    def change_again() -> None:
        with connect(database_url) as other:
            create_token(other, CHARGER)
        second_is_done.set()

    with connection.transaction():
        revoke_token(connection, made.token_id)
        thread = threading.Thread(target=change_again)
        thread.start()
        assert not second_is_done.wait(0.2), "it waits for the one before it"
    thread.join()
    rows = connection.execute("SELECT revoked_at IS NULL FROM tokens ORDER BY change_number").fetchall()
    assert rows == [(False,), (True,)]
