"""``fleetwatt models build``: models of days that are built already, and what says that some are to be."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from dbt_like_sql.catalog import FOLDER, Catalog
from tests.conftest import fresh_database
from tests.integration.lake.copied_days import copy_of
from tests.integration.orchestration.conftest import FilledTemplate, Fleetwatt
from tests.integration.orchestration.dagster_days import FIRST, SECOND, Days
from warehouse.contract.errors import FleetwattError
from warehouse.lake.models import ModelFailedError
from warehouse.lifecycle.day_checks import CheckFailedError, DayChecks
from warehouse.lifecycle.day_releases import DayReleases
from warehouse.postgres.connection import connect

NAME = "weekly_vehicle_losses"


@pytest.fixture(scope="module")
def built(server_url: str, filled_template: FilledTemplate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    """Two days that were built before the model was there; each test goes on with a copy."""
    with fresh_database(server_url, filled_template(FIRST, SECOND)) as url:
        days = Days(url, tmp_path_factory.mktemp("built"))
        for day in (FIRST, SECOND):
            days.pipeline.run(day)
        with connect(url) as connection:
            for table in ("lake_files", "lake_release_files", "lake_file_versions"):
                connection.execute(SQL("DELETE FROM {} WHERE dataset = %s").format(Identifier(table)), [NAME])
        for file in (days.home / "lake" / NAME).glob("day=*/*"):
            file.unlink()
        yield days


@pytest.fixture
def days(built: Days, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    with copy_of(built.pipeline, server_url, tmp_path) as copy:
        monkeypatch.setenv("FLEET_DATABASE_URL", copy.url)
        monkeypatch.setenv("FLEET_HOME", str(tmp_path))
        yield Days(copy.url, tmp_path)


def test_a_new_model_is_missed_and_built_for_every_day_that_lacks_it(days: Days, fleetwatt: Fleetwatt) -> None:
    remark = f"2 days lack {NAME}, the first is {FIRST}: fleetwatt models build -s {NAME} --missing"
    assert remark in fleetwatt("status").out
    assert json.loads(fleetwatt("status", "--json").out)["laggingModels"] == [
        {"day": str(day), "dataset": NAME, "why": "missing"} for day in (FIRST, SECOND)
    ]
    built = fleetwatt("models", "build", "-s", NAME, "--missing")
    assert built.code == 0
    lines = built.err.splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == [str(FIRST), str(SECOND)]
    assert all(f": {NAME}: 3 rows, " in line and line.endswith("version 1") for line in lines[:2])
    assert lines[2:] == ["2 days built"]
    assert NAME not in fleetwatt("status").out
    counted = fleetwatt("query", f"SELECT day, count(*) AS n FROM {NAME} GROUP BY day ORDER BY day", "--format", "json")
    assert json.loads(counted.out) == [{"day": str(day), "n": 3} for day in (FIRST, SECOND)]
    again = fleetwatt("models", "build", "--missing")
    assert (again.code, again.err.splitlines()[-1]) == (0, "nothing to do: every built day has them as they are")


def test_days_are_built_again_with_what_is_made_from_the_model(days: Days, fleetwatt: Fleetwatt) -> None:
    ended = fleetwatt("models", "build", "-s", "daily_vehicle_efficiency", "--days", f"2000-01-01..{FIRST}")
    assert ended.code == 0
    assert "of these are not built, the first is 2000-01-01: left out" in ended.err
    made = {line.split(": ")[1] for line in ended.err.splitlines() if line.startswith(f"{FIRST}: ")}
    assert {"daily_vehicle_efficiency", "daily_fleet_efficiency", NAME} <= made
    assert "hourly_vehicle_efficiency" not in made


def test_what_was_modified_is_selected_and_built(
    days: Days, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listed = fleetwatt("models", "list", "--json", "-s", "state:modified")
    assert [each["name"] for each in json.loads(listed.out)] == [NAME]
    assert fleetwatt("models", "build", "-s", "state:modified", "--days", SECOND).code == 0
    empty = fleetwatt("models", "build", "-s", "state:modified", "--missing")
    assert (empty.code, empty.err.splitlines()) == (4, ["no dataset is selected by state:modified"])
    folder = shutil.copytree(FOLDER, tmp_path / "dbt_like_sql", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "models/marts/low_efficiency_days.sql"
    file.write_text(file.read_text(encoding="utf-8").replace("'info' AS severity", "'warn' AS severity"), "utf-8")
    catalog_of = Catalog.load
    monkeypatch.setattr(Catalog, "load", lambda: catalog_of(folder))
    listed = fleetwatt("models", "list", "--json", "-s", "state:modified")
    assert [each["name"] for each in json.loads(listed.out)] == ["low_efficiency_days"]


def test_a_part_of_a_day_is_run_again_and_the_rest_left(days: Days, fleetwatt: Fleetwatt) -> None:
    ended = fleetwatt("run-day", FIRST, "-s", "+daily_fleet_efficiency,layer:marts")
    assert ended.code == 0
    lines = ended.err.splitlines()
    assert ": daily_fleet_efficiency: 1 row" in lines[0]
    others = len(Catalog.load().models) - 2  # it, and what a release writes
    assert lines[1] == f"{FIRST}: {others} other datasets are left as they are"
    expanded = fleetwatt("run-day", FIRST, "-s", "hourly_energy+1")
    assert expanded.err.startswith("3 selected datasets have no SELECT: left out\n")
    unbuilt = fleetwatt("run-day", "2026-01-01", "-s", NAME)
    assert (unbuilt.code, unbuilt.err.splitlines()) == (
        1,
        ["2026-01-01 is not built, so no part of it can be: fleetwatt run-day 2026-01-01"],
    )
    assert fleetwatt("run-day", FIRST, "-s", "layer:lake").code == 4


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_what_was_killed_before_readers_saw_it_is_still_missing(
    days: Days, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(DayReleases, "add", die)
        with pytest.raises(Killed):
            days.pipeline.build_models(FIRST, [NAME])
    said = f"1 day has a version that readers do not see of {NAME}, the first is {FIRST}: fleetwatt models build"
    assert said in fleetwatt("status").out
    assert fleetwatt("models", "build", "--missing").err.splitlines()[-1] == "2 days built"
    assert "readers do not see" not in fleetwatt("status").out
    counted = fleetwatt("query", f"SELECT count(*) AS n FROM {NAME} WHERE day = '{FIRST}'", "--format", "json")
    assert json.loads(counted.out) == [{"n": 3}]


@pytest.mark.parametrize("failure", [CheckFailedError, ModelFailedError])
def test_a_day_that_fails_holds_up_no_other_and_is_not_forgotten(
    days: Days, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch, failure: type[FleetwattError]
) -> None:
    """Its data may be such that a check fails, or that the model itself divides by what it should not."""
    check = DayChecks.require

    def fail(checks: DayChecks, dataset: str, day: date, *say: Callable[[str], None]) -> None:
        if (dataset, day) == (NAME, FIRST):
            raise failure(f"{dataset} of {day}: it is wrong")
        check(checks, dataset, day, *say)

    with monkeypatch.context() as patched:
        patched.setattr(DayChecks, "require", fail)
        for _ in range(2):
            ended = fleetwatt("models", "build", "--missing")
            assert ended.code == 1
            assert f"{failure('').title}: {NAME} of {FIRST}: it is wrong" in ended.err
        assert f"Some days are not built: 1 of 1, the first is {FIRST}; readers see what they saw" in ended.err
    counted = fleetwatt("query", f"SELECT day FROM {NAME} GROUP BY day", "--format", "json")
    assert json.loads(counted.out) == [{"day": str(SECOND)}]
    assert fleetwatt("models", "build", "--missing").code == 0


@pytest.mark.long
def test_a_day_that_was_partly_run_again_is_told(days: Days, fleetwatt: Fleetwatt) -> None:
    days.pipeline.run(SECOND)
    days.add_late_reading(SECOND)
    days.pipeline.run(SECOND)
    with connect(days.url) as connection:
        connection.execute("UPDATE vehicles SET max_power_kw = 77 WHERE external_id = 'veh-00001'")
    days.pipeline.export_table("vehicles", SECOND)
    said = f"1 day was only partly built again, beginning with vehicles, the first is {SECOND}: fleetwatt run-day"
    assert said in fleetwatt("status").out
    fleetwatt("models", "build", "--missing")
    assert said in fleetwatt("status").out
    days.pipeline.run(SECOND)
    assert "partly built" not in fleetwatt("status").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say which days: either --missing or --days FROM..TO"),
        (["--missing", "--days", "2026-02-08"], "say which days: either --missing or --days FROM..TO"),
        (["--days", "2026-02-08"], "name the models to build again with -s"),
        (["-s", "weekly_vehicle_loses", "--missing"], "did you mean weekly_vehicle_losses?"),
        (["-s", "hourly_energy", "--missing"], "hourly_energy has no SELECT; fleetwatt run-day makes it"),
        (["-s", "layer:mart", "--missing"], "no layer is called mart; did you mean marts?"),
        (["-s", NAME, "--days", "2026-02-09..2026-02-08"], "2026-02-09 is after 2026-02-08"),
        (["-s", NAME, "--days", "yesterday"], "expected a day (UTC) that there is, as YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_meant_is_refused(fleetwatt: Fleetwatt, arguments: list[str], said: str) -> None:
    ended = fleetwatt("models", "build", *arguments)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())
