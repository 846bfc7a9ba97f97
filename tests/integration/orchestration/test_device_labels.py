"""Sites and tags out of a table: shown first, changed when told, all of it or nothing, and told in the audit log."""

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from orchestration.cli.commands import app
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.readings.device_ids import register_devices


@pytest.fixture(autouse=True)
def _devices(connection: psycopg.Connection) -> None:
    for kind in DeviceKind:
        register_devices(connection, kind, dict.fromkeys(["a", "b"]))
    connection.execute("UPDATE meters SET site = 'South', tags = '{old}' WHERE external_id = 'b'")


def run(url: str, folder: Path, table: str, *arguments: str) -> Result:
    path = folder / "table.csv"
    path.write_text(table, encoding="utf-8")
    command = ["devices", "import", str(path), "--home", str(folder), *arguments]
    return CliRunner().invoke(app, command, env={"FLEET_DATABASE_URL": url})


def labels(connection: psycopg.Connection, table: str = "meters") -> list[tuple[str, str | None, list[str]]]:
    return connection.execute(f"SELECT external_id, site, tags FROM {table} ORDER BY 1".encode()).fetchall()


BEFORE = [("a", None, []), ("b", "South", ["old"])]
TABLE = "meterId,site,tags\na,North,van; night;van\nb,South,\n"


def test_it_is_shown_what_would_change_and_changed_when_told(
    connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    shown = run(database_url, tmp_path, TABLE)
    assert shown.exit_code == 0, shown.output
    assert "meter a: no site [] -> North [night;van]" in shown.stderr
    assert "meter b: South [old] -> South []" in shown.stderr
    assert "2 devices would change" in shown.stderr
    assert labels(connection) == BEFORE
    assert run(database_url, tmp_path, TABLE, "--yes").exit_code == 0
    assert labels(connection) == [("a", "North", ["night", "van"]), ("b", "South", [])]
    assert "0 devices changed" in run(database_url, tmp_path, TABLE, "--yes").stderr
    told = connection.execute("SELECT subject, before, after FROM audit_log WHERE action = 'device.change' ORDER BY 1")
    assert told.fetchall() == [
        ("a", {"site": None, "tags": []}, {"site": "North", "tags": ["night", "van"]}),
        ("b", {"tags": ["old"]}, {"tags": []}),
    ]


def test_columns_that_are_not_there_stay_and_others_are_left_alone(
    connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    table = "\N{BYTE ORDER MARK}vehicleId,meterId,settings.site,kwh\n,b,'=1+1,5\na,,,\n"
    changed = run(database_url, tmp_path, table, "--yes", "--json")
    assert json.loads(changed.stdout) == [
        {
            "kind": "meter",
            "id": "b",
            "before": {"site": "South", "tags": ["old"]},
            "after": {"site": "=1+1", "tags": ["old"]},
        }
    ]
    assert labels(connection, "vehicles") == [("a", None, []), ("b", None, [])]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "names the columns"),
        ("meterId,model\na,x\n", "names the columns"),
        ("site\nNorth\n", "names the columns"),
        ("meterId,site\na,North\nnobody,South\n", "line 3: there is no meter nobody"),
        ("meterId,site\na,North\na,South\n", "line 3: a is in line 2 already"),
        ("meterId,site\na,North,x\n", "line 2: 3 cells below 2 columns"),
        ("meterId,site\n,North\n", "line 2: it names 0 devices"),
        ("meterId,vehicleId,site\na,a,North\n", "line 2: it names 2 devices"),
        ('meterId,tags\na,"x,y"\n', "line 2: at most 20 tags"),
        (f"meterId,site\na,{'x' * 101}\n", "line 2: a site is at most 100"),
        ('meterId,site\na,"North\n', "it is no CSV"),
    ],
)
def test_what_cannot_be_taken_changes_nothing(
    connection: psycopg.Connection, database_url: str, tmp_path: Path, table: str, says: str
) -> None:
    refused = run(database_url, tmp_path, table, "--yes")
    assert refused.exit_code != 0
    assert says in str(refused.exception)
    assert labels(connection) == BEFORE
