"""The models' pages in a real browser: no picture is cut off, on a screen or a phone; a column is chosen by a tap."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dbt_like_sql.catalog import Catalog
from tests.browser import CHROMIUM, WITHOUT_CHROMIUM, Tab, browser
from tests.integration.lake.hand_made_lake import CATALOG
from warehouse.lake.pages.site import write_pages

pytestmark = pytest.mark.skipif(not CHROMIUM, reason=WITHOUT_CHROMIUM)

DESKTOP, PHONE = 1440, 390
NAME = "low_efficiency_days"
PICTURE_FITS = """(() => {
    const [picture, first] = ['svg.graph', 'svg.graph .box'].map(
        name => document.querySelector(name).getBoundingClientRect());
    return picture.left >= 0 && picture.right <= innerWidth && first.width > 0;
})()"""
BOLD = "[...document.querySelectorAll('svg .line')].filter(line => getComputedStyle(line).opacity == 1).length"


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(Path(profile)) as tab:
        yield tab


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a catalog that has ten marts more."""
    mart = CATALOG.models[NAME]
    more = {f"{NAME}_{number}": replace(mart, name=f"{NAME}_{number}") for number in range(10)}
    folder = tmp_path_factory.mktemp("pages")
    write_pages(Catalog({**CATALOG.models, **more}), {}, "No counts.", folder)
    return folder


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("page", ["index", NAME, "daily_fleet_efficiency", "hourly_energy"])
def test_a_picture_is_seen_as_a_whole(tab: Tab, folder: Path, page: str, width: int) -> None:
    tab.open((folder / f"{page}.html").as_uri(), width)
    tab.until("document.readyState == 'complete'")
    assert tab.value(PICTURE_FITS)
    assert tab.value("document.documentElement.scrollWidth <= innerWidth")


def test_the_first_picture_can_be_read_however_many_marts_there_are(tab: Tab, folder: Path) -> None:
    tab.open((folder / "index.html").as_uri(), DESKTOP)
    tab.until("document.readyState == 'complete'")
    assert tab.value("document.querySelector('svg .title').getBoundingClientRect().height") >= 11


def test_a_tap_on_a_column_leaves_its_lines_until_its_name_is_tapped(tab: Tab, folder: Path) -> None:
    tab.open((folder / f"{NAME}.html").as_uri(), PHONE)
    every = tab.until(BOLD)
    tab.value("document.querySelector('#lines-of-ac_kwh').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert 0 < tab.until(f"{BOLD} < {every} && {BOLD}") < every
    assert tab.value("location.pathname").endswith(f"/{NAME}.html")
    tab.value("document.querySelector('svg .focus .title').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert tab.until(f"{BOLD} == {every}")
