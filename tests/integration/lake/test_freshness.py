"""``fleetwatt models freshness``: how new the data of each source is, beside what it may be."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

from dbt_like_sql.model import Freshness
from orchestration.cli.models.commands import models
from orchestration.cli.models.freshness import in_words
from tests.integration.lake.hand_made_lake import CATALOG
from warehouse.contract.partitions import midnight
from warehouse.lake.pages.site import write_pages
from warehouse.postgres.ledger import day_ledger
from warehouse.postgres.ledger.lake_files import publish_file, release_day
from warehouse.postgres.ledger.source_freshness import Level, SourceFreshness, source_freshness

app = typer.Typer(rich_markup_mode=None)
app.add_typer(models, name="models")
NOW = datetime.now(UTC)
DAY = NOW.date() - timedelta(days=4)
DECLARED = [model for model in CATALOG.in_order() if model.freshness]


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch, connection: psycopg.Connection) -> psycopg.Connection:
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)
    return connection


def freshness(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", "freshness", "--home", str(home), *arguments])


def read_at(connection: psycopg.Connection, ts: datetime) -> None:
    """The newest reading of a meter and of a vehicle, and the newest day of the devices."""
    for kind in ("meter", "vehicle"):
        connection.execute(f"INSERT INTO {kind}s (external_id) VALUES ('one')")
        connection.execute(
            f"INSERT INTO {kind}_latest ({kind}_id, ts, kwh, received_at) SELECT {kind}_id, %s, 1, now() FROM {kind}s",
            [ts],
        )
    for name in ("meters", "vehicles", "vehicle_meter_map"):
        connection.execute(
            "INSERT INTO lake_files (dataset, day, version, size_bytes, row_count, published_at)"
            " VALUES (%s, '2026-02-08', 1, 5000, 1, %s)",
            [name, ts],
        )


def test_where_nothing_came_yet_that_is_an_error(database: psycopg.Connection, tmp_path: Path) -> None:
    result = freshness(tmp_path)
    assert result.exit_code == 1
    assert result.stdout.count("nothing yet") == len(DECLARED)


@pytest.mark.parametrize(
    ("age_hours", "levels", "code"),
    [
        (0.5, {"meter_readings": "pass", "vehicle_readings": "pass", "meters": "pass"}, 0),
        (12, {"meter_readings": "warn", "vehicle_readings": "warn", "meters": "pass"}, 0),
        (40, {"meter_readings": "error", "vehicle_readings": "error", "meters": "warn"}, 1),
    ],
)
def test_an_age_passes_warns_or_is_an_error(
    database: psycopg.Connection, tmp_path: Path, age_hours: float, levels: dict[str, str], code: int
) -> None:
    read_at(database, NOW - timedelta(hours=age_hours))
    result = freshness(tmp_path, "--json")
    assert result.exit_code == code
    said = {each["name"]: each for each in json.loads(result.stdout)}
    assert said.keys() == {model.name for model in DECLARED}
    assert {name: said[name]["level"] for name in levels} == levels
    assert said["meters"]["newest_at"] == (NOW - timedelta(hours=age_hours)).isoformat()
    assert (said["meters"]["warn_after_hours"], said["meters"]["error_after_hours"]) == (30, 54)


def test_while_the_first_day_is_on_its_way_nothing_yet_only_warns(database: psycopg.Connection, tmp_path: Path) -> None:
    for kind in ("meter", "vehicle"):
        database.execute(f"INSERT INTO {kind}s (external_id) VALUES ('one')")
        columns = f"({kind}_id, ts, kwh, received_at)"
        database.execute(f"INSERT INTO {kind}_latest {columns} SELECT {kind}_id, now(), 1, now() FROM {kind}s")
    none_closed = freshness(tmp_path, "-s", "vehicles")
    assert (none_closed.exit_code, "nothing yet: no day with readings is closed yet" in none_closed.stdout) == (0, True)

    database.execute("INSERT INTO meter_readings VALUES (%s, 1, 1, NULL)", [midnight(DAY)])
    forgotten = freshness(tmp_path, "-s", "vehicles")
    assert forgotten.exit_code == 1
    assert f"nothing yet: {DAY} is closed, and nobody began to export it" in forgotten.stdout

    day_ledger.seal(database, DAY)
    publish_file(database, "meters", DAY, version=1, sha256=b"", size_bytes=5000, row_count=1)
    (under_way,) = json.loads(freshness(tmp_path, "-s", "vehicles", "--json").stdout)
    assert (under_way["level"], under_way["first_day"]) == ("warn", f"{DAY} is under way")
    page = write_pages(
        CATALOG, {}, "No counts.", tmp_path, fresh=source_freshness(database, DECLARED, datetime.now(UTC))
    )
    said = f'warn: <span class="name">vehicles</span> has nothing yet: {DAY} is under way'
    assert said in page.read_text(encoding="utf-8")

    release_day(database, DAY)
    lacking = freshness(tmp_path, "-s", "vehicles")
    assert lacking.exit_code == 1, "the day is there, and the source is not"


def test_what_is_stale_is_on_the_first_page(database: psycopg.Connection, tmp_path: Path) -> None:
    read_at(database, NOW - timedelta(hours=12))
    found = source_freshness(database, DECLARED, NOW)
    page = write_pages(CATALOG, {}, "No counts.", tmp_path, fresh=found).read_text(encoding="utf-8")
    assert "<h2>Stale</h2>" in page
    assert 'warn: <span class="name">meter_readings</span>' in page
    assert 'warn: <span class="name">meters</span>' not in page
    fresh = [each for each in found if each.level is Level.PASS]
    assert "Stale" not in write_pages(CATALOG, {}, "No counts.", tmp_path, fresh=fresh).read_text(encoding="utf-8")


def test_only_what_is_selected_is_looked_at(database: psycopg.Connection, tmp_path: Path) -> None:
    said = json.loads(freshness(tmp_path, "--json", "-s", "meters", "-s", "devices").stdout)
    assert [each["name"] for each in said] == ["meters"]
    empty = freshness(tmp_path, "-s", "devices")
    assert (empty.exit_code, empty.stdout) == (4, "")
    assert "no dataset with a freshness is selected by devices" in empty.stderr


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (59, "59 s"), (120, "2 min"), (3600, "1 h"), (108_000, "30 h"), (259_200, "3 d")],
)
def test_an_age_is_said_in_its_unit(seconds: float, said: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == said


def test_the_limits_themselves_are_allowed() -> None:
    allowed = Freshness(1, 24)
    levels = [
        SourceFreshness("meters", NOW - age, age, allowed).level
        for age in (timedelta(hours=1), timedelta(hours=1, seconds=1), timedelta(hours=24), timedelta(hours=25))
    ]
    assert levels == [Level.PASS, Level.WARN, Level.WARN, Level.ERROR]
