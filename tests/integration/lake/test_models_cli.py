"""``fleetwatt models``: the catalog for people, and the check of its text and of a day's numbers."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

from dbt_like_sql.catalog import Catalog
from orchestration.cli.models.commands import models
from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake, at
from tests.lake_folder import days_of, newest_file
from tests.unit.dbt_like_sql.small_catalog import GROWTH, STAGING, write_catalog
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.lake.publish import DamagedFileError, publish
from warehouse.postgres.connection import connect

app = typer.Typer(rich_markup_mode=None)
app.add_typer(models, name="models")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments])


def test_the_list_has_every_dataset_in_order() -> None:
    listed = json.loads(run("list", "--json").stdout)
    assert [each["name"] for each in listed] == [model.name for model in CATALOG.in_order()]
    table = run("list").stdout
    assert all(model.name in table and model.grain in table for model in CATALOG.in_order())


def test_the_list_has_what_is_selected_in_order() -> None:
    listed = json.loads(run("list", "--json", "-s", "+devices", "-s", "layer:staging").stdout)
    assert [each["name"] for each in listed] == ["meters", "vehicles", "devices", "mapped_devices", "tariffs"]
    unknown = run("list", "-s", "layer:mart")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "no layer is called mart; did you mean marts?" in unknown.stderr


@pytest.mark.parametrize("command", ["list", "lineage", "check", "docs"])
def test_an_empty_selection_is_said_and_has_its_exit_code(command: str, tmp_path: Path) -> None:
    empty = run(command, "-s", "layer:staging,layer:marts", "--home", str(tmp_path))
    assert (empty.exit_code, empty.stdout) == (4, "")
    assert "no dataset is selected by layer:staging,layer:marts" in empty.stderr
    assert not list(tmp_path.iterdir())


def test_what_was_modified_is_not_known_where_no_ledger_runs(tmp_path: Path) -> None:
    result = run("list", "-s", "state:modified", "--home", str(tmp_path))
    assert isinstance(result.exception, DatabaseUnavailableError)


def test_show_says_what_it_is_and_where_each_column_comes_from() -> None:
    shown = run("show", "low_efficiency_days").stdout
    for part in (
        "rule A0",
        "one row per vehicle below the threshold",
        "dbt_like_sql/models/marts/low_efficiency_days.sql",
        "daily_vehicle_efficiency.efficiency_ratio",
        "VARCHAR[]",
        "no two rows of low_efficiency_days have the same vehicle_id",
    ):
        assert part in shown
    said = json.loads(run("show", "low_efficiency_days", "--json").stdout)
    assert (said["dependsOn"], said["lookbackDays"]) == (["daily_vehicle_efficiency"], 0)
    assert said["columns"][0]["from"] == [["daily_vehicle_efficiency", "vehicle_id"]]


def test_show_gives_the_select_alone() -> None:
    model = CATALOG.models["reading_gaps"]
    assert run("show", "reading_gaps", "--sql").stdout == f"{model.sql}\n"
    refused = run("show", "hourly_energy", "--sql")
    assert refused.exit_code == 2
    assert "made by the energy rule" in refused.stderr


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    refused = run("show", "device")
    assert refused.exit_code == 2
    assert "did you mean devices?" in refused.stderr


def test_lineage_goes_back_to_the_exports() -> None:
    tree = run("lineage", "low_efficiency_days").stdout
    assert tree.startswith("low_efficiency_days (SQL)")
    assert "meter_readings (export)" in tree
    assert tree.count("hourly_energy (energy rule)\n") == 1
    assert tree.count("hourly_energy (energy rule), see above") == 1


def test_lineage_of_a_dataset_ends_at_the_tables_of_postgres() -> None:
    lines = [line.strip("│├└─ ") for line in run("lineage", "hourly_energy").stdout.splitlines()]
    assert {each.removeprefix("PostgreSQL: ") for each in lines if each.startswith("PostgreSQL: ")} == {
        "meter_readings",
        "vehicle_readings",
        "meters",
        "vehicles",
        "vehicle_meter_map",
    }


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_show_names_every_source_however_narrow(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = run("show", "daily_vehicle_efficiency").stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)
    shown = "".join(line.strip().strip("│").strip() for line in lines)
    assert "…" not in shown
    for sources in CATALOG.models["daily_vehicle_efficiency"].column_lineage.values():
        assert all(f"{source.dataset}.{source.column}" in shown for source in sources)


def test_lineage_of_a_selection_stays_within_it() -> None:
    tree = run("lineage", "-s", "hourly_vehicle_efficiency+,2+efficiency_distribution", "-s", "mapped_devices").stdout
    assert [line.strip("│├└─ ") for line in tree.splitlines()] == [
        "efficiency_distribution (SQL)",
        "daily_vehicle_efficiency (SQL)",
        "hourly_vehicle_efficiency (SQL)",
        "mapped_devices (SQL)",
        "mapped_devices (SQL)",
    ]
    for wrong in ((), ("devices", "-s", "devices"), ("-s", "devices", "--column", "kind")):
        assert run("lineage", *wrong).exit_code == 2


def test_lineage_of_a_column_goes_back_to_what_it_is_computed_from() -> None:
    tree = run("lineage", "daily_fleet_efficiency", "--column", "ac_kwh").stdout
    lines = [line.strip("│├└─ ") for line in tree.splitlines()]
    assert lines[:7] == [
        "daily_fleet_efficiency.ac_kwh",
        "daily_vehicle_efficiency.ac_kwh",
        "hourly_vehicle_efficiency.ac_kwh",
        "hourly_energy.energy_kwh (energy rule)",
        "carried_samples.kwh (export)",
        "meter_readings.kwh (export)",
        "PostgreSQL: meter_readings.kwh",
    ]
    assert "vehicle_readings.kwh (export), see above" in lines
    assert "a constant, the day, or a count of rows" in run("lineage", "low_efficiency_days", "--column", "rule").stdout
    assert "it has kind, device_id" in run("lineage", "reading_gaps", "--column", "x").stderr


def test_the_models_as_they_are_pass_the_check(tmp_path: Path) -> None:
    result = run("check", "--home", str(tmp_path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"{len(CATALOG.models)} datasets and" in result.stderr


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (GROWTH.replace("FROM of_day", "FROM off_day"), "small/models/staging/growth.sql:13: off_day does not exist"),
        (GROWTH.replace("max(kwh)", "max(ts)"), "small/models/staging/growth.sql:12: unknown column ts"),
        (
            GROWTH.replace("max(kwh)", "maxx(kwh)"),
            "small/models/staging/growth.sql:12: no function is called maxx; did you mean max?",
        ),
        (
            GROWTH.replace("max(kwh) - min(kwh)", "count(*)"),
            "small/models/staging/growth.sql:12: column grown_kwh is BIGINT, and declared as INTEGER",
        ),
    ],
)
def test_what_is_wrong_is_listed_with_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str, expected: str
) -> None:
    catalog_of = Catalog.load
    changes: dict[str, str | None] = {"models/staging/growth.sql": sql}
    if "count(*)" in sql:
        changes["models/staging/models.toml"] = STAGING.replace("DOUBLE", "INTEGER")
    folder = write_catalog(tmp_path, changes)
    monkeypatch.setattr(Catalog, "load", lambda: catalog_of(folder))
    result = run("check", "--home", str(tmp_path))
    assert result.exit_code == 1
    assert result.stdout.startswith(expected)
    assert "1 problem in the models" in result.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> HandMadeLake:
    lake = HandMadeLake(tmp_path_factory.mktemp("built") / "lake")
    lake.pairs(1)
    lake.add("meter_readings", meter_id=1, ts=at("08:00"), kwh=100.0)
    lake.add("device_last", kind="meter", device_id=1, ts=at("08:00"), kwh=100.0)
    lake.energy("meter", 1, 8, 0.0, reading_count=1)
    lake.write()
    lake.build()
    return lake


@pytest.fixture
def lake(built: HandMadeLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandMadeLake:
    """The models have no unit tests here: they are run ahead of a day's checks, and take longer."""
    catalog = replace(CATALOG, folder=tmp_path / "no_unit_tests")
    monkeypatch.setattr(Catalog, "load", lambda: catalog)
    return built.copy(tmp_path / "lake")


