"""``fleetwatt tokens``: a token is shown once, on stdout alone, and what it may is said."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.integration.orchestration.conftest import Ended, Fleetwatt
from warehouse.contract.database_roles import Role
from warehouse.contract.tokens import NewToken, digest_of, parts_of


@pytest.fixture
def run(fleetwatt: Fleetwatt, as_role: Callable[[Role], str], monkeypatch: pytest.MonkeyPatch) -> Fleetwatt:
    """Run a command on this test's database."""
    monkeypatch.setenv("FLEET_DATABASE_URL", as_role(Role.INGEST))
    return fleetwatt


def made(end: Ended) -> NewToken:
    """The token that a command printed, which is all that it printed on stdout."""
    assert end.code == 0, end.err
    parts = parts_of(end.out.strip().encode())
    assert parts is not None
    token_id, secret = (part.decode() for part in parts)
    assert secret not in end.err
    assert token_id in end.err
    return NewToken(token_id, secret)


def listed(run: Fleetwatt) -> dict[str, dict[str, object]]:
    end = run("tokens", "list", "--json")
    assert end.code == 0
    return {each["tokenId"]: each for each in json.loads(end.out)}


def test_a_token_is_shown_once(run: Fleetwatt, connection: psycopg.Connection) -> None:
    options = ["--scope", "ingest", "--devices", "meter-7", "--devices", "site-7-*", "--expires", "90d"]
    token = made(run("tokens", "create", "--name", "charger 7", *options))
    rows = connection.execute("SELECT secret_sha256 FROM tokens").fetchall()
    assert rows == [(digest_of(token.secret.encode()),)]
    found = listed(run)[token.token_id]
    assert (found["name"], found["scopes"], found["devices"]) == ("charger 7", ["ingest"], ["meter-7", "site-7-*"])
    assert found["state"] == "valid"
    for shown in (run("tokens", "list"), run("tokens", "list", "--json")):
        assert token.token_id in shown.out
        assert token.secret not in shown.out + shown.err
        assert token.digest.hex() not in shown.out


def test_json_has_the_token_and_its_id(run: Fleetwatt) -> None:
    end = run("tokens", "create", "--name", "a", "--scope", "read", "--json")
    found = json.loads(end.out)
    assert found["token"].startswith(f"flt_{found['tokenId']}_")
    assert parts_of(found["token"].encode())


def test_a_revoked_token_is_said_to_be(run: Fleetwatt) -> None:
    token = made(run("tokens", "create", "--name", "a", "--scope", "read"))
    end = run("tokens", "revoke", token.token_id)
    assert (end.code, "is revoked" in end.err) == (0, True)
    assert listed(run)[token.token_id]["state"] == "revoked"
    assert run("tokens", "revoke", "nobody00").code == 1
    assert "revoked; make a new one" in run("tokens", "rotate", token.token_id).err


def test_a_rotated_token_has_an_heir_and_an_end(run: Fleetwatt) -> None:
    old = made(run("tokens", "create", "--name", "a", "--scope", "read", "--scope", "ingest"))
    new = made(run("tokens", "rotate", old.token_id, "--overlap", "2h"))
    tokens = listed(run)
    assert tokens[new.token_id]["scopes"] == tokens[old.token_id]["scopes"] == ["ingest", "read"]
    assert tokens[new.token_id]["expiresAt"] is None
    ends_at = datetime.fromisoformat(str(tokens[old.token_id]["expiresAt"]))
    assert ends_at <= datetime.now(UTC) + timedelta(hours=2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--name", "a"], "--scope"),
        (["--name", "a", "--scope", "all"], "--scope"),
        (["--scope", "read"], "--name"),
        (["--name", "a", "--scope", "read", "--expires", "0d"], "90d"),
        (["--name", "a", "--scope", "read", "--expires", "soon"], "90d"),
        (["--name", "a", "--scope", "read", "--devices", "meter-1"], "ingest alone"),
        (["--name", "a", "--scope", "ingest", "--devices", "*"], "a device is named"),
        (["--name", "\x1b[2J", "--scope", "read"], "printable"),
    ],
)
def test_what_cannot_be_is_a_sentence(run: Fleetwatt, options: list[str], says: str) -> None:
    end = run("tokens", "create", *options)
    assert end.code in (1, 2)
    assert says in end.err
    assert end.out == ""
    assert listed(run) == {}
