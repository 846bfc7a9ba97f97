"""``fleetwatt query``: what it answers, in which form, and what it says when it cannot."""

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
import typer
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner, Result

from orchestration.cli.query import QueryError, query
from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake, at
from tests.lake_folder import days_of, newest_file
from warehouse.contract.errors import DatabaseUnavailableError, SchemaOutdatedError
from warehouse.lake.publish import DamagedFileError, publish
from warehouse.lake.snapshot import ForgottenVersionError
from warehouse.lake.storage.lake import Lake
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.lake_files import release_day

app = typer.Typer(rich_markup_mode=None)
app.command()(query)

ASKED = (
    "SELECT vehicle_external_id, meter_external_ids, ac_kwh, efficiency_ratio FROM daily_vehicle_efficiency ORDER BY 1"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    lake = HandMadeLake(home / "lake")
    lake.pairs(1, 2)
    lake.energy("meter", 1, 8, 10.0)
    lake.energy("vehicle", 1, 8, 9.0)
    lake.write()
    lake.build()
    return home


def ask(home: Path, *arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(app, [*arguments, "--home", str(home)], **options)


def refusal(home: Path, *arguments: str) -> str:
    result = ask(home, *arguments)
    assert isinstance(result.exception, QueryError)
    return result.exception.detail


def test_a_table_shows_missing_as_null_and_numbers_without_noise(home: Path) -> None:
    result = ask(home, ASKED)
    assert result.exit_code == 0
    cells = [
        [cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")] for line in result.stdout.splitlines()
    ]
    assert ["vehicle-1", "meter-1", "10", "0.9"] in cells
    assert ["vehicle-2", "meter-2", "null", "null"] in cells


def test_csv(home: Path) -> None:
    result = ask(home, f"{ASKED};", "--format", "csv")
    assert list(csv.reader(io.StringIO(result.stdout)))[:2] == [
        ["vehicle_external_id", "meter_external_ids", "ac_kwh", "efficiency_ratio"],
        ["vehicle-1", "[meter-1]", "10.0", "0.9"],
    ]


NOISE = "SELECT 0.12099999999918509::DOUBLE AS n, 1e-12::DOUBLE AS small, 123456789.123456789::DOUBLE AS n, 'x' AS x"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_numbers_for_programs_have_nine_decimals_unless_they_are_to_be_exact(home: Path, form: str) -> None:
    text = ask(home, NOISE, "--format", form).stdout
    assert "0.121" in text
    assert "0.1209" not in text
    assert "1e-12" in text
    assert "123456789.12345679" in text
    assert "0.12099999999918509" in ask(home, NOISE, "--format", form, "--exact").stdout


def test_parquet_has_numbers_as_they_are(home: Path, tmp_path: Path) -> None:
    ask(home, NOISE.replace("123456789.123456789::DOUBLE AS n,", ""), "--output", str(tmp_path / "rows.parquet"))
    assert pl.read_parquet(tmp_path / "rows.parquet")["n"].to_list() == [0.12099999999918509]


def test_json_has_instants_with_their_offset(home: Path) -> None:
    early = "vehicle_id = 1 AND hour(hour) IN (7, 8)"
    sql = f"SELECT hour, ac_kwh, day, is_shared FROM hourly_vehicle_efficiency WHERE {early}"
    result = ask(home, sql, "--format", "json")
    assert json.loads(result.stdout) == [
        {"hour": "2026-02-08T07:00:00.000000Z", "ac_kwh": None, "day": "2026-02-08", "is_shared": False},
        {"hour": "2026-02-08T08:00:00.000000Z", "ac_kwh": 10.0, "day": "2026-02-08", "is_shared": False},
    ]


def test_a_file_is_of_the_form_that_its_name_says(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "it's here.parquet"
    result = ask(home, "SELECT hour, ac_kwh FROM hourly_vehicle_efficiency ORDER BY ALL", "--output", str(target))
    assert (result.exit_code, result.stdout) == (0, "")
    rows = pl.read_parquet(target)
    assert rows.height == 48
    assert rows["hour"][0] == at("00:00")
    ask(home, ASKED, "--output", str(tmp_path / "rows.json"))
    assert len(json.loads((tmp_path / "rows.json").read_text())) == 2


def test_the_query_comes_from_stdin(home: Path) -> None:
    result = ask(
        home, "-", "--format", "csv", "--day", "2026-02-08", input="SELECT getvariable('day') AS day -- the day\n"
    )
    assert result.stdout == "day\n2026-02-08\n"


@pytest.mark.parametrize(
    "sql",
    ["FROM meters", "DESCRIBE meters", "SHOW TABLES", "SUMMARIZE meters", "VALUES (1)", "SELECT 'é' AS a; -- ;\n;"],
)
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_all_that_gives_rows_works_in_every_form(home: Path, sql: str, form: str) -> None:
    result = ask(home, sql, "--format", form)
    assert (result.exit_code, result.exception) == (0, None)
    assert result.stdout


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT 1; SELECT 2",
        "COPY meters TO 'x.csv'",
        "CREATE TABLE x (i INTEGER)",
        "INSERT INTO meters (meter_id) VALUES (1)",
        "DROP VIEW meters",
        "SET enable_external_access = true",
        "ATTACH 'x.duckdb'",
        "INSTALL httpfs",
    ],
)
def test_what_is_no_question_is_refused(home: Path, sql: str) -> None:
    assert refusal(home, sql).startswith("one SELECT, please")


def test_an_unknown_column_is_answered_with_the_nearest(home: Path) -> None:
    for sql in ("SELECT ac_kw FROM daily_fleet_efficiency", "SELECT f.ac_kw FROM daily_fleet_efficiency AS f"):
        said = refusal(home, sql)
        assert "did you mean ac_kwh?" in said
        assert "LINE 1" in said
        assert "fleetwatt models show NAME" in said


def test_an_unknown_dataset_is_answered_with_the_nearest(home: Path) -> None:
    said = refusal(home, "FROM daily_fleet_efficiencies")
    assert "Table with name daily_fleet_efficiencies does not exist; did you mean daily_fleet_efficiency?" in said


def test_a_syntax_error_shows_where(home: Path) -> None:
    assert "LINE 2" in refusal(home, "SELECT 1\nFORM meters WHERE 1 1")


def test_no_other_file_is_read_or_written(home: Path, tmp_path: Path) -> None:
    assert "Permission Error" in refusal(home, "FROM read_csv('/etc/passwd')")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_where_no_file_can_be_made_it_says_what_to_do(home: Path, tmp_path: Path, ending: str) -> None:
    missing = tmp_path / "no folder" / f"rows.{ending}"
    said = ask(home, "SELECT 1", "--output", str(missing))
    assert said.exit_code == 2
    words = " ".join(re.sub("[│╭╮╰╯─]", "", said.stderr).split())
    assert f"there is no folder {missing.parent}; make it first: mkdir -p '{missing.parent}'" in words
    (tmp_path / f"folder.{ending}").mkdir()
    folder = ask(home, "SELECT 1", "--output", str(tmp_path / f"folder.{ending}"))
    assert folder.exit_code == 2
    assert "is a folder" in folder.stderr


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_name_that_no_file_can_have_is_told(home: Path, tmp_path: Path, ending: str) -> None:
    said = ask(home, "SELECT 1", "--output", str(tmp_path / f"{'x' * 300}.{ending}"))
    assert said.exit_code == 2
    assert "File name too long" in said.stderr


def test_a_folder_that_takes_no_file_is_told(home: Path) -> None:
    said = ask(home, "SELECT 1", "--output", "/proc/rows.json")  # closed to root too
    assert said.exit_code == 2
    assert "--output" in said.stderr


INSTANT = "2026-02-08T07:00:00Z"


def cells(table: str) -> list[list[str]]:
    lines = [line.strip("│┃").replace("┃", "│") for line in table.splitlines() if line.startswith(("│", "┃"))]
    return [[cell.strip() for cell in line.split("│")] for line in lines]


def test_times_without_end_are_shown_as_such(home: Path) -> None:
    asked = f"""
        SELECT 'infinity'::DATE AS a, '-infinity'::TIMESTAMPTZ AS a, ['infinity'::TIMESTAMP] AS b,
            {{'x': 'infinity'::DATE}} AS c, DATE '9999-12-31' AS d, NULL::DATE AS e,
            'to infinity' AS f, TIMESTAMPTZ '{INSTANT}' AS g -- all
    """
    assert cells(ask(home, asked).stdout) == [
        ["a", "a", "b", "c", "d", "e", "f", "g"],
        [
            "infinity",
            "-infinity",
            "[infinity]",
            "{'x': infinity}",
            "9999-12-31",
            "null",
            "to infinity",
            INSTANT,
        ],
    ]


def test_a_table_with_times_keeps_its_order(home: Path) -> None:
    asked = "SELECT DATE '2026-01-01' + i::INT AS day FROM range(3000) AS r (i) ORDER BY day DESC"
    shown = [row[0] for row in cells(ask(home, asked).stdout)[1:]]
    assert len(shown) == 3000
    assert shown == sorted(shown, reverse=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "parquet"],
        ["--output", "rows.txt"],
        ["--output", "rows.csv", "--format", "table"],
        ["--limit", "-1"],
    ],
)
def test_options_that_cannot_be_meant_are_wrong_usage(home: Path, arguments: list[str]) -> None:
    assert ask(home, "SELECT 1", *arguments).exit_code == 2


