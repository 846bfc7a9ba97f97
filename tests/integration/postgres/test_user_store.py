"""People in the database: added, changed, disabled, removed, and what of it ends their sessions."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from warehouse.contract.errors import (
    FleetwattError,
    InvalidRequestError,
    LastAdministratorError,
    UserExistsError,
    UserNotFoundError,
)
from warehouse.contract.sign_ins import account_digest, new_session_id, session_digest
from warehouse.contract.users import Role
from warehouse.postgres.access.passwords import MEMORY_KIB, PASSES, is_password
from warehouse.postgres.access.user_store import (
    User,
    add_user,
    change_password,
    change_role,
    disable_user,
    enable_user,
    list_users,
    remove_user,
)
from warehouse.postgres.connection import connect

PASSWORD = "correct horse battery"  # noqa: S105 - a test's own
ANOTHER = "staple of the other one"
Change = Callable[[psycopg.Connection, str], User]


def add_session(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        "INSERT INTO user_sessions (session_sha256, user_id, expires_at) SELECT %s, user_id, %s FROM users"
        " WHERE name = %s",
        [session_digest(new_session_id()), datetime.now(UTC) + timedelta(days=1), name],
    )


def count(connection: psycopg.Connection, table: str) -> int:
    (row,) = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()
    return int(row[0])


def test_of_a_password_only_argon2ids_hash_is_kept(connection: psycopg.Connection) -> None:
    user = add_user(connection, "Maria", Role.OPERATOR, PASSWORD)
    assert (user.name, user.role, user.state, user.signed_in_at) == ("Maria", "operator", "enabled", None)
    assert list_users(connection) == [user]
    (row,) = connection.execute("SELECT users::text, password_hash FROM users").fetchall()
    assert PASSWORD not in row[0]
    assert row[1].startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1$")
    assert [is_password(each, row[1]) for each in (PASSWORD, ANOTHER, "", PASSWORD.upper())] == [True, *[False] * 3]
    assert not is_password(PASSWORD, None)
    assert set(user.record()) == {"name", "role", "created_at", "signed_in_at", "disabled_at", "issuer", "state"}


def test_a_name_is_one_persons_in_capitals_or_not(connection: psycopg.Connection) -> None:
    add_user(connection, "Maria", Role.ADMIN, PASSWORD)
    with pytest.raises(UserExistsError, match="users passwd"):
        add_user(connection, "mARIA", Role.VIEWER, PASSWORD)
    assert change_password(connection, "MARIA", ANOTHER).name == "Maria"
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            "INSERT INTO users (name, role, password_hash) SELECT 'maria', role, password_hash FROM users"
        )


def test_what_cannot_be_is_refused(connection: psycopg.Connection) -> None:
    for name, password in (("", PASSWORD), ("a b", PASSWORD), ("maria", "short"), ("maria", "maria" * 4)):
        with pytest.raises(InvalidRequestError):
            add_user(connection, name, Role.VIEWER, password)
    acts: list[Change] = [
        lambda each, name: change_password(each, name, PASSWORD),
        lambda each, name: change_role(each, name, Role.ADMIN),
        disable_user,
        enable_user,
        remove_user,
    ]
    for act in acts:
        with pytest.raises(UserNotFoundError, match="users list"):
            act(connection, "nobody")
    assert list_users(connection) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda each, name: change_password(each, name, ANOTHER),
        lambda each, name: change_role(each, name, Role.ADMIN),
        disable_user,
        remove_user,
        lambda each, name: each.execute("UPDATE users SET role = 'admin' WHERE name = %s", [name]),  # by hand
    ],
    ids=["passwd", "role", "disable", "remove", "by hand"],
)
def test_what_changes_a_user_ends_the_users_sessions_alone(connection: psycopg.Connection, change: Change) -> None:
    for name in ("maria", "jo"):
        add_user(connection, name, Role.VIEWER, PASSWORD)
        add_session(connection, name)
        add_session(connection, name)
    change(connection, "maria")
    rows = connection.execute("SELECT name FROM user_sessions JOIN users USING (user_id)").fetchall()
    assert rows == [("jo",)] * 2


def test_who_is_disabled_is_enabled_again(connection: psycopg.Connection) -> None:
    add_user(connection, "maria", Role.VIEWER, PASSWORD)
    first = disable_user(connection, "maria")
    assert first.state == "disabled"
    assert disable_user(connection, "maria") == first
    add_session(connection, "maria")
    assert enable_user(connection, "Maria").state == "enabled"
    assert count(connection, "user_sessions") == 0
    assert enable_user(connection, "maria").state == "enabled"


@pytest.mark.parametrize(
    "change", [remove_user, disable_user, lambda each, name, **even: change_role(each, name, Role.VIEWER, **even)]
)
def test_the_last_administrator_stays_unless_somebody_says_so(
    connection: psycopg.Connection, change: Callable[..., User]
) -> None:
    for name, role in (("maria", Role.ADMIN), ("jo", Role.ADMIN), ("kim", Role.OPERATOR)):
        add_user(connection, name, role, PASSWORD)
    change(connection, "kim")
    change(connection, "jo")
    with pytest.raises(LastAdministratorError, match="--even-last"):
        change(connection, "MARIA")
    assert change_role(connection, "maria", Role.ADMIN).role == "admin"
    change(connection, "maria", even_last=True)


def test_two_who_remove_each_other_leave_one(connection: psycopg.Connection, database_url: str) -> None:
    for name in ("maria", "jo"):
        add_user(connection, name, Role.ADMIN, PASSWORD)
    ended: list[object] = []
    begin = threading.Barrier(2)

    def remove(name: str) -> None:
        with connect(database_url) as own:
            begin.wait(60)
            try:
                ended.append(remove_user(own, name))
            except FleetwattError as error:
                ended.append(error)

    threads = [threading.Thread(target=remove, args=[name]) for name in ("maria", "jo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list_users(connection)) == 1
    assert sorted(type(each).__name__ for each in ended) == ["LastAdministratorError", "User"]


def test_failures_are_forgotten_with_another_password(connection: psycopg.Connection) -> None:
    def fail() -> None:
        connection.execute(
            "INSERT INTO failed_sign_ins VALUES ('account', %s, 12, now(), now() + interval '1 h')"
            " ON CONFLICT DO NOTHING",
            [account_digest("maria")],
        )

    fail()
    add_user(connection, "Maria", Role.VIEWER, PASSWORD)
    assert count(connection, "failed_sign_ins") == 0
    for act in (lambda each, name: change_password(each, name, ANOTHER), enable_user):
        fail()
        act(connection, "maria")
        assert count(connection, "failed_sign_ins") == 0
