"""Commands on a server of one's own: with a role for each part, with one for all, and from the one to the other."""

import json
from urllib.parse import urlsplit

import pytest

from orchestration.dagster_runtime.own_database import make_database, storage_url
from tests.factories import meter_payload
from tests.integration.orchestration.conftest import Fleetwatt
from tests.own_server import OwnServer, own_server_in
from warehouse.contract.database_roles import Role
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded.cluster import ROLE

own_server = pytest.fixture(own_server_in)
REMARK = ', which owns the tables; roles that may do less: docs/deployment.md, "Roles that own nothing"'
OWNERS = """
    SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()
"""


@pytest.fixture
def roles(own_server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> OwnServer:
    """All of its addresses are settings."""
    for name, value in own_server.settings.items():
        monkeypatch.setenv(name, value)
    return own_server


def name_of(own_server: OwnServer, role: Role) -> str:
    return urlsplit(own_server.addresses[role]).username or ""


def test_each_part_works_by_its_own_address_alone(
    roles: OwnServer, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fleetwatt("migrate").code == 0
    again = fleetwatt("migrate")
    assert (again.code, again.out) == (0, "")
    assert "nothing to do" in again.err

    monkeypatch.delenv("FLEET_DATABASE_URL")
    assert fleetwatt("partitions").code == 0
    made = fleetwatt("tokens", "create", "--name", "m", "--scope", "read", "--json")
    assert made.code == 0, made.err
    monkeypatch.delenv("FLEET_INGEST_URL")
    told = fleetwatt("status", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["oneRole"] is None
    refused = fleetwatt("tokens", "list")
    assert (refused.code, refused.out) == (1, "")
    assert "works as the ingest of the database, and its address is not set: FLEET_INGEST_URL" in refused.err
    refused = fleetwatt("migrate")
    assert (refused.code, refused.out) == (1, "")
    assert "works as the owner of the database, and its address is not set: FLEET_DATABASE_URL" in refused.err


def test_dagsters_database_is_made_for_the_pipeline(roles: OwnServer, fleetwatt: Fleetwatt) -> None:
    for _ in range(2):
        assert fleetwatt("migrate").code == 0
        url = storage_url(roles.addresses[Role.PIPELINE], roles.dagsters)
        with connect(url) as dagsters:
            dagsters.execute("CREATE TABLE IF NOT EXISTS theirs ()")
            assert dagsters.execute(OWNERS.encode()).fetchall() == [(name_of(roles, Role.PIPELINE),)]


def test_a_database_of_dagsters_that_one_role_made_is_given_to_the_pipeline(
    roles: OwnServer, fleetwatt: Fleetwatt
) -> None:
    make_database(roles.url, roles.dagsters)
    with connect(storage_url(roles.url, roles.dagsters)) as before:
        before.execute("CREATE TABLE runs (id bigint GENERATED ALWAYS AS IDENTITY, body text)")
        before.execute("INSERT INTO runs (body) VALUES ('kept')")
    assert fleetwatt("migrate").code == 0
    with connect(storage_url(roles.addresses[Role.PIPELINE], roles.dagsters)) as dagsters:
        assert dagsters.execute(OWNERS.encode()).fetchall() == [(name_of(roles, Role.PIPELINE),)]
        dagsters.execute("INSERT INTO runs (body) VALUES ('new')")
        dagsters.execute("ALTER TABLE runs ADD COLUMN of_a_newer_dagster text")
        assert dagsters.execute("SELECT body FROM runs ORDER BY id").fetchall() == [("kept",), ("new",)]


def test_one_role_for_everything_works_and_status_says_so(
    own_server: OwnServer, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", own_server.url)
    owner = urlsplit(own_server.url).username
    for command in (["migrate"], ["partitions"], ["tokens", "create", "--name", "m", "--scope", "read"]):
        ended = fleetwatt(*command)
        assert ended.code == 0, ended.err
    assert f"\neverything works as the one role {owner}{REMARK}\n" in fleetwatt("status").out
    assert (
        json.loads(fleetwatt("status", "--json").out)["oneRole"] == f"everything works as the one role {owner}{REMARK}"
    )
    monkeypatch.setenv("FLEET_INGEST_URL", own_server.addresses[Role.INGEST])
    assert fleetwatt("migrate").code == 0
    assert f"\nthe pipeline works as the role {owner}{REMARK}\n" in fleetwatt("status").out


def test_an_owner_that_may_make_no_roles_says_what_to_run_and_all_goes_on(
    database_url: str, own_server: OwnServer, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    monkeypatch.setenv("FLEET_INGEST_URL", own_server.addresses[Role.INGEST])
    ended = fleetwatt("migrate")
    assert ended.code == 0, ended.err
    missing = name_of(own_server, Role.INGEST)
    assert f"{ROLE} may not make the role {missing}" in ended.err
    assert f"CREATE ROLE {missing} LOGIN PASSWORD" in ended.err


@pytest.mark.parametrize("name", ["FLEET_INGEST_URL", "FLEET_PIPELINE_URL"])
def test_no_address_of_a_role_is_said_with_its_password(
    own_server: OwnServer, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """None of the roles is there yet, and PostgreSQL's refusal names what it was given."""
    for variable, value in own_server.settings.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("FLEET_DATABASE_URL")
    command = ["tokens", "list"] if name == "FLEET_INGEST_URL" else ["status"]
    ended = fleetwatt(*command)
    assert ended.code == 1
    assert "p@ss" not in ended.out + ended.err
    assert "p%40ss" not in ended.out + ended.err


def test_readings_are_imported_and_asked_for_by_roles_that_own_nothing(
    roles: OwnServer, fleetwatt: Fleetwatt, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert fleetwatt("migrate").code == 0
    file = tmp_path_factory.mktemp("given") / "readings.ndjson"
    file.write_text(json.dumps(meter_payload()) + "\n")
    ended = fleetwatt("import", file)
    assert ended.code == 0, ended.err
    asked = fleetwatt("query", "SELECT 1 AS one", "--format", "csv")
    assert (asked.code, asked.out) == (0, "one\n1\n")
    with connect(roles.addresses[Role.READ]) as read:
        assert read.execute("SELECT count(*) FROM meter_readings").fetchone() == (1,)
