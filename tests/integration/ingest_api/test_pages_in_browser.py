"""The pages in a real browser that has no internet: they work, ask their own origin alone, and break no policy."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.browser import CHROMIUM, WITHOUT_CHROMIUM, Tab, browser
from tests.integration.ingest_api.site import Site

pytestmark = pytest.mark.skipif(not CHROMIUM, reason=WITHOUT_CHROMIUM)

DESKTOP, PHONE = 1280, 390


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


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_documentation_is_read_and_tried_out(tab: Tab, site: Site, width: int) -> None:
    tab.open(f"{site.client.base_url}/docs", width, is_dark=width == PHONE)
    documented = site.client.get("/openapi.json").json()["paths"]
    tab.until(f"document.querySelectorAll('.opblock').length == {sum(map(len, documented.values()))}")
    for kind, path in (("get", "/livez"), ("post", "/v1/mappings")):
        summary = f"document.querySelector('.opblock-{kind} [data-path=\"{path}\"]')"
        block = f"{summary}.closest('.opblock')"
        tab.value(f"{block}.querySelector('.opblock-summary-control').click()")
        for button in (".try-out__btn", ".execute"):
            tab.until(f"{block}.querySelector('{button}') && ({block}.querySelector('{button}').click(), true)")
        shown = f"{block}.querySelector('.live-responses-table .response .response-col_status')?.innerText"
        assert tab.until(shown).split()[0] in ("200", "201")
        assert f"{site.client.base_url}{path}" in tab.requests
    assert_all_is_well(tab, site)


def test_what_breaks_the_policy_would_be_seen(tab: Tab, site: Site) -> None:
    tab.open(f"{site.client.base_url}/docs")
    tab.until("document.querySelector('.opblock') && true")
    tab.value("fetch('https://cdn.example/x.js').catch(() => {})")
    tab.value("document.body.appendChild(document.createElement('script')).text = 'window.ran = true'")
    assert not tab.value("window.ran")
    for directive in ("connect-src 'self'", "script-src 'self'"):
        assert any("Content Security Policy" in each and directive in each for each in tab.complaints), tab.complaints


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_bare_address_shows_where_everything_is(tab: Tab, site: Site, width: int) -> None:
    tab.open(f"{site.client.base_url}/", width, is_dark=width == PHONE)
    assert tab.until("document.getElementById('status').innerText").startswith("Healthy")
    base = str(site.client.base_url).rstrip("/")
    assert tab.value("[...document.querySelectorAll('.base')].map(e => e.innerText)") == [base] * 4
    assert_all_is_well(tab, site)
    tab.value("document.querySelector('a[href=metrics]').click()")
    assert tab.until("location.pathname == '/metrics' && document.body.innerText").startswith("# HELP")
