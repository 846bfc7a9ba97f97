"""The deadlines of the API, put off where they are not what a test is about: a busy machine needs more."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from ingest_api import database
from ingest_api.bodies import deadline, limits
from ingest_api.health import health_routes

PATIENCE_S = 25.0
"""How long an answer may take. Less than the tests' clients wait."""
_DEADLINES: list[tuple[ModuleType, str]] = [
    (limits, "ANSWER_WITHIN_S"),
    (deadline, "ANSWER_WITHIN_S"),
    (database, "POOL_WAIT_S"),
    (health_routes, "DATABASE_ANSWERS_WITHIN_S"),
]
_OF_THE_PRODUCT = [(module, name, getattr(module, name)) for module, name in _DEADLINES]


@contextmanager
def patience() -> Iterator[None]:
    """Within the block an API of this process waits that long. A test of one deadline sets that one again."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in _DEADLINES:
            patch.setattr(module, name, PATIENCE_S)
        yield


@contextmanager
def deadlines_of_the_product() -> Iterator[None]:
    """Within the block they are what they are for those who use it."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, deadline_s in _OF_THE_PRODUCT:
            patch.setattr(module, name, deadline_s)
        yield
