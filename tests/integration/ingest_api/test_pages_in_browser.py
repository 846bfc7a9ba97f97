"""The pages in a real browser that has no internet: they work, ask their own origin alone, and break no policy."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.browser import CHROMIUM, WITHOUT_CHROMIUM, Tab, browser
from tests.integration.ingest_api.site import MakeSite, Site

pytestmark = pytest.mark.skipif(not CHROMIUM, reason=WITHOUT_CHROMIUM)

DESKTOP, PHONE = 1280, 390
BADGES = """
    [...document.querySelectorAll('.title .version')].map(badge => {
        let ground = badge;
        while (getComputedStyle(ground).backgroundColor == 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
        return [badge.innerText, getComputedStyle(badge).color, getComputedStyle(ground).backgroundColor];
    })
"""
"""Of each badge its text, the text's colour and the first colour behind it."""


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    # Not pytest's folder: what the browser still writes while it ends must not fail a test.
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(Path(profile)) as tab:
        yield tab


def assert_all_is_well(tab: Tab, site: Site) -> None:
    tab.value("1")  # whatever was said until now has been heard
    assert tab.complaints == []
    assert [each for each in tab.requests if not each.startswith((f"{site.client.base_url}", "about:", "data:"))] == []
    assert tab.value("document.documentElement.scrollWidth <= innerWidth"), "it has to be moved sideways"


@pytest.mark.parametrize(
    ("width", "is_dark", "kind", "path"),
    [(DESKTOP, False, "post", "/v1/mappings"), pytest.param(PHONE, True, "get", "/livez", marks=pytest.mark.long)],
    ids=["light on a desktop", "dark on a phone"],
)
def test_the_documentation_is_read_and_tried_out(
    tab: Tab, site: Site, width: int, is_dark: bool, kind: str, path: str
) -> None:
    tab.open(f"{site.client.base_url}/docs", width, is_dark=is_dark)
    documented = site.client.get("/openapi.json").json()["paths"]
    tab.until(f"document.querySelectorAll('.opblock').length == {sum(map(len, documented.values()))}")
    summary = f"document.querySelector('.opblock-{kind} [data-path=\"{path}\"]')"
    block = f"{summary}.closest('.opblock')"
    tab.value(f"{block}.querySelector('.opblock-summary-control').click()")
    for button in (".try-out__btn", ".execute"):
        tab.until(f"{block}.querySelector('{button}') && ({block}.querySelector('{button}').click(), true)")
    shown = f"{block}.querySelector('.live-responses-table .response .response-col_status')?.innerText"
    assert tab.until(shown).split()[0] in ("200", "201")
    assert f"{site.client.base_url}{path}" in tab.requests
    assert_all_is_well(tab, site)
    assert_the_badges_beside_the_title_can_be_read(tab)


def assert_the_badges_beside_the_title_can_be_read(tab: Tab) -> None:
    tab.until("document.querySelectorAll('.title .version').length == 2")
    for said, text, ground in tab.value(BADGES):
        assert said
        assert _contrast(text, ground) > 2, (said, text, ground)  # Swagger UI's own lightest is 2.2


def test_what_breaks_the_policy_would_be_seen(tab: Tab, site: Site) -> None:
    """The same policy is sent with every page."""
    tab.open(f"{site.client.base_url}/")
    tab.until("document.querySelector('.zone')?.innerText")
    tab.value("fetch('https://cdn.example/x.js').catch(() => {})")
    tab.value("document.body.appendChild(document.createElement('script')).text = 'window.ran = true'")
    assert not tab.value("window.ran")
    for directive in ("connect-src 'self'", "script-src 'self'"):
        assert any("Content Security Policy" in each and directive in each for each in tab.complaints), tab.complaints


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_bare_address_of_an_empty_fleet_says_how_to_begin(tab: Tab, make_site: MakeSite, width: int) -> None:
    site = make_site()
    tab.open(f"{site.client.base_url}/", width, is_dark=width == PHONE)
    base = str(site.client.base_url).rstrip("/")
    tab.until("document.querySelector('.zone')?.innerText")
    assert tab.value("[...document.querySelectorAll('.base')].map(e => e.innerText)") == [base] * 4
    assert_all_is_well(tab, site)
    tab.value("document.querySelector('a[href$=\"/docs\"]').click()")
    assert tab.until("location.pathname == '/docs'")


def _contrast(*colours: str) -> float:
    """The contrast ratio of WCAG 2 between two ``rgb(...)``: 1 (the same) to 21."""
    darker, lighter = sorted(_luminance(each) for each in colours)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
