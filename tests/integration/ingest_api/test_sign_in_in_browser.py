"""Signing in and out in a real browser that has no internet, by hand: no script of ours, no complaint."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.browser import CHROMIUM, WITHOUT_CHROMIUM, Tab, browser
from tests.integration.ingest_api.sign_in_site import PASSWORD, WRONG, MakeUser
from tests.integration.ingest_api.site import Site
from tests.integration.ingest_api.test_pages_in_browser import DESKTOP, PHONE, assert_all_is_well
from warehouse.contract.users import Role

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason=WITHOUT_CHROMIUM),
    pytest.mark.usefixtures("endless"),
]

READY = "document.readyState == 'complete' && location.pathname == "


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(Path(profile)) as tab:
        yield tab


def sign_in(tab: Tab, name: str, password: str) -> None:
    """Fill the form in and press its button."""
    tab.until(f"{READY}'/login' && !!document.querySelector('button')")
    tab.value(f"document.getElementById('name').value = '{name}'")
    tab.value(f"document.getElementById('password').value = '{password}'")
    tab.value("document.querySelector('button').click()")


@pytest.mark.parametrize(
    ("width", "is_dark"),
    [(DESKTOP, False), pytest.param(PHONE, True, marks=pytest.mark.long)],
    ids=["light on a desktop", "dark on a phone"],
)
def test_a_person_signs_in_tries_a_change_out_and_signs_out(
    tab: Tab, closed: Site, make_user: MakeUser, width: int, is_dark: bool
) -> None:
    name = make_user(Role.OPERATOR)
    tab.open(f"{closed.client.base_url}/docs#/mappings/post_mappings_v1_mappings_post", width, is_dark=is_dark)
    tab.until(f"{READY}'/login'")
    assert_all_is_well(tab, closed)
    sign_in(tab, name, WRONG)
    assert tab.until("document.querySelector('[role=alert]')?.innerText") == "Name and password do not go together."
    tab.complaints.clear()  # the browser remarks on every 401
    sign_in(tab, name, PASSWORD)
    tab.until(f"{READY}'/docs'")
    block = "document.querySelector('.opblock-post [data-path=\"/v1/mappings\"]')?.closest('.opblock')"
    tab.until(f"!!{block}")
    tab.value(f"{block}.querySelector('.try-out__btn') || {block}.querySelector('.opblock-summary-control').click()")
    for button in (".try-out__btn", ".execute"):
        tab.until(f"{block}.querySelector('{button}') && ({block}.querySelector('{button}').click(), true)")
    shown = f"{block}.querySelector('.live-responses-table .response .response-col_status')?.innerText"
    assert tab.until(shown).split()[0] in ("200", "201")
    assert_all_is_well(tab, closed)
    tab.open(f"{closed.client.base_url}/", width, is_dark=is_dark)
    assert name in tab.until("document.querySelector('.account')?.innerText")
    tab.until("document.querySelector('#view h1')?.innerText")
    assert tab.value("document.cookie") == ""
    assert_all_is_well(tab, closed)
    tab.value("document.querySelector('.account button').click()")
    tab.until(f"{READY}'/login'")
    assert closed.rows("SELECT count(*) FROM user_sessions") == [(0,)]
    assert_all_is_well(tab, closed)
