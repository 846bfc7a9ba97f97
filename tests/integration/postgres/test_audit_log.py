"""The audit log: it only grows, tells of what was committed and of nothing else, and knows no secret."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.audited import audited, audited_by, told
from tests.conftest import fresh_database
from tests.earlier_schema import bring_to
from warehouse.contract.audit import Action, ActorKind, Change, Origin, SubjectKind
from warehouse.contract.database_roles import Role
from warehouse.contract.redaction import keep_secret
from warehouse.contract.tokens import Scope
from warehouse.contract.users import Role as UserRole
from warehouse.postgres.access.token_store import (
    TokenRequest,
    create_token,
    create_tokens,
    replace_token,
    revoke_token,
    rotate_token,
)
from warehouse.postgres.access.user_store import (
    add_user,
    change_password,
    change_role,
    disable_user,
    enable_user,
    remove_user,
)
from warehouse.postgres.audit.acting import acting_as
from warehouse.postgres.audit.entries import record
from warehouse.postgres.audit.reads import Asked, list_entries
from warehouse.postgres.audit.values import LONGEST_TEXT
from warehouse.postgres.connection import connect
from warehouse.postgres.device_data.erasing import ALLOWED
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import head_revision

ANN = Origin(ActorKind.COMMAND_LINE, "ann", address="depot")
PASSWORD, ANOTHER = "canary-of-a-password", "canary-of-another-one"
REWRITES = (
    "UPDATE audit_log SET actor_name = 'bob'",
    "UPDATE audit_log SET happened_at = now()",
    "DELETE FROM audit_log",
    "DELETE FROM audit_log WHERE FALSE",
    "TRUNCATE audit_log",
)


def note(connection: psycopg.Connection, subject: str = "meter-7") -> None:
    record(connection, Action.DEVICE_CHANGE, Change(SubjectKind.METER, subject, {"model": "a"}, {"model": "b"}))


@pytest.mark.parametrize("rewrite", REWRITES)
def test_nobody_rewrites_it_by_accident(connection: psycopg.Connection, rewrite: str) -> None:
    """This role owns the table: where one does everything, the rights alone would let it."""
    with acting_as(ANN):
        note(connection)
    before = audited(connection)
    with pytest.raises(psycopg.errors.RaiseException, match="audit_log only grows"):
        connection.execute(rewrite.encode())
    assert audited(connection) == before


@pytest.mark.parametrize("rewrite", [*REWRITES[1:], "UPDATE audit_log SET action = 'x'"])
def test_forgetting_a_device_changes_texts_alone(connection: psycopg.Connection, rewrite: str) -> None:
    note(connection)
    with pytest.raises(psycopg.errors.RaiseException, match="audit_log only grows"), connection.transaction():
        connection.execute(ALLOWED)
        connection.execute(rewrite.encode())
    with connection.transaction():
        connection.execute(ALLOWED)
        connection.execute("UPDATE audit_log SET subject = 'forgotten-1' WHERE subject = 'meter-7'")
    assert audited(connection)[-1]["subject"] == "forgotten-1"


def test_what_is_taken_back_is_not_told(connection: psycopg.Connection) -> None:
    def fail() -> None:
        with pytest.raises(ZeroDivisionError), connection.transaction():
            note(connection)
            raise ZeroDivisionError

    assert audited_by(connection, fail) == []


def test_a_change_that_cannot_be_told_is_not_made(connection: psycopg.Connection) -> None:
    connection.execute("ALTER TABLE audit_log ADD CHECK (action <> 'token.create') NOT VALID")
    with pytest.raises(psycopg.errors.CheckViolation):
        create_token(connection, TokenRequest("a", [Scope.READ]))
    assert connection.execute("SELECT count(*) FROM tokens").fetchone() == (0,)


def test_what_runs_by_itself_is_the_pipeline(connection: psycopg.Connection) -> None:
    (entry,) = audited_by(connection, lambda: note(connection))
    assert (entry["actor_kind"], entry["actor_name"], entry["address"]) == ("pipeline", None, None)


def test_a_token_is_told_by_the_name_that_it_has(connection: psycopg.Connection) -> None:
    made = create_token(connection, TokenRequest("workshop", [Scope.OPERATE]))
    with acting_as(Origin(ActorKind.TOKEN, token_id=made.token_id, request_id="r-1", address="10.0.0.7")):
        (entry,) = audited_by(connection, lambda: note(connection))
    who = ("actor_kind", "actor_name", "token_id", "request_id", "address")
    assert [entry[name] for name in who] == ["token", "workshop", made.token_id, "r-1", "10.0.0.7"]
    with (
        acting_as(Origin(ActorKind.TOKEN, token_id="nobody00")),  # noqa: S106 - no secret
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        note(connection)


@pytest.mark.parametrize("role", [Role.INGEST, Role.PIPELINE])
def test_each_role_that_changes_something_tells_it(
    connection: psycopg.Connection, as_role: Callable[[Role], str], role: Role
) -> None:
    with connect(as_role(role)) as session:
        (entry,) = audited_by(connection, lambda: note(session))
        assert entry["actor_kind"] == "pipeline"
        for rewrite in REWRITES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(rewrite.encode())


def test_tokens_are_told_without_their_secrets(connection: psycopg.Connection) -> None:
    with acting_as(ANN):
        first = create_token(connection, TokenRequest("a", [Scope.INGEST], [f"meter-{number}" for number in range(30)]))
        heir = rotate_token(connection, first.token_id)
        for _ in range(2):  # the same again changes nothing
            revoke_token(connection, heir.token_id)
        inside = [replace_token(connection, TokenRequest("inside", [Scope.ADMIN])) for _ in range(2)]
        several = create_tokens(connection, [TokenRequest(name, [Scope.READ]) for name in ("b", "c")])
    found = audited(connection, actor="ann")
    assert [(each["action"], each["subject"]) for each in found] == [
        ("token.create", first.token_id),
        ("token.rotate", first.token_id),
        ("token.revoke", heir.token_id),
        *(("token.replace", each.token_id) for each in inside),
        *(("token.create", each.token_id) for each in several),
    ]
    create, rotate, revoke, _, replace = found[:5]
    assert create["before"] is None
    assert create["after"]["devices"][-1] == "and 10 more"
    assert (rotate["before"]["expires_at"], rotate["after"]["heir"]) == (None, heir.token_id)
    assert rotate["after"]["expires_at"] is not None
    assert (revoke["before"]["revoked_at"], revoke["after"]["name"]) == (None, "a")
    assert replace["before"] == {"replaced": [inside[0].token_id]}
    text = str(found)
    for token in (first, heir, *inside, *several):
        assert token.secret not in text
        assert token.digest.hex() not in text


def test_users_are_told_without_their_passwords(connection: psycopg.Connection) -> None:
    with acting_as(ANN):
        add_user(connection, "maria", UserRole.VIEWER, PASSWORD)
        change_password(connection, "maria", ANOTHER)
        for _ in range(2):
            change_role(connection, "maria", UserRole.OPERATOR)
        for _ in range(2):
            disable_user(connection, "Maria")
        enable_user(connection, "maria")
        remove_user(connection, "maria")
    viewer, operator = {"role": "viewer", "state": "enabled"}, {"role": "operator", "state": "enabled"}
    disabled = {"role": "operator", "state": "disabled"}
    found = audited(connection, subject="maria")
    assert [told(each) for each in found] == [
        ("user.add", "user maria", None, viewer),
        ("user.password", "user maria", viewer, viewer),
        ("user.role", "user maria", viewer, operator),
        ("user.disable", "user maria", operator, disabled),
        ("user.enable", "user maria", disabled, operator),
        ("user.remove", "user maria", operator, None),
    ]
    assert "canary" not in str(found)
    assert "argon2" not in str(found)


def test_what_is_written_down_is_bounded_and_has_no_secret_that_is_known(connection: psycopg.Connection) -> None:
    keep_secret("canary-of-a-webhook")
    said = {
        "long": "x" * 10_000,
        "list": list(range(1000)),
        "names": {str(number): number for number in range(1000)},
        "secret": ["see canary-of-a-webhook"],
        "url": "postgresql://a:canary@b/c",
        "odd": "a\0b\ud800",
        "at": datetime(2026, 2, 8, tzinfo=UTC),
        "none": None,
    }
    record(connection, Action.COMMAND_RUN, Change(SubjectKind.COMMAND, "x" * 10_000, None, said))
    entry = audited(connection)[-1]
    assert len(entry["subject"]) == LONGEST_TEXT
    after = entry["after"]
    assert (len(after["long"]), len(after["list"])) == (LONGEST_TEXT, 21)
    assert after["list"][-1] == "and 980 more" == after["names"]["..."]
    assert after["odd"] == "a\\x00b\\ud800"
    assert (after["at"], after["none"]) == ("2026-02-08T00:00:00+00:00", None)
    assert "canary" not in str(entry)


def test_it_is_read_a_page_at_a_time_and_by_what_is_asked(connection: psycopg.Connection) -> None:
    began = datetime.now(UTC)
    for number in range(5):
        with acting_as(Origin(ActorKind.USER, f"user-{number % 2}")):
            note(connection, f"meter-{number}")
    seen: list[str] = []
    before = None
    while True:
        page = list_entries(connection, Asked(since=began - timedelta(hours=1), limit=2, before=before))
        seen += [row["subject"] for row in page.entries if row["action"] == Action.DEVICE_CHANGE]
        if (before := page.next_before) is None:
            break
    assert seen == [f"meter-{number}" for number in (4, 3, 2, 1, 0)]
    assert [each["subject"] for each in audited(connection, actor="user-1")] == ["meter-1", "meter-3"]
    assert len(audited(connection, actor="user")) == 5
    assert [each["subject"] for each in audited(connection, subject="meter-2")] == ["meter-2"]
    assert audited(connection, actions=[Action.USER_ADD]) == []
    assert audited(connection, until=began - timedelta(hours=1)) == []


def test_one_of_a_subject_is_found_by_an_index(connection: psycopg.Connection) -> None:
    """Whatever else was done in years."""
    changes = [Change(SubjectKind.METER, f"meter-{number}", None, {"model": "x"}) for number in range(5_000)]
    record(connection, Action.DEVICE_CHANGE, *changes)
    connection.execute("ANALYZE audit_log")
    asked = "EXPLAIN SELECT * FROM audit_log WHERE subject = 'meter-7' ORDER BY entry_id DESC LIMIT 100"
    plan = "\n".join(line for (line,) in connection.execute(asked).fetchall())
    assert "audit_log_by_subject" in plan


def test_a_migration_is_told_in_its_own_transaction(server_url: str) -> None:
    with fresh_database(server_url, "template1") as url, acting_as(ANN):
        bring_to(url, "0024")
        applied = migrate(url)
        with connect(url) as connection:
            found = audited(connection)
        assert [each["after"]["revision"] for each in found] == [each for each in applied if each >= "0026"]
        assert found[-1]["after"] == {"revision": head_revision()}
        assert {(each["action"], each["actor_name"]) for each in found} == {("database.migrate", "ann")}
        assert migrate(url) == []
        with connect(url) as connection:
            assert len(audited(connection)) == len(found), "nothing was done"