def test_an_empty_lake_says_what_to_do(tmp_path: Path) -> None:
    result = ask(tmp_path, "FROM daily_fleet_efficiency", "--format", "csv")
    assert result.exit_code == 0
    assert result.stdout.startswith("metered_ac_kwh,")
    assert "no day has been exported yet" in result.stderr
    assert "fleetwatt run-day" in result.stderr
    assert not (tmp_path / "lake").exists()


def test_a_day_that_is_not_there_says_which_are(home: Path) -> None:
    result = ask(home, "FROM daily_fleet_efficiency", "--day", "2026-02-09")
    assert "nothing of 2026-02-09; it has 2026-02-08" in result.stderr
    assert "no rows" in result.stderr


def test_a_table_that_nobody_could_read_is_refused(home: Path) -> None:
    assert "--format csv" in refusal(home, "FROM range(100001)")


def test_the_help_shows_how_to_begin() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert 'fleetwatt query "FROM daily_fleet_efficiency' in result.stdout


@pytest.fixture
def published(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake of one file, in a home whose database has published it."""
    lake = Lake(tmp_path / "lake")
    source = HandMadeLake(tmp_path / "made")
    source.pairs(1)
    source.write()
    with connect(database_url) as connection, lake.aside("meters", DAY) as written:
        shutil.copy(newest_file(source.lake, "meters", DAY), written)
        publish(connection, lake, "meters", DAY, written, 1)
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    return lake


def test_a_file_that_was_changed_since_it_was_published_answers_nothing(published: Lake, tmp_path: Path) -> None:
    asked = "SELECT external_id FROM Meters"
    result = ask(tmp_path, asked)
    assert "meter-1" in result.stdout
    assert "ledger" not in result.stderr
    file = newest_file(published, "meters", DAY)
    content = bytearray(file.read_bytes())
    content[10] ^= 1
    file.write_bytes(content)
    assert isinstance(ask(tmp_path, asked).exception, DamagedFileError)
    assert ask(tmp_path, "SELECT count(*) FROM vehicles").exit_code == 0, "the file of another dataset is no matter"


def flip_unseen(path: Path, position: int) -> None:
    """Another bit, with the size and the time that the file had."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << position % 8
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_flipped_bit_never_gives_another_answer(published: Lake, tmp_path: Path) -> None:
    file = newest_file(published, "meters", DAY)
    answer = ask(tmp_path, "FROM meters", "--format", "csv").stdout
    size = file.stat().st_size
    for position in range(0, size, max(1, size // 20)):
        flip_unseen(file, position)
        result = ask(tmp_path, "FROM meters", "--format", "csv")
        assert isinstance(result.exception, DamagedFileError)
        assert result.stdout == ""
        flip_unseen(file, position)
    assert ask(tmp_path, "FROM meters", "--format", "csv").stdout == answer


def test_unverified_takes_what_is_there(published: Lake, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = HandMadeLake(tmp_path / "other")
    other.pairs(7)
    other.write()
    shutil.copy(newest_file(other.lake, "meters", DAY), newest_file(published, "meters", DAY))
    assert isinstance(ask(tmp_path, "FROM meters").exception, DamagedFileError)
    assert "meter-7" in ask(tmp_path, "FROM meters", "--unverified").stdout


@pytest.mark.parametrize(
    "trick",
    [
        "FROM query_table('met' || 'ers')",
        "FROM query('FROM met' || 'ers')",
        "FROM read_parquet('{lake}/met' || 'ers/*/*.parquet')",
        "FROM read_parquet('{lake}/*/*/*.parquet')",
        "SELECT content FROM read_blob('{lake}/*/*/*.parquet')",
    ],
)
@pytest.mark.parametrize("day", [[], ["--day", str(DAY)]], ids=["all days", "a day"])
def test_a_file_that_was_not_looked_at_is_not_read(published: Lake, tmp_path: Path, trick: str, day: list[str]) -> None:
    flip_unseen(newest_file(published, "meters", DAY), 100)
    result = ask(tmp_path, trick.replace("{lake}", str(published.root)), "--format", "csv", *day)
    assert isinstance(result.exception, QueryError)
    assert "Permission Error" in result.exception.detail


def test_an_earlier_state_is_asked_for_by_its_instant_or_its_release(
    published: Lake, tmp_path: Path, connection: psycopg.Connection
) -> None:
    release_day(connection, DAY)
    ((then,),) = connection.execute("SELECT clock_timestamp()").fetchall()
    source = HandMadeLake(tmp_path / "changed")
    source.pairs(1, 2)
    source.write()
    with published.aside("meters", DAY) as written:
        shutil.copy(newest_file(source.lake, "meters", DAY), written)
        publish(connection, published, "meters", DAY, written, 2)
    asked = ["SELECT count(*) AS n FROM meters", "--format", "csv"]
    assert ask(tmp_path, *asked).stdout == "n\n1\n", "until the day is done, its last build is seen"
    release_day(connection, DAY)
    assert ask(tmp_path, *asked).stdout == "n\n2\n"
    assert ask(tmp_path, *asked, "--as-of", then.isoformat()).stdout == "n\n1\n"
    assert ask(tmp_path, *asked, "--day", str(DAY), "--as-of", "1").stdout == "n\n1\n"
    assert ask(tmp_path, *asked, "--as-of", "2000-01-01").stdout == "n\n0\n"
    assert "still to come" not in ask(tmp_path, *asked, "--as-of", then.isoformat()).stderr
    ahead = ask(tmp_path, *asked, "--as-of", "2226-01-01")
    assert (ahead.stdout, ahead.stderr) == (
        "n\n2\n",
        "2226-01-01 00:00:00+0000 is still to come: this is what readers see now\n",
    )
    error = ask(tmp_path, *asked, "--day", str(DAY), "--as-of", "3").exception
    assert isinstance(error, ForgottenVersionError)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--as-of", "1"], "releases are a day's: say which with --day"),
        (["--as-of", "0"], "expected a release of the day, e.g. 3, or an instant"),
        (["--as-of", "yesterday"], "expected a release of the day, e.g. 3, or an instant"),
    ],
)
def test_an_earlier_state_that_cannot_be_meant_is_refused(home: Path, given: list[str], said: str) -> None:
    result = ask(home, ASKED, *given)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_an_earlier_state_takes_the_ledger(home: Path) -> None:
    assert isinstance(ask(home, ASKED, "--as-of", "2026-02-09").exception, DatabaseUnavailableError)


def test_without_the_database_that_has_the_ledger_the_list_of_files_in_the_lake_says_what_is_there(home: Path) -> None:
    result = ask(home, ASKED)
    assert result.exit_code == 0
    assert "the ledger was not asked" in result.stderr
    assert "files.json" in result.stderr


def test_a_database_without_a_ledger_says_what_to_do(
    published: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    assert days_of(published, "meters") == [DAY]
    monkeypatch.setenv("FLEET_DATABASE_URL", make_conninfo(database_url, dbname="postgres"))
    error = ask(tmp_path, "FROM meters").exception
    assert isinstance(error, SchemaOutdatedError)
    assert "fleetwatt migrate" in error.detail


WIDE = "SELECT " + ", ".join(f"'{'x' * 12}' AS column_{number}" for number in range(1, 20))


def test_columns_that_do_not_fit_are_left_out_in_the_middle(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = ask(home, WIDE)
    names = [cell.strip() for cell in result.stdout.splitlines()[1].strip("┃").split("┃")]
    assert names == ["column_1", "column_2", "column_3", "…", "column_18", "column_19"]
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "14 columns are left out, 80 characters are too few: --format vertical shows them all" in result.stderr


def test_vertical_shows_every_column_of_a_row(home: Path) -> None:
    rows = "SELECT 1 AS a, NULL AS longer UNION ALL SELECT 2, 0.5 ORDER BY a"
    lines = ask(home, rows, "--format", "vertical").stdout.splitlines()
    assert lines == ["row 1", "  a       1", "  longer  null", "row 2", "  a       2", "  longer  0.5"]


def test_a_lake_whose_folder_is_called_like_a_pattern_is_read_alone(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "[h]ome *")
    shutil.copytree(home, tmp_path / "home 2")
    question = "SELECT count(*) AS n FROM daily_vehicle_efficiency"
    found = ask(tmp_path / "[h]ome *", question, "--format", "csv")
    assert (found.exit_code, found.stdout) == (0, ask(home, question, "--format", "csv").stdout)


def test_a_dataset_that_was_never_built_for_a_day_is_said_to_be_missing(home: Path, tmp_path: Path) -> None:
    """An empty answer alone would read as: nobody lost anything."""
    new = tmp_path / "home"
    shutil.copytree(home, new)
    shutil.rmtree(new / "lake" / "weekly_vehicle_losses")
    HandMadeLake(new / "lake").describe()
    said = ask(new, "FROM weekly_vehicle_losses").stderr
    remark = "weekly_vehicle_losses was never built for 2026-02-08; its rows are missing here: fleetwatt models build"
    assert f"{remark} -s weekly_vehicle_losses --missing" in " ".join(said.split())
    assert "never built" not in ask(new, "FROM daily_vehicle_efficiency").stderr
    for model in CATALOG.models.values():
        if model.layer == "marts":
            shutil.rmtree(new / "lake" / model.name, ignore_errors=True)
    HandMadeLake(new / "lake").describe()
    assert "never built" not in ask(new, "FROM weekly_vehicle_losses").stderr, "the day is being built"
