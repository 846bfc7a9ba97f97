"""Commands on a database of another version: only three of them change its schema, all others refuse it."""

from pathlib import Path

import psycopg
import pytest

from orchestration.assets.resources import Warehouse
from orchestration.cli.commands import COMMANDS
from tests.factories import meter_payload
from tests.integration.orchestration.conftest import Fleetwatt
from tests.integration.orchestration.test_cli import ndjson
from tests.ports import free_port
from warehouse.contract.errors import SchemaOutdatedError
from warehouse.postgres.schema_version import head_revision
from warehouse.settings import FleetSettings

DAY = "2026-02-08"
ARGUMENTS = {
    "query": ["SELECT 1"],
    "import": ["readings.ndjson"],
    "seal": [DAY],
    "export": [DAY],
    "run-day": [DAY],
    "devices": ["prune", "--older-than", "30d"],
    "alerts": ["send"],
    "findings": ["list"],
    "tokens": ["list"],
    "users": ["list"],
    "readings": ["corrections", "vehicle-1"],
    "export-device": ["vehicle-1", "--output", "files"],
    "backup": ["backups"],
    "forget": ["veh-1"],
}
WITHOUT_A_DATABASE = {"simulate", "models", "restore"}
MIGRATES = {"up", "migrate", "upgrade"}
STARTS_WITHOUT_A_DATABASE = {"api"}
"""It waits for a database that is away, and says on /readyz what is wrong with the one it has (test_health)."""
REFUSING = sorted(COMMANDS.keys() - WITHOUT_A_DATABASE - MIGRATES - STARTS_WITHOUT_A_DATABASE)
OLDER, NEWER = "0001", "9999"


@pytest.fixture(params=[OLDER, NEWER])
def revision(request: pytest.FixtureRequest, connection: psycopg.Connection) -> str:
    """The database is at an older or a newer revision."""
    connection.execute("UPDATE alembic_version SET version_num = %s", [request.param])
    return str(request.param)


def revision_now(connection: psycopg.Connection) -> str:
    ((found,),) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(found)


def remedy(revision: str) -> str:
    """What each of them says to do."""
    return "run fleetwatt migrate" if revision == OLDER else "was migrated by a newer Fleetwatt"


def test_every_other_command_refuses_another_schema_and_leaves_it_alone(
    fleetwatt: Fleetwatt,
    tmp_path: Path,
    connection: psycopg.Connection,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    revision: str,
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    monkeypatch.setenv("FLEET_DAGSTER_PORT", str(free_port()))  # whoever runs the tests may run the product too
    ndjson(tmp_path / "readings.ndjson", meter_payload())
    said = {command: fleetwatt(command, *ARGUMENTS.get(command, [])) for command in REFUSING}
    assert {command: ended.code for command, ended in said.items()} == dict.fromkeys(REFUSING, 1)
    assert {command: ended.err for command, ended in said.items() if remedy(revision) not in ended.err} == {}
    last_lines = [ended.err.splitlines()[-1] for ended in said.values()]
    assert [line for line in last_lines if not line.startswith("The database's schema is not the one")] == []
    assert revision_now(connection) == revision


@pytest.mark.parametrize("revision", [NEWER], indirect=True)
@pytest.mark.parametrize("command", ["migrate", "up", "upgrade"])
def test_who_migrates_refuses_a_newer_schema(
    fleetwatt: Fleetwatt,
    connection: psycopg.Connection,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    revision: str,
    command: str,
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    monkeypatch.setenv("FLEET_PORT", "23099")
    ended = fleetwatt(command, *(["--no-dagster", "--no-demo"] if command == "up" else []))
    assert ended.code == 1
    assert remedy(revision) in ended.err
    assert "Traceback" not in ended.err
    assert revision_now(connection) == revision


def test_the_pipeline_refuses_another_schema(database_url: str, revision: str, tmp_path: Path) -> None:
    warehouse = Warehouse(FleetSettings(_env_file=None, home=tmp_path, database_url=database_url))
    with pytest.raises(SchemaOutdatedError, match=remedy(revision)):
        warehouse.url  # noqa: B018 - it is what every asset and sensor begins with


@pytest.mark.parametrize(
    "command", sorted(set(REFUSING) - {"dagster", "status", "query", "report", "quarantine", "findings"})
)
def test_where_there_is_no_database_yet_none_is_made(fleetwatt: Fleetwatt, tmp_path: Path, command: str) -> None:
    ndjson(tmp_path / "readings.ndjson", meter_payload())
    ended = fleetwatt(command, *ARGUMENTS.get(command, []), "--home", tmp_path / "home")
    assert ended.code == 1
    assert "run fleetwatt migrate" in ended.err
    assert not (tmp_path / "home").exists()


def test_a_current_schema_is_what_migrate_leaves(
    fleetwatt: Fleetwatt, database_url: str, monkeypatch: pytest.MonkeyPatch, connection: psycopg.Connection
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    assert fleetwatt("migrate").code == 0
    assert revision_now(connection) == head_revision()
    assert fleetwatt("partitions").code == 0