def test_the_numbers_of_a_day_are_checked(lake: HandMadeLake, tmp_path: Path) -> None:
    right = run("check", "--day", "2026-02-08", "--home", str(tmp_path))
    assert (right.exit_code, right.stdout) == (0, "")
    assert f"checks of {len(CATALOG.models)} datasets, 0 failed" in right.stderr
    lake.change("hourly_energy", "SELECT * REPLACE (5.0::DOUBLE AS energy_kwh) FROM file")
    wrong = run("check", "--day", "2026-02-08", "--home", str(tmp_path))
    assert wrong.exit_code == 1
    assert "1 row violates: Each device's hours add up to what its register shows" in wrong.stdout
    assert "kind = meter, device_id = 1, booked_kwh = 5.0, expected_kwh = 0.0" in wrong.stdout


def test_the_numbers_of_what_is_selected_are_checked(lake: HandMadeLake, tmp_path: Path) -> None:
    lake.change("hourly_energy", "SELECT * REPLACE (5.0::DOUBLE AS energy_kwh) FROM file")
    arguments = ("check", "--day", "2026-02-08", "--home", str(tmp_path), "-s")
    others = run(*arguments, "layer:staging")
    assert (others.exit_code, others.stdout) == (0, "")
    assert "checks of 3 datasets, 0 failed" in others.stderr
    assert "3 SQL models rebuilt" in others.stderr
    assert run(*arguments, "hourly_energy").exit_code == 1


