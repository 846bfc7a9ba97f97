"""Dagster's own commands, as its users know them: they find our definitions without an environment and a database."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dbt_like_sql.catalog import Catalog
from orchestration.definitions import build_definitions
from warehouse.settings import FleetSettings

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.long  # that they load is held by the unit tests; this is how Dagster finds them


def output(home: Path, folder: Path, command: str, *arguments: str) -> str:
    """What a command of Dagster's prints that has no environment but a folder to write to."""
    environment = {"HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}
    program = Path(sys.executable).with_name(command)
    done = subprocess.run(
        [program, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not Path(sys.executable).with_name("dg").exists(), reason="make test installs it")
def test_dg_checks_and_lists_every_definition(tmp_path: Path) -> None:
    assert "All definitions loaded successfully." in output(tmp_path, ROOT, "dg", "check", "defs")
    listed = json.loads(output(tmp_path, ROOT, "dg", "list", "defs", "--json"))
    ours = build_definitions(Catalog.load(), FleetSettings.model_fields["first_day"].default)
    graph = ours.get_repository_def().asset_graph
    assert {each["asset_key"] for each in listed["assets"]} == {
        key.to_user_string() for key in graph.get_all_asset_keys()
    }
    assert {(each["asset_key"], each["name"]) for each in listed["asset_checks"]} == {
        (key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys
    }
    assert {each["name"] for each in listed["jobs"]} == {
        "run_day",
        "write_hours",
        "alert",
        "write_report",
        "maintenance",
    }
    assert {each["name"] for each in listed["sensors"]} == {
        *("closed_days", "closed_hours", "untold_findings", "failed_runs"),
    }
    assert {each["name"] for each in listed["schedules"]} == {"daily_maintenance", "daily_report"}


def test_dagster_validates_the_definitions(tmp_path: Path) -> None:
    output(tmp_path, tmp_path, "dagster", "definitions", "validate", "-m", "orchestration.definitions")
