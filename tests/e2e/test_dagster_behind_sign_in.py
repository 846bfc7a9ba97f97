"""``fleetwatt up`` where everybody signs in: Dagster's UI is one of the API's pages, seen in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
import pytest

from tests.browser import CHROMIUM, WITHOUT_CHROMIUM, Tab, browser
from tests.e2e.conftest import MakeHome, Platform, eventually, processes_of, run, traits

pytestmark = pytest.mark.long
PASSWORD = "a staple of correct batteries"  # noqa: S105 - a test's own
READY = "document.readyState == 'complete'"


@pytest.fixture(scope="module")
def platform(make_home: MakeHome) -> Iterator[Platform]:
    home = make_home()
    with Platform(home, "--no-demo", environment={"FLEET_AUTH": "required"}) as platform:
        platform.wait_until_up()
        yield platform
        assert platform.stop() == 0


@pytest.fixture(scope="module")
def tab(platform: Platform) -> Iterator[Tab]:
    if not CHROMIUM:
        pytest.skip(WITHOUT_CHROMIUM)
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(Path(profile)) as tab:
        yield tab


def port_of_the_web_server(platform: Platform) -> int:
    (port,) = {
        each.laddr.port
        for process in processes_of(platform.home)
        if "orchestration.dagster_ui" in traits(process)
        for each in process.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    }
    return int(port)


def test_the_start_names_the_address_of_the_pages(platform: Platform) -> None:
    assert platform.told("Dagster") == f"{platform.url}/dagster"


def test_its_own_port_answers_nobody(platform: Platform) -> None:
    answer = httpx.get(f"http://127.0.0.1:{port_of_the_web_server(platform)}/dagster/", trust_env=False)
    assert (answer.status_code, "where people sign in" in answer.text) == (403, True)


def test_no_process_but_the_two_knows_the_secret(platform: Platform) -> None:
    assert eventually(lambda: len(processes_of(platform.home)) > 5)
    know = {
        name
        for process in processes_of(platform.home)
        if process.pid != platform.process.pid and "FLEET_DAGSTER_SECRET" in process.environ()
        for name in {"ingest_api", "dagster", "dagster._daemon", "orchestration.dagster_ui"} & set(traits(process))
    }
    assert know == {"ingest_api", "orchestration.dagster_ui"}


def is_signed_in(tab: Tab, page: str) -> bool:
    """Go there by the page for signing in, which a busy machine may tell to come back: a password takes its time."""
    tab.open(page, 1400)
    tab.until(f"{READY} && location.pathname == '/login' && !!document.querySelector('button')")
    tab.value("document.getElementById('name').value = 'maria'")
    tab.value(f"document.getElementById('password').value = '{PASSWORD}'")
    tab.value("document.title = 'sent'; document.querySelector('button').click()")
    tab.until(f"{READY} && document.title != 'sent'")
    tab.complaints.clear()
    return bool(tab.value("location.pathname.startsWith('/dagster/assets')"))


def test_an_operator_signs_in_and_sees_the_assets(platform: Platform, tab: Tab) -> None:
    adding = ["users", "add", "maria", "--role", "operator", "--password-stdin", "--home", str(platform.home)]
    assert run(*adding, home=platform.home, stdin=PASSWORD).returncode == 0
    assert eventually(lambda: is_signed_in(tab, f"{platform.url}/dagster/assets"))
    tab.until("document.body.innerText.includes('daily_fleet_efficiency')")
    assert tab.value("document.cookie") == ""
    here = (f"{platform.url}/", platform.url.replace("http", "ws", 1))
    assert [url for url in tab.requests if not url.startswith((*here, "data:", "blob:", "about:"))] == []
    # Dagster's page gives a WebSocket a second, and tries again; a busy machine may take longer.
    assert [each for each in tab.complaints if "closed before the connection is established" not in each] == []
