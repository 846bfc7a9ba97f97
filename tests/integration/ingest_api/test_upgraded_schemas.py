"""Rows that an earlier schema stored: migrated, they are what they would be had this one stored them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.conftest import fresh_database, serving
from tests.earlier_data import fill
from tests.earlier_schema import bring_to
from tests.upgraded_answers import answers, write_hours
from warehouse.postgres.connection import connect
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import MIGRATIONS, head_revision

FIRST_RELEASE = "0003"
REVISIONS = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))
EARLIER = [each for each in REVISIONS if each < head_revision()]
HAS_FINDINGS = "0013"
ALWAYS = {FIRST_RELEASE, EARLIER[-1]}


def answers_of(url: str) -> dict[str, Any]:
    with connect(url) as connection:
        write_hours(connection)
    with serving(database_url=url) as client:
        return answers(client)


@pytest.fixture(scope="module")
def expected(server_url: str) -> Callable[[bool], dict[str, Any]]:
    """What the same rows answer where they were stored by the newest schema; ``with_findings`` or without."""

    @cache
    def of(with_findings: bool) -> dict[str, Any]:
        with fresh_database(server_url, "template1") as url:
            migrate(url)
            with connect(url) as connection:
                fill(connection, head_revision() if with_findings else FIRST_RELEASE)
            return answers_of(url)

    return of


@pytest.mark.parametrize(
    "revision", [pytest.param(each, marks=() if each in ALWAYS else pytest.mark.long) for each in EARLIER]
)
def test_answers_are_the_same(server_url: str, expected: Callable[[bool], dict[str, Any]], revision: str) -> None:
    with fresh_database(server_url, "template1") as url:
        bring_to(url, revision)
        with connect(url) as connection:
            fill(connection, revision)
        migrate(url)
        found, should_be = answers_of(url), expected(revision >= HAS_FINDINGS)
    assert {path: each for path, each in found.items() if each != should_be[path]} == {}
    assert found["/v1/analytics/fleet?hours=168&worst=10"]["vehicles"] > 0
