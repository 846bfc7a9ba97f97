"""An API and its database that serve a whole module, for tests with many small cases."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ingest_api.bodies import deadline, limits
from tests.conftest import fresh_database, serving
from tests.integration.ingest_api.api_process import ApiProcess, api_process
from tests.integration.ingest_api.site import MakeSite, Site
from warehouse.postgres.connection import connect

PATIENCE_S = 25.0
"""How long an answer may take where it is not what a test is about: a busy machine needs more than is promised for
ten thousand readings. Less than the tests' clients wait."""


@pytest.fixture(scope="module")
def make_site(server_url: str, template: str) -> Iterator[MakeSite]:
    """Start an API with other settings on a database of its own, to serve the module to its end."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name in [name for name in os.environ if name.startswith("FLEET_")]:
            patch.delenv(name)
        for module in (limits, deadline):
            patch.setattr(module, "ANSWER_WITHIN_S", PATIENCE_S)

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
