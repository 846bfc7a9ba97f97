"""Every API that a test serves in its own process is patient, unless the test says otherwise."""

from collections.abc import Iterator

import pytest

from tests.patience import PATIENCE_S, deadlines


@pytest.fixture(autouse=True, scope="session")
def _patience() -> Iterator[None]:
    with deadlines(PATIENCE_S):
        yield


@pytest.fixture
def prompt() -> Iterator[None]:
    """For tests of what is answered, and when, while the database is away: the deadlines of the product."""
    with deadlines():
        yield
