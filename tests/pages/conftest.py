"""A real browser before the real API with a fleet to look at; every page looked at is kept as a picture."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import httpx
import psycopg
import pytest

from ingest_api.bodies import deadline, limits
from tests.browser import CHROMIUM, WITHOUT_CHROMIUM
from tests.conftest import fresh_database, serving
from tests.markdown import ROOT
from tests.pages.looked import Looked
from tests.pages.shown_fleet import add_fleet
from warehouse.postgres.connection import connect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

sync_api = pytest.importorskip("playwright.sync_api", reason="make test-pages installs what looks at pages")

PHONE, DESKTOP = 375, 1440
PATIENCE_MS = 60_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser takes seconds: `make test-pages` runs these, and plainer tests stand for them in `make test`."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests/pages"):
            item.add_marker(pytest.mark.long)
            item.add_marker(pytest.mark.skipif(not CHROMIUM, reason=WITHOUT_CHROMIUM))


@dataclass
class Fleet:
    """An API that serves a fleet, and its database."""

    client: httpx.Client
    connection: psycopg.Connection

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self.client.base_url).rstrip("/")


@pytest.fixture(scope="session")
def fleet(server_url: str, template: str) -> Iterator[Fleet]:
    """A fleet on a machine of its own: nobody is asked who they are."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for module in (limits, deadline):
            patch.setattr(module, "ANSWER_WITHIN_S", 25.0)  # a browser and a busy machine take more than is promised
        url = stack.enter_context(fresh_database(server_url, template))
        client = stack.enter_context(serving(database_url=url))
        connection = stack.enter_context(connect(url))
        add_fleet(client, connection)
        yield Fleet(client, connection)


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """The system's own browser, without a screen and without the internet.

    As long as it lives, an event loop counts as running in this thread: no other file's tests could run one.
    """
    rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", rules])
        yield browser
        browser.close()


Theme = Literal["light", "dark"]
Look = Callable[..., Looked]


@pytest.fixture
def look(chromium: "Browser", fleet: Fleet) -> Iterator[Look]:
    """Open a page with so wide a screen, in one theme."""
    with ExitStack() as stack:

        def open_page(path: str, width: int = DESKTOP, theme: Theme = "light", address: str | None = None) -> Looked:
            context = chromium.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=theme,
                locale="en-GB",
                timezone_id="Europe/Berlin",
            )
            stack.callback(context.close)
            looked = Looked(context.new_page())
            looked.listen()
            looked.page.set_default_timeout(PATIENCE_MS)
            looked.page.goto(f"{address or fleet.address}{path}")
            looked.page.wait_for_selector("#show-keys:not([hidden])")
            return looked

        yield open_page
