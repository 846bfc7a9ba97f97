"""The pages of the models: complete, linked, drawn by column, and files that need nothing but a browser."""

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dbt_like_sql.catalog import Catalog
from tests.integration.lake.hand_made_lake import CATALOG, DAY
from tests.unit.dbt_like_sql.small_catalog import MARTS, SOURCES, STAGING, write_catalog
from warehouse.lake.pages.dataset_graph import nearest_sources
from warehouse.lake.pages.site import write_pages
from warehouse.postgres.ledger.lake_overview import PublishedDataset

PUBLISHED = PublishedDataset(
    dataset="hourly_energy",
    day=DAY,
    version=3,
    row_count=96_000,
    size_bytes=1_200_000,
    published_at=datetime(2026, 2, 9, 2, 5, tzinfo=UTC),
    first_day=date(2026, 2, 1),
    day_count=8,
    highest_version=4,
    all_rows=768_000,
    all_bytes=9_600_000,
)


class Page(HTMLParser):
    """The links, ids and text of a page, and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(said["href"])
        elif "src" in said or "href" in said or tag in ("script", "iframe", "object"):
            self.loaded.append(said.get("src") or said.get("href") or tag)
        if "id" in said:
            self.ids.append(said["id"])

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "docs"
    write_pages(CATALOG, {"hourly_energy": PUBLISHED}, "Row counts are for 2026-02-08.", folder)
    return folder


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, Page]:
    return {path.name: Page(path.read_text(encoding="utf-8")) for path in folder.glob("*.html")}


def picture(path: Path) -> ElementTree.Element:
    (svg,) = re.findall(r"<svg.*?</svg>", path.read_text(encoding="utf-8"), re.S)
    return ElementTree.fromstring(svg)  # noqa: S314 - we wrote it


def rows(svg: ElementTree.Element) -> list[str]:
    return [str(link.get("href")) for link in svg.iter("a") if str(link.get("class")).startswith("row")]


def lines(svg: ElementTree.Element, look: str) -> int:
    return sum(look in str(path.get("class")).split() for path in svg.iter("path"))


def test_there_is_a_page_of_each_dataset_and_an_index_of_all(pages: dict[str, Page]) -> None:
    assert pages.keys() == {"index.html", *(f"{name}.html" for name in CATALOG.models)}
    assert {f"{name}.html" for name in CATALOG.models} <= set(pages["index.html"].links)


def test_every_link_leads_somewhere(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        for link in page.links:
            file, _, anchor = link.partition("#")
            assert file in pages, f"{name} links to {link}"
            assert not anchor or anchor in pages[file].ids, f"{name} links to {link}"


def test_nothing_is_loaded_but_the_style_sheet_beside_it(pages: dict[str, Page], folder: Path) -> None:
    assert {each for page in pages.values() for each in page.loaded} == {"style.css"}
    texts = [path.read_text(encoding="utf-8") for path in folder.iterdir()]
    assert not any(re.search(r"https?:|@import|url\(|<script", text) for text in texts)


def test_a_page_says_all_that_is_declared(pages: dict[str, Page]) -> None:
    for model in CATALOG.in_order():
        text = pages[f"{model.name}.html"].text
        said = [model.description, model.grain, model.owner, *(check.description for check in model.checks)]
        said += [part for column in model.columns for part in column]
        assert [part for part in said if part not in text] == []
        assert model.sql is None or model.sql in text


def test_who_reads_the_datasets_is_on_the_first_page_and_on_theirs(pages: dict[str, Page]) -> None:
    index = pages["index.html"]
    for exposure in CATALOG.exposures.values():
        said = [exposure.description, exposure.where, *exposure.reads_tables]
        assert [part for part in said if part not in index.text] == []
        of_datasets = {
            name for name in CATALOG.models if f"index.html#exposure-{exposure.name}" in pages[f"{name}.html"].links
        }
        assert of_datasets == set(exposure.reads)


def test_the_picture_of_all_datasets_leaves_out_lines_for_which_there_is_a_longer_way_and_no_others() -> None:
    nearest = nearest_sources(CATALOG.in_order())
    assert set(nearest["hourly_energy"]) == {"carried_samples", "device_last", "vehicle_meter_map"}

    def above(name: str) -> set[str]:
        return set(nearest[name]).union(*map(above, nearest[name]))

    for model in CATALOG.in_order():
        assert set(model.depends_on) <= above(model.name)
        assert not any(set(nearest[model.name]) & above(name) for name in nearest[model.name])


def test_counts_are_shown_where_they_are_known(pages: dict[str, Page]) -> None:
    page = pages["hourly_energy.html"].text
    assert "2026-02-08: 96,000 rows, 1.2 MB, version 3, published 2026-02-09 02:05 UTC" in page
    assert "8 since 2026-02-01: 768,000 rows" in page
    assert "96,000 rows" in pages["index.html"].text
    assert "newest day" not in pages["meters.html"].text


def test_the_picture_of_a_dataset_goes_column_by_column_back_to_what_has_no_select(folder: Path) -> None:
    drawn = rows(picture(folder / "low_efficiency_days.html"))
    for column in (
        "low_efficiency_days.html#lines-of-ac_kwh",
        "daily_vehicle_efficiency.html#ac_kwh",
        "hourly_vehicle_efficiency.html#ac_kwh",
        "hourly_energy.html#energy_kwh",
        "meter_readings.html#kwh",
    ):
        assert column in drawn
    assert "daily_vehicle_efficiency.html#glitch_count" not in drawn


def test_each_line_of_a_column_can_be_told_apart(folder: Path) -> None:
    svg = picture(folder / "low_efficiency_days.html")
    names = [column.name for column in CATALOG.models["low_efficiency_days"].columns]
    # From the mart to the day, the hour, the energy and what a register showed on the day and before it, of meters and
    # vehicles alike; the kind says whether it is AC or DC. Two more to what somebody said that a register showed.
    assert lines(svg, f"c{names.index('ac_kwh')}") == 4 + 5 + 2
    assert lines(svg, f"c{names.index('rule')}") == 0
    assert f".c{names.index('ac_kwh')}:is(:hover, :focus, :target)" in "".join(svg.itertext())


def test_what_reads_a_dataset_is_drawn_with_the_columns_it_goes_into(folder: Path) -> None:
    drawn = rows(picture(folder / "hourly_energy.html"))
    assert "daily_fleet_efficiency.html#metered_ac_kwh" in drawn
    only_decide = ["meters", "vehicles", "device_last"]
    assert lines(picture(folder / "hourly_energy.html"), "bare") == len(
        [*only_decide, "flagged_steps", "daily_standby"]
    )


def test_an_export_begins_in_postgresql(folder: Path) -> None:
    assert "PostgreSQL: meters" in "".join(picture(folder / "meters.html").itertext())
    assert "PostgreSQL" not in "".join(picture(folder / "device_last.html").itertext())


def test_pictures_are_as_large_as_what_is_in_them(folder: Path) -> None:
    for path in folder.glob("*.html"):
        svg = picture(path)
        width, height = (float(part) for part in str(svg.get("viewBox")).split()[2:])
        for card in svg.iter("g"):
            x, y = map(float, re.findall(r"[\d.]+", str(card.get("transform"))))
            box = card.find("rect")
            assert box is not None
            assert x + float(str(box.get("width"))) <= width
            assert y + float(str(box.get("height"))) <= height


def test_what_people_write_is_text_and_no_markup(tmp_path: Path) -> None:
    odd = MARTS.replace("All of it.", "<b>All</b> & 'more'.")
    catalog = Catalog.load(write_catalog(tmp_path, {"models/marts/models.toml": odd}))
    index = write_pages(catalog, {}, "No counts.", tmp_path / "docs").read_text(encoding="utf-8")
    assert "<td>&lt;b&gt;All&lt;/b&gt; &amp; &#39;more&#39;.<" in index


def test_a_model_may_read_a_later_layer(tmp_path: Path) -> None:
    """Nothing forbids it, so it is drawn: upwards."""
    staging = STAGING + STAGING.partition("[growth.columns]")[0].replace("[growth]", "[early]").partition("checks")[0]
    changes: dict[str, str | None] = {
        "models/staging/models.toml": staging
        + '[early.columns]\ndevice_id = { type = "INTEGER", description = "The device." }\n'
        + 'total_kwh = { type = "DOUBLE", description = "All growth, and on which day that was." }\n',
        "models/staging/early.sql": "SELECT 1 AS device_id, grown_kwh + date_part('day', day) AS total_kwh FROM total\n"
        "WHERE day = getvariable('day')\n",
        "models/sources.toml": SOURCES,
    }
    catalog = Catalog.load(write_catalog(tmp_path, changes))
    write_pages(catalog, {}, "No counts.", tmp_path / "docs")
    assert "total.html#day" in rows(picture(tmp_path / "docs" / "early.html"))
    svg = picture(tmp_path / "docs" / "index.html")
    assert len(list(svg.iter("path"))) == 3
