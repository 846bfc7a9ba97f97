"""Whether the process lives, and whether it can do its work."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from ingest_api.bodies import deadline
from ingest_api.health import health_routes
from tests.conftest import MakeApi
from tests.integration.ingest_api.site import Site, assert_problem
from warehouse.contract.database_roles import Role
from warehouse.postgres.connection import connect
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.postgres.roles.settling import settle_roles
from warehouse.postgres.schema_version import head_revision

QUESTIONS = ("/health", "/readyz")


def assert_not_ready(api: httpx.Client, why: str) -> None:
    for path in QUESTIONS:
        answer = api.get(path)
        problem = assert_problem(answer, 503, "not_ready")
        assert why in problem["detail"]
        assert int(answer.headers["retry-after"]) > 0
    assert api.get("/livez").json() == {"status": "ok"}


def assert_ready(api: httpx.Client) -> None:
    for path in QUESTIONS:
        answer = api.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready(site: Site) -> None:
    assert_ready(site.client)
    assert site.client.get("/livez").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("revision", "why"), [("0000", "run fleetwatt migrate"), ("9999", "was migrated by a newer Fleetwatt")]
)
def test_not_ready_under_another_schema_than_this_code_was_made_for(site: Site, revision: str, why: str) -> None:
    site.connection.execute("UPDATE alembic_version SET version_num = %s", [revision])
    assert_not_ready(site.client, why)
    site.connection.execute("UPDATE alembic_version SET version_num = %s", [head_revision()])
    assert_ready(site.client)


def test_an_empty_database_becomes_ready_by_migrating_and_making_partitions(
    make_api: MakeApi, database_url: str, as_role: Callable[[Role], str]
) -> None:
    with connect(database_url) as connection:
        # Emptied before the API is there: what it reads by itself and a DROP would wait for each other.
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")
        api = make_api()
        assert_not_ready(api, "fleetwatt migrate")
        assert_problem(api.get("/v1/meters"), 503, "schema_outdated")
        assert_problem(api.post("/v1/telemetry", json={"bad": 1}), 503, "schema_outdated")
        migrate(database_url)
        settle_roles(database_url, {role: as_role(role) for role in (Role.INGEST, Role.READ)})
        assert_not_ready(api, "fleetwatt partitions")
        make_ahead(connection, datetime.now(UTC), timedelta(days=7), timedelta(hours=2))
    assert_ready(api)
    assert api.post("/v1/telemetry", json={"bad": 1}).status_code == 422


@pytest.mark.parametrize("stream", ["meter_readings", "vehicle_readings"])
@pytest.mark.parametrize("days_ahead", [0, 1])
def test_not_ready_without_the_partitions_of_today_and_tomorrow(site: Site, stream: str, days_ahead: int) -> None:
    missing = [stream, datetime.now(UTC).date() + timedelta(days=days_ahead)]
    for change in ("UPDATE partition_ledger SET state = 'dropped'", "DELETE FROM partition_ledger"):
        with changed_and_restored(site.connection, f"{change} WHERE stream = %s AND day = %s", missing):
            assert_not_ready(site.client, "partitions")
    assert_ready(site.client)


def test_days_further_away_do_not_matter(site: Site) -> None:
    near = [datetime.now(UTC).date() + timedelta(days=days) for days in range(3)]
    with changed_and_restored(site.connection, "DELETE FROM partition_ledger WHERE day <> ALL(%s)", [near]):
        assert_ready(site.client)


@contextmanager
def changed_and_restored(connection: psycopg.Connection, change: str, parameters: Sequence[object]) -> Iterator[None]:
    """The ledger after this change, and then as it was."""
    connection.execute("CREATE TEMPORARY TABLE before_the_change AS SELECT * FROM partition_ledger")
    connection.execute(change.encode(), parameters)
    yield
    connection.execute("DELETE FROM partition_ledger")
    connection.execute("INSERT INTO partition_ledger SELECT * FROM before_the_change")
    connection.execute("DROP TABLE before_the_change")


def test_not_ready_while_the_database_does_not_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the probe's own words, however long it takes: the deadline of other requests is not the probes'."""
    with psycopg.connect(site.database_url) as blocker, monkeypatch.context() as patch:
        patch.setattr(deadline, "ANSWER_WITHIN_S", 0.1)
        patch.setattr(health_routes, "DATABASE_ANSWERS_WITHIN_S", 0.3)
        blocker.execute("LOCK TABLE partition_ledger")
        assert_not_ready(site.client, "did not answer")
    assert_ready(site.client)
