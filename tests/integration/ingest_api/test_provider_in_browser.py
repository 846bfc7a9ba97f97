"""Signing in by an identity provider in a real browser, and what is written down of it."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from tests.audited import audited, told
from tests.browser import CHROMIUM, WITHOUT_CHROMIUM, Tab, browser
from tests.integration.ingest_api.api_process import ApiProcess, api_process
from tests.integration.ingest_api.mock_provider import MARIA, OTTO, mock_provider, settings_of
from tests.integration.ingest_api.token_site import ADMIN_TOKEN
from tests.stored_findings import add_finding
from warehouse.postgres.connection import connect

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM, reason=WITHOUT_CHROMIUM),
]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with mock_provider() as url:
        yield url


@pytest.fixture(scope="module")
def api(shared_database_url: str, issuer: str) -> Iterator[ApiProcess]:
    """It knows its port, so that the provider leads back to it."""
    with api_process(shared_database_url, auth="required", admin_token=ADMIN_TOKEN, **settings_of(issuer)) as api:
        yield api


@pytest.fixture(scope="module")
def connection(shared_database_url: str) -> Iterator[psycopg.Connection]:
    with connect(shared_database_url) as connection:
        yield connection


@pytest.fixture
def tab() -> Iterator[Tab]:
    """One that nobody is signed in with."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(Path(profile)) as tab:
        yield tab


def come_in(tab: Tab, issuer: str, subject: str) -> None:
    """From the page for signing in to the provider, and back as this one."""
    tab.until("location.pathname == '/login' && document.querySelector('.provider a')?.href")
    tab.value("document.querySelector('.provider a').click()")
    tab.until(f"location.origin == '{issuer}' && !!document.querySelector('input[name=sub]')")
    tab.value(f"document.querySelector('input[name=sub]').value = '{subject}'")
    tab.value("document.querySelector('input[name=sub]').form.querySelector('button').click()")


def test_a_person_comes_in_acts_and_leaves_and_all_of_it_is_written_down(
    tab: Tab, api: ApiProcess, issuer: str, connection: psycopg.Connection
) -> None:
    page = f"/findings/{add_finding(connection)}"
    before = len(audited(connection))
    tab.open(f"{api.url}{page}")
    come_in(tab, issuer, MARIA)
    # The page's scripts hear what is pressed: they are there once all of it is.
    tab.until(f"location.pathname == '{page}' && document.readyState == 'complete'")
    assert tab.value("document.getElementById('act-who')") is None, "nobody who is signed in is asked who it is"
    tab.value("document.querySelector('[data-act=acknowledge]').click()")
    tab.until("document.querySelector('.history li')?.innerText.includes('maria')")
    tab.value("document.querySelector('.account button').click()")
    tab.until("location.pathname == '/login' && document.readyState == 'complete'")
    assert [each for each in tab.complaints if api.url in each] == []
    entries = audited(connection)[before:]
    assert [told(each)[:2] for each in entries] == [
        ("user.add", "user maria"),
        ("session.begin", "user maria"),
        ("finding.acknowledge", f"finding {page.rpartition('/')[2]}"),
        ("session.end", "user maria"),
    ]
    assert {(each["actor_kind"], each["actor_name"], each["address"]) for each in entries} == {
        ("user", "maria", "127.0.0.1")
    }
    assert entries[2]["after"]["who"] == "maria"
    assert entries[0]["after"] == {"role": "operator", "issuer": issuer}


def test_who_has_no_role_there_is_told_so_on_the_page(
    tab: Tab, api: ApiProcess, issuer: str, connection: psycopg.Connection
) -> None:
    before = len(audited(connection))
    tab.open(f"{api.url}/")
    come_in(tab, issuer, OTTO)
    assert "have no role here" in tab.until("document.querySelector('[role=alert]')?.innerText")
    assert audited(connection)[before:] == [], "a stranger"
