"""During a failover the address may lead to a server that only reads: worth a retry, hence not a 500."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.conftest import serving
from tests.factories import meter_payload
from tests.integration.ingest_api.site import assert_problem
from tests.open_folder import make_open_folder
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.migrate import migrate
from warehouse.postgres.partitions.creation import make_ahead


@pytest.fixture
def standby() -> Iterator[EmbeddedPostgres]:
    """A server that was stopped with its readings and came back as a standby that waits for more."""
    home = make_open_folder()
    server = EmbeddedPostgres(home)
    try:
        url = server.ensure_running()
        migrate(url)
        with connect(url) as connection:
            make_ahead(connection, datetime.now(UTC), timedelta(days=1), timedelta(hours=2))
            connection.execute("INSERT INTO meters (external_id) VALUES ('meter-1')")
        server.stop()
        (server.data / "standby.signal").touch()
        with suppress(DatabaseUnavailableError):  # at its start it looks after its roles
            server.ensure_running()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


def test_a_standby_is_no_database_to_write_to(standby: EmbeddedPostgres) -> None:
    reading = meter_payload()
    with serving(database_url=standby.running_url()) as api:
        assert "is a standby" in assert_problem(api.get("/readyz"), 503, "not_ready")["detail"]
        for _ in range(3):
            assert_problem(api.post("/v1/telemetry", json=reading), 503, "database_unfit")
        assert_problem(api.patch("/v1/meters/meter-1", json={"model": "x"}), 503, "database_unavailable")
        assert api.get("/v1/meters/meter-1").status_code == 200
        with psycopg.connect(standby.upkeep_url(), autocommit=True) as admin:
            assert admin.execute("SELECT pg_promote()").fetchone() == (True,)
        assert [api.post("/v1/telemetry", json=reading).status_code for _ in range(2)] == [201, 200]
        assert api.patch("/v1/meters/meter-1", json={"model": "x"}).status_code == 200
