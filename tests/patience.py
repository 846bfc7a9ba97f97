"""The deadlines of the API, put off where they are not what a test is about: a busy machine needs more."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ingest_api import database
from ingest_api.bodies import deadline, limits
from ingest_api.health import health_routes

PATIENCE_S = 25.0
"""How long an answer may take. Less than the tests' clients wait."""
_OF_THE_PRODUCT = [
    (module, name, getattr(module, name))
    for module, name in (
        (limits, "ANSWER_WITHIN_S"),
        (deadline, "ANSWER_WITHIN_S"),
        (deadline, "READ_WITHIN_S"),
        (database, "POOL_WAIT_S"),
        (health_routes, "DATABASE_ANSWERS_WITHIN_S"),
    )
]


@contextmanager
def deadlines(patience_s: float | None = None) -> Iterator[None]:
    """Within the block an API of this process waits that long; ``None``: as for those who use it.

    A test of one deadline sets that one again.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module, name, of_the_product_s in _OF_THE_PRODUCT:
            patch.setattr(module, name, of_the_product_s if patience_s is None else patience_s)
        yield
