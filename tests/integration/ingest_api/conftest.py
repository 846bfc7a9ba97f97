"""An API and its database that serve a whole module, for tests with many small cases."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import count

import pytest

from ingest_api.http.rate_limit import RateLimit
from tests.conftest import fresh_database, serving
from tests.integration.ingest_api.api_process import ApiProcess, api_process
from tests.integration.ingest_api.sign_in_site import PASSWORD, Browser, MakeBrowser, MakeUser, SignedIn
from tests.integration.ingest_api.site import MakeSite, Site, until
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, MakeToken, Tokens, is_known
from warehouse.contract.tokens import NewToken, Scope
from warehouse.contract.users import Role
from warehouse.postgres.access.token_store import TokenRequest, create_token
from warehouse.postgres.access.user_store import add_user
from warehouse.postgres.connection import connect


@pytest.fixture(scope="module")
def make_site(server_url: str, template: str) -> Iterator[MakeSite]:
    """Start an API with other settings on a database of its own, to serve the module to its end."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name in [name for name in os.environ if name.startswith("FLEET_")]:
            patch.delenv(name)

        def make(**settings: object) -> Site:
            url = stack.enter_context(fresh_database(server_url, template))
            client = stack.enter_context(serving(database_url=url, **settings))
            return Site(client, stack.enter_context(connect(url)), url)

        yield make


@pytest.fixture(scope="module")
def shared_database_url(server_url: str, template: str) -> Iterator[str]:
    """A database of the module's own, for tests that start what they need on it and leave it as they found it."""
    with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture(scope="module")
def shared_process(shared_database_url: str) -> Iterator[ApiProcess]:
    """The API as a process of its own, on the module's database: for what its memory says."""
    with api_process(shared_database_url) as api:
        yield api


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    """An API with default settings. Whoever changes more than devices of its own takes ``api`` instead."""
    return make_site()


@pytest.fixture(scope="module")
def closed(make_site: MakeSite) -> Site:
    """An API that asks everybody."""
    return make_site(auth="required", admin_token=ADMIN_TOKEN)


@pytest.fixture(scope="module")
def make_token(closed: Site) -> MakeToken:
    def make(*scopes: Scope, devices: list[str] | None = None, expires: timedelta | None = None) -> NewToken:
        made = create_token(closed.connection, TokenRequest("a test's", scopes, devices, expires))
        until(lambda: is_known(closed, made))
        return made

    return make


@pytest.fixture(scope="module")
def tokens(make_token: MakeToken) -> Tokens:
    """One of each scope."""
    return {scope: make_token(scope) for scope in Scope}


@pytest.fixture
def make_user(closed: Site) -> Iterator[MakeUser]:
    """Add a user of this role; all go with the test, and what failed is forgotten."""
    numbers = count(1)

    def make(role: Role = Role.VIEWER, name: str | None = None) -> str:
        return add_user(closed.connection, name or f"user-{next(numbers)}", role, PASSWORD).name

    yield make
    for table in ("users", "failed_sign_ins"):
        closed.connection.execute(f"DELETE FROM {table}".encode())


@pytest.fixture
def make_browser(closed: Site) -> Iterator[MakeBrowser]:
    with ExitStack() as stack:

        def make(**through: str) -> Browser:
            browser = Browser(str(closed.client.base_url), through)
            stack.enter_context(browser.client)
            return browser

        yield make


@pytest.fixture
def signed_in(make_user: MakeUser, make_browser: MakeBrowser) -> SignedIn:
    """A browser of a user of this role."""

    def sign_in(role: Role) -> Browser:
        browser = make_browser()
        answer = browser.sign_in(make_user(role))
        assert answer.status_code == 303, answer.text
        return browser

    return sign_in


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many failures as one likes."""
    monkeypatch.setattr(RateLimit, "check", lambda *_: None)
