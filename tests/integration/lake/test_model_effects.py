"""The effect of a changed model before it is merged: built beside the lake, compared, and the lake left as it was."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from dbt_like_sql.catalog import FOLDER, Catalog
from orchestration.cli.models.commands import models
from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake
from tests.lake_folder import folder_snapshot, newest_file
from warehouse.lake.model_effects import newest_whole_day
from warehouse.lake.storage.lake import Lake

app = typer.Typer(rich_markup_mode=None)
app.add_typer(models, name="models")
load = Catalog.load

DAILY = "models/rollups/daily_vehicle_efficiency.sql"
SQL_MODELS = sum(model.kind == "sql" for model in CATALOG.models.values())
Edit = Callable[[str, str, str], None]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> HandMadeLake:
    """A day of three vehicles: efficiencies of 0.95, 0.87 and 0.7."""
    lake = HandMadeLake(tmp_path_factory.mktemp("published") / "lake")
    lake.pairs(1, 2, 3)
    for number, dc_kwh in ((1, 9.5), (2, 8.7), (3, 7.0)):
        lake.energy("meter", number, 8, 10.0)
        lake.energy("vehicle", number, 8, dc_kwh)
    lake.write()
    lake.build()
    return lake


@pytest.fixture
def lake(untouched: HandMadeLake, tmp_path: Path) -> HandMadeLake:
    return untouched.copy(tmp_path / "lake")


@pytest.fixture(autouse=True)
def _no_unit_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are run ahead of all that is tried here, and take longer."""
    catalog = replace(CATALOG, folder=tmp_path / "no_unit_tests")
    monkeypatch.setattr(Catalog, "load", lambda: catalog)


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Change a file of the models, as an analyst does who has no unit tests."""
    unread = shutil.ignore_patterns("__pycache__", "*.test.toml")
    folder = shutil.copytree(FOLDER, tmp_path / "dbt_like_sql", ignore=unread)

    def edit(file: str, old: str, new: str) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        monkeypatch.setattr(Catalog, "load", cache(lambda: load(folder)))  # read once, however often it is asked for

    return edit


def check(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", "check", "--home", str(home), *arguments])


def effects(home: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """The effect on each model, by name."""
    said = json.loads(check(home, "--json", *arguments).stdout)
    assert said["problems"] == []
    assert said["day"] == str(DAY)
    return {each["name"]: each for each in said["models"]}


def columns(effect: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in effect["columns"]}


def lines(result: Result) -> list[str]:
    """What was printed, without the layout of its tables."""
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def content(root: Path) -> dict[str, str]:
    """Everything in a folder, by path."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_models_that_did_not_change_change_nothing(lake: HandMadeLake, tmp_path: Path) -> None:
    result = check(tmp_path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "reaches" not in result.stderr
    assert f"{DAY}: {SQL_MODELS} SQL models rebuilt beside the lake, 0 differ from what is published" in result.stderr
    said = json.loads(check(tmp_path, "--json").stdout)
    assert (said["problems"], said["day"], said["exposures"]) == ([], str(DAY), [])
    assert all(each["isSame"] for each in said["models"])


def test_a_change_flows_into_what_is_made_from_it(lake: HandMadeLake, tmp_path: Path, edit: Edit) -> None:
    before = content(lake.lake.root)
    edit(DAILY, "0.90 AS target_ratio", "0.96 AS target_ratio")
    edit("metrics.toml", "dc_kwh / 0.90", "dc_kwh / 0.96")
    found = effects(tmp_path)
    assert [name for name, each in found.items() if not each["isSame"]] == [
        "daily_vehicle_efficiency",
        "daily_fleet_efficiency",
        "daily_vehicle_costs",
        "weekly_vehicle_losses",
    ]
    # 10 kWh of AC less DC / 0.96, of all three; less DC / 0.90 before, of the last two.
    lost_before, lost_after = 10 - 8.7 / 0.9 + 10 - 7 / 0.9, 30 - 25.2 / 0.96
    for name, rows in (("daily_vehicle_efficiency", 3), ("daily_fleet_efficiency", 1)):
        assert columns(found[name]).keys() == {"lost_against_target_kwh"}
        (changed,) = columns(found[name]).values()
        assert changed["rowsChanged"] == rows
        assert (changed["sumBefore"], changed["sumAfter"]) == pytest.approx((lost_before, lost_after))
    assert check(tmp_path).exit_code == 0
    assert content(lake.lake.root) == before


def test_the_exposures_that_a_change_reaches_are_named(lake: HandMadeLake, tmp_path: Path, edit: Edit) -> None:
    edit(DAILY, "0.90 AS target_ratio", "0.96 AS target_ratio")
    reached = {each["name"]: each for each in json.loads(check(tmp_path, "--json").stdout)["exposures"]}
    assert {name: each["datasets"] for name, each in reached.items()} == {
        "day_figures": ["daily_fleet_efficiency"],
        "loss_report": ["daily_fleet_efficiency"],
        "open_lake": ["daily_fleet_efficiency", "weekly_vehicle_losses", "daily_vehicle_costs"],
    }
    result = check(tmp_path)
    assert "This reaches 3 exposures:" in result.stderr
    assert (
        "day_figures (Dagster, the asset day_report; owned by analytics) reads daily_fleet_efficiency" in result.stdout
    )
    # What is made from it and is not rebuilt beside it may differ, for all that is known.
    alone = json.loads(check(tmp_path, "--json", "-s", "daily_vehicle_efficiency").stdout)["exposures"]
    below = [CATALOG.models[each] for each in CATALOG.with_downstream(["daily_vehicle_efficiency"])]
    marts = [each.name for each in below if (each.layer, each.kind) == ("marts", "sql")]
    assert {each["name"]: set(each["datasets"]) for each in alone} == {
        "day_figures": {"daily_fleet_efficiency"},
        "loss_report": {"daily_fleet_efficiency"},
        "open_lake": set(marts),
    }


def test_what_is_selected_reads_the_rest_as_it_is_published(lake: HandMadeLake, tmp_path: Path, edit: Edit) -> None:
    edit(DAILY, "0.90 AS target_ratio", "0.96 AS target_ratio")
    assert {name: each["isSame"] for name, each in effects(tmp_path, "-s", "layer:marts").items()} == dict.fromkeys(
        (each.name for each in CATALOG.in_order() if (each.layer, each.kind) == ("marts", "sql")), True
    )
    changed = effects(tmp_path, "-s", "daily_vehicle_efficiency", "-s", "daily_fleet_efficiency")
    assert {name: each["isSame"] for name, each in changed.items()} == {
        "daily_vehicle_efficiency": False,
        "daily_fleet_efficiency": False,
    }


def test_a_metric_that_is_computed_by_another_formula_is_a_failure(
    lake: HandMadeLake, tmp_path: Path, edit: Edit
) -> None:
    edit(DAILY, "0.90 AS target_ratio", "0.96 AS target_ratio")
    result = check(tmp_path, "-s", "daily_vehicle_efficiency")
    assert result.exit_code == 1
    assert "lost_against_target_kwh of daily_vehicle_efficiency is greatest(0, ac_kwh - dc_kwh / 0.90)" in result.stdout


def test_the_change_is_a_table_for_people(lake: HandMadeLake, tmp_path: Path, edit: Edit) -> None:
    edit(
        DAILY,
        "    rated.mapped_hours,\n",
        "    rated.ac_kwh - rated.dc_kwh AS missing_kwh,\n    rated.mapped_hours,\n",
    )
    before = "[daily_vehicle_efficiency.columns]\n"
    declared = 'missing_kwh = { type = "DOUBLE", description = "AC less DC, kWh." }\n'
    edit("models/rollups/models.toml", before, before + declared)
    result = check(tmp_path)
    assert result.exit_code == 0
    assert "daily_vehicle_efficiency 3 3 0 0 0 new: missing_kwh" in lines(result)
    assert "missing_kwh none -> DOUBLE 4.8" in lines(result)
    assert "1 differs from what is published" in result.stderr


@pytest.mark.long
def test_rows_that_vanish_are_seen_and_the_checks_that_would_fail(
    lake: HandMadeLake, tmp_path: Path, edit: Edit
) -> None:
    edit(
        DAILY, "vehicles.day = getvariable('day')\n", "vehicles.day = getvariable('day')\nWHERE rated.vehicle_id > 1\n"
    )
    found = effects(tmp_path)["daily_vehicle_efficiency"]
    assert (found["rowsBefore"], found["rowsAfter"], found["keysOnlyBefore"], found["keysOnlyAfter"]) == (3, 2, 1, 0)
    assert (
        columns(found)["ac_kwh"] | {"rowsChanged": 0, "sumBefore": 30.0, "sumAfter": 20.0} == columns(found)["ac_kwh"]
    )
    assert [each["name"] for each in found["failedChecks"]] == ["hours_add_up_to_the_day"]
    result = check(tmp_path)
    assert result.exit_code == 1
    assert "hours_add_up_to_the_day.sql:1: 1 row violates: Each vehicle's hours add up to its day" in result.stdout
    assert "energy_is_somebodys.sql:1:" in result.stdout  # what the vanished vehicle drew is nobody's now
    assert "2 checks failed on what would be published" in result.stderr


def test_a_model_that_is_not_published_yet_is_new(lake: HandMadeLake, tmp_path: Path) -> None:
    shutil.rmtree(lake.lake.root / "low_efficiency_days")
    lake.describe()
    result = check(tmp_path)
    assert result.exit_code == 0
    assert "low_efficiency_days none 1 not published yet" in lines(result)
    assert effects(tmp_path)["low_efficiency_days"]["rowsAfter"] == 1


def test_a_model_whose_input_the_day_does_not_have_is_not_built(lake: HandMadeLake, tmp_path: Path) -> None:
    newest_file(lake.lake, "flagged_steps", DAY).unlink()
    lake.describe()
    found = effects(tmp_path)
    assert found["reading_gaps"] == {
        "name": "reading_gaps",
        "missing": ["flagged_steps"],
        "isSame": False,
        "rowsAfter": None,
        "failedChecks": [],
    }
    result = check(tmp_path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"reading_gaps was not built: {DAY} has no flagged_steps" in result.stderr


def test_without_a_lake_only_the_text_is_checked(tmp_path: Path) -> None:
    result = check(tmp_path / "nothing")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "is empty: there is nothing to compare with" in result.stderr
    assert json.loads(check(tmp_path / "nothing", "--json").stdout) == {
        "problems": [],
        "day": None,
        "publishedChecks": [],
        "models": [],
        "exposures": [],
        "unitTests": [],
    }
    assert not (tmp_path / "nothing").exists()


def test_a_day_that_was_asked_for_is_compared(lake: HandMadeLake, tmp_path: Path) -> None:
    """Its published numbers are checked, too: here the readings behind them are missing."""
    said = json.loads(check(tmp_path, "--day", str(DAY), "--json").stdout)
    failed = {each["name"]: each for each in said["publishedChecks"] if each["failingRows"]}
    assert failed.keys() == {"every_reading_is_counted", "hourly_energy_is_conserved"}
    assert failed["every_reading_is_counted"]["model"] == "hourly_energy"
    assert len(said["models"]) == SQL_MODELS


def test_problems_of_the_text_are_json_too(tmp_path: Path, edit: Edit) -> None:
    edit(DAILY, "FROM hourly_vehicle_efficiency", "FROM hourly_vehicle_eficiency")
    result = check(tmp_path, "--json")
    assert result.exit_code == 1
    problems = json.loads(result.stdout)["problems"]
    said = [(each["path"], each["message"]) for each in problems if each["line"] > 1]
    unknown = "hourly_vehicle_eficiency does not exist; did you mean hourly_vehicle_efficiency?"
    assert (f"dbt_like_sql/{DAILY}", unknown) in said


def test_the_newest_whole_day_is_one_that_every_known_dataset_has(lake: HandMadeLake, tmp_path: Path) -> None:
    assert newest_whole_day(folder_snapshot(Lake(tmp_path / "nothing")), CATALOG) is None
    assert newest_whole_day(lake.snapshot, CATALOG) == DAY
    lake.write(DAY + timedelta(days=1))  # exported, its models not built yet
    assert newest_whole_day(lake.snapshot, CATALOG) == DAY
    lake.build(day=DAY + timedelta(days=1))
    assert newest_whole_day(lake.snapshot, CATALOG) == DAY + timedelta(days=1)
