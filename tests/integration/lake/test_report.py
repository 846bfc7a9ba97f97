"""The report of a real lake: three days of a pair whose charger loses more, by the command and in a browser."""

import re
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import typer
from typer.testing import CliRunner, Result

from orchestration.cli.report import report
from tests.browser import CHROMIUM, WITHOUT_CHROMIUM, browser
from tests.conftest import fresh_database
from tests.fewer_models import catalog_of
from tests.integration.lake.drawn_days import add_pair, run_what_is_queued, stored
from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake
from tests.integration.lake.lossy_days import DAYS, fleet
from tests.lake_folder import newest_file
from warehouse.lake.publish import DamagedFileError
from warehouse.lake.snapshot import manifest_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect
from warehouse.report.lake_facts import files_of, lookbacks
from warehouse.report.period import Length, Period
from warehouse.report.report_file import NothingToReportError, due_reports, make_report

app = typer.Typer(rich_markup_mode=None)
app.command()(report)

NAME = "<i>Hall</i> 2"
PHONE, DESKTOP = 390, 1280


@pytest.fixture(scope="module")
def home(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The days, run once. No database runs any more: the lake's own list says what is in it."""
    home = tmp_path_factory.mktemp("home")
    models = ("findings", "daily_fleet_efficiency", "tariffs", "reading_gaps")
    with fresh_database(server_url, template) as url:
        pipeline = DailyPipeline(url, Lake(home / "lake"), catalog_of(*models))
        with connect(url) as connection:
            add_pair(connection)
            connection.execute("UPDATE meters SET display_name = %s", [NAME])
            stored(url, fleet(), home)
            assert run_what_is_queued(pipeline, connection) == DAYS
    return home


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day of a fleet that has not charged yet."""
    home = tmp_path_factory.mktemp("new")
    lake = HandMadeLake(home / "lake")
    lake.pairs(1, 2)
    lake.write()
    lake.build()
    return home


def written(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--home", str(home)])


def test_the_report_has_the_finding_with_its_money_and_its_picture(home: Path) -> None:
    result = written(home)
    assert result.exit_code == 0
    path = home / "reports" / f"week-to-{DAYS[-1]}.html"
    assert result.stdout.strip() == path.as_uri()
    page = path.read_text(encoding="utf-8")
    assert "1 loss is open." in page
    assert re.search(r"It costs [\d.]+ EUR, [\d.]+ kWh, a month", page)
    assert len(re.findall(r'<svg [^>]*class="evidence"', page)) == 1
    assert page.count('class="since"') == 2 * 8
    assert "&lt;i&gt;Hall&lt;/i&gt; 2 (meter)" in page
    assert NAME not in page
    assert "Undecided: readings are too far apart to show a power." in page
    assert "4 days of the period are not in the lake" in page


def test_the_same_lake_gives_the_same_page_and_another_period_another_one(home: Path, tmp_path: Path) -> None:
    pages = {}
    for name, arguments in {"one": (), "two": (), "day": ("--day",), "month": ("--month",)}.items():
        target = tmp_path / f"{name}.html"
        assert written(home, *arguments, "--output", str(target)).exit_code == 0
        pages[name] = target.read_text(encoding="utf-8")
    assert pages["one"] == pages["two"]
    assert "Charging losses, 10 February 2026" in pages["day"]
    assert "Charging losses, 11 January to 10 February 2026" in pages["month"]
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ".html"] == []


def test_before_the_loss_there_is_none_and_it_says_how_many_charges_are_missing(home: Path) -> None:
    result = written(home, "--day", "--until", str(DAYS[0]))
    assert result.exit_code == 0
    page = (home / "reports" / f"day-{DAYS[0]}.html").read_text(encoding="utf-8")
    assert "No loss is open." in page
    assert "None of 1 pair of vehicle and charger can be compared yet." in page


def test_a_new_fleet_gets_a_page_that_says_why_nothing_is_found(new_home: Path) -> None:
    assert written(new_home).exit_code == 0
    page = (new_home / "reports" / f"week-to-{DAY}.html").read_text(encoding="utf-8")
    assert "Nothing can be compared yet." in page
    assert "Nothing opened in these days." in page
    assert "2 vehicles, 2 meters" in page


def test_a_price_is_known_without_a_vehicle(tmp_path: Path) -> None:
    lake = HandMadeLake(tmp_path / "lake")
    lake.write()
    lake.build()
    assert written(tmp_path).exit_code == 0
    page = (tmp_path / "reports" / f"week-to-{DAY}.html").read_text(encoding="utf-8")
    assert "All that was metered cost 0.00 EUR, at 0.30 EUR a kWh" in page
    assert "no price is known" not in page


def test_every_statement_knows_its_datasets(new_home: Path) -> None:
    assert set(lookbacks(Period.ending(Length.WEEK, DAY))) <= set(CATALOG.models)
    snapshot = manifest_snapshot(Lake(new_home / "lake"))
    period = Period.ending(Length.DAY, DAY)
    assert {file.dataset for file in files_of(snapshot, period)} == set(lookbacks(period))
    without = HandMadeLake(new_home / "lake").snapshot
    assert "Charging losses" in make_report(without, CATALOG, period)


def test_a_day_that_the_lake_does_not_have_is_no_report(home: Path) -> None:
    result = written(home, "--until", str(DAYS[-1] + timedelta(days=1)))
    assert isinstance(result.exception, NothingToReportError)
    assert "it has 3 days from 2026-02-08 to 2026-02-10" in result.exception.detail


def test_an_empty_lake_is_no_report_either(tmp_path: Path) -> None:
    result = written(tmp_path)
    assert isinstance(result.exception, NothingToReportError)
    assert "no day has been exported yet" in result.exception.detail
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--day", "--week"), "say one of --day, --week and --month"),
        (("--until", "2026-02-30"), "expected a day (UTC)"),
        (("--output", "/nowhere/at/all.html"), "there is no folder"),
    ],
)
def test_wrong_usage_is_told(home: Path, arguments: tuple[str, ...], said: str) -> None:
    result = written(home, *arguments)
    assert result.exit_code == 2
    assert said in re.sub(r"[\s│]+", " ", result.output)


def test_a_damaged_file_is_refused_unless_it_is_not_looked_at(home: Path, tmp_path: Path) -> None:
    file = newest_file(Lake(home / "lake"), "reading_gaps", DAYS[0])
    content = file.read_bytes()
    file.chmod(0o600)
    file.write_bytes(content[:8] + bytes([content[8] ^ 1]) + content[9:])
    try:
        result = written(home, "--output", str(tmp_path / "report.html"))
        assert isinstance(result.exception, DamagedFileError)
        assert not (tmp_path / "report.html").exists()
    finally:
        file.write_bytes(content)


@pytest.mark.skipif(not CHROMIUM, reason=WITHOUT_CHROMIUM)
def test_in_a_browser_it_loads_nothing_else_and_fits_a_screen_and_a_phone(home: Path, new_home: Path) -> None:
    days: dict[Path, date] = {home: DAYS[-1], new_home: DAY}
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(Path(profile)) as tab:
        for each, last in days.items():
            assert written(each).exit_code == 0
            page = (each / "reports" / f"week-to-{last}.html").as_uri()
            for width, is_dark in ((DESKTOP, False), (PHONE, True)):
                tab.open(page, width, is_dark=is_dark)
                tab.until("document.readyState == 'complete'")
                assert tab.value("document.documentElement.scrollWidth <= innerWidth"), width
                ground = tab.value("getComputedStyle(document.body).backgroundColor")
                assert (ground == "rgb(22, 24, 28)") == is_dark
                assert tab.complaints == []
                assert [asked for asked in tab.requests if not asked.startswith(("about:", page))] == []


def test_what_is_due_is_the_newest_week_and_what_has_ended(home: Path) -> None:
    due = due_reports(manifest_snapshot(Lake(home / "lake")))
    assert due == {
        "week.html": Period.ending(Length.WEEK, DAYS[-1]),
        f"week-to-{DAYS[0]}.html": Period.ending(Length.WEEK, DAYS[0]),
    }