def test_a_check_that_only_warns_is_shown_and_is_no_failure(lake: HandMadeLake, tmp_path: Path) -> None:
    lake.change("daily_vehicle_costs", "SELECT * REPLACE (NULL::VARCHAR AS currency) FROM file")
    arguments = ("check", "--day", "2026-02-08", "--home", str(tmp_path), "-s", "daily_vehicle_costs")
    warned = run(*arguments)
    assert warned.exit_code == 0
    assert "warning: " in warned.stdout
    assert "price_per_kwh, currency of daily_vehicle_costs are never null" in warned.stdout
    assert "checks of 1 dataset, 0 failed, 1 warns" in warned.stderr
    (said,) = [each for each in json.loads(run(*arguments, "--json").stdout)["publishedChecks"] if each["failingRows"]]
    assert (said["name"], said["severity"]) == ("not_null_price_per_kwh_currency", "warn")


def test_a_day_that_is_not_there_is_told(lake: HandMadeLake, tmp_path: Path) -> None:
    result = run("check", "--day", "2026-02-09", "--home", str(tmp_path))
    assert result.exit_code == 1
    assert "has nothing of 2026-02-09: fleetwatt run-day 2026-02-09" in result.stderr


def test_the_docs_are_written_without_a_database(tmp_path: Path) -> None:
    result = run("docs", "--home", str(tmp_path / "nothing"), "--output", str(tmp_path / "pages"))
    assert result.exit_code == 0
    assert result.stdout == f"{(tmp_path / 'pages' / 'index.html').as_uri()}\n"
    assert f"{len(CATALOG.models)} datasets written. No row counts: no server runs in" in result.stderr
    assert not (tmp_path / "nothing").exists()


def test_the_first_page_shows_what_is_selected(tmp_path: Path) -> None:
    assert run("docs", "-s", "+reading_gaps", "--output", str(tmp_path), "--home", str(tmp_path)).exit_code == 0
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert {name for name in CATALOG.models if f"{name}.html" in index} == {
        *CATALOG.upstream("reading_gaps"),
        "reading_gaps",
    }
    assert (tmp_path / "daily_fleet_efficiency.html").exists()


def test_the_docs_say_what_the_ledger_has(
    database_url: str, connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    empty = run("docs", "--home", str(tmp_path))
    assert "No row counts: no day is in the lake yet" in empty.stderr
    connection.execute(
        "INSERT INTO lake_files (dataset, day, version, size_bytes, row_count, published_at)"
        " VALUES ('meters', '2026-02-08', 2, 5000, 1234, '2026-02-09 02:03Z'),"
        " ('vehicles', '2026-02-08', 1, 5000, 1, '2026-02-09 02:03Z')"
    )
    result = run("docs", "--home", str(tmp_path))
    assert result.stdout == f"{(tmp_path / 'docs' / 'index.html').as_uri()}\n"
    assert "datasets written. Row counts are for 2026-02-08." in result.stderr
    page = (tmp_path / "docs" / "meters.html").read_text(encoding="utf-8")
    assert "2026-02-08: 1,234 rows, 5.0 kB, version 2, published 2026-02-09 02:03 UTC" in page
    assert "2026-02-08: 1 row, 5.0 kB" in (tmp_path / "docs" / "vehicles.html").read_text(encoding="utf-8")
    assert ">1 row<" in (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")


def test_docs_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("docs", "--home", str(tmp_path), "--output", str(tmp_path / "file"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_a_file_that_is_not_what_was_published_is_not_compared_with(
    lake: HandMadeLake, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database_url) as connection:
        for name in Catalog.load().models:
            if days_of(lake.lake, name):
                with lake.lake.aside(name, DAY) as written:
                    shutil.copy(newest_file(lake.lake, name, DAY), written)
                    publish(connection, lake.lake, name, DAY, written, 1)
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    arguments = ("check", "--home", str(tmp_path))
    assert run(*arguments).exit_code == 0
    file = newest_file(lake.lake, "hourly_energy", DAY)
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert isinstance(run(*arguments).exception, DamagedFileError)
    assert not isinstance(run(*arguments, "--unverified").exception, DamagedFileError)
