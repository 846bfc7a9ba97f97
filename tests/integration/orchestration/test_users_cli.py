"""``fleetwatt users``: people are added, listed, changed and removed, and their passwords are shown nowhere."""

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.integration.orchestration.conftest import Ended, Fleetwatt
from warehouse.contract.database_roles import Role
from warehouse.postgres.access.passwords import is_password

PASSWORD = "canary of a Pa55word"  # noqa: S105 - a test's own
ANOTHER = "another canary of one"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def run(fleetwatt: Fleetwatt, as_role: Callable[[Role], str], monkeypatch: pytest.MonkeyPatch) -> Fleetwatt:
    """Run a command on this test's database; ``typed``: what comes in."""
    monkeypatch.setenv("FLEET_DATABASE_URL", as_role(Role.INGEST))

    def run(*arguments: object, typed: str = "") -> Ended:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        end = fleetwatt("users", *arguments)
        assert not typed.strip() or typed.strip() not in end.out + end.err
        return end

    return run


def hash_of(connection: psycopg.Connection, name: str) -> str:
    (row,) = connection.execute("SELECT password_hash FROM users WHERE name = %s", [name]).fetchall()
    return str(row[0])


def test_a_users_life(run: Fleetwatt, connection: psycopg.Connection) -> None:
    assert "fleetwatt users add" in run("list").err
    end = run("add", "maria", "--role", "admin", "--password-stdin", typed=f"{PASSWORD}\r\n")
    assert (end.code, end.out, "maria may sign in as admin" in end.err) == (0, "", True)
    assert is_password(PASSWORD, hash_of(connection, "maria"))
    added = run("add", "jo", "--role", "viewer", "--password-stdin", "--json", typed=PASSWORD)
    assert json.loads(added.out)["role"] == "viewer"
    assert run("passwd", "JO", "--password-stdin", typed=f"{ANOTHER}\n").code == 0
    assert is_password(ANOTHER, hash_of(connection, "jo"))
    assert json.loads(run("role", "jo", "operator", "--json").out)["role"] == "operator"
    for act, state in (("disable", "disabled"), ("enable", "enabled")):
        assert run(act, "jo").code == 0
        assert [each["state"] for each in json.loads(run("list", "--json").out)] == [state, "enabled"]
    shown = run("list").out
    assert "operator" in shown
    assert "not yet" in shown
    assert "argon2" not in shown + run("list", "--json").out
    assert run("remove", "jo").code == 0
    end = run("remove", "maria")
    assert (end.code, "--even-last" in end.err) == (1, True)
    assert run("remove", "maria", "--even-last").code == 0
    assert json.loads(run("list", "--json").out) == []


@pytest.mark.parametrize(
    ("arguments", "typed", "code", "says"),
    [
        (["add", "maria", "--role", "admin", "--password-stdin"], "short\n", 1, "12 to 256 characters"),
        (["add", "maria", "--role", "admin", "--password-stdin"], "", 1, "12 to 256 characters"),
        (["add", "maria", "--role", "admin", "--password-stdin"], "x" * 2000, 1, "12 to 256 characters"),
        (["add", "maria", "--role", "admin", "--password-stdin"], "maria maria maria", 1, "too easy to guess"),
        (["add", "maria", "--role", "admin"], PASSWORD, 2, "--password-stdin"),
        (["add", "ma ria", "--role", "admin", "--password-stdin"], PASSWORD, 1, "a user's name"),
        (["add", "maria", "--password-stdin"], PASSWORD, 2, "--role"),
        (["add", "maria", "--role", "root", "--password-stdin"], PASSWORD, 2, "--role"),
        (["passwd", "nobody", "--password-stdin"], PASSWORD, 1, "users list"),
        (["disable", "nobody"], "", 1, "users list"),
    ],
)
def test_what_cannot_be_is_a_sentence(run: Fleetwatt, arguments: list[str], typed: str, code: int, says: str) -> None:
    end = run(*arguments, typed=typed)
    assert (end.code, end.out) == (code, "")
    assert says in end.err
    assert json.loads(run("list", "--json").out) == []


def test_a_second_user_of_a_name_is_refused(run: Fleetwatt) -> None:
    for name, code in (("maria", 0), ("Maria", 1)):
        assert run("add", name, "--role", "viewer", "--password-stdin", typed=PASSWORD).code == code


def test_a_password_is_asked_for_twice_and_shown_nowhere(database_url: str, connection: psycopg.Connection) -> None:
    """At a real terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "FLEET_DATABASE_URL": database_url}
    command = [sys.executable, "-m", "orchestration.cli.main", "users", "add", "maria", "--role", "viewer"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    for typed in (PASSWORD, ANOTHER, PASSWORD, PASSWORD):  # the first two are not the same: it asks again
        asked = len(shown)
        # The blank comes once the terminal shows no more what is typed; what was typed before is thrown away then.
        while not shown[asked:].endswith((b"Password: ", b"confirmation: ")):
            shown += os.read(ours, 1000)
        assert Path(f"/proc/{process.pid}/cmdline").read_bytes().count(PASSWORD.encode()) == 0
        os.write(ours, f"{typed}\n".encode())
    try:
        while more := os.read(ours, 1000):
            shown += more
    except OSError:  # how a terminal ends whose last program has
        pass
    os.close(ours)
    assert process.wait(120) == 0, shown
    assert PASSWORD.encode() not in shown
    assert ANOTHER.encode() not in shown
    assert is_password(PASSWORD, hash_of(connection, "maria"))
