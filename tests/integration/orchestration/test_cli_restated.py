"""``fleetwatt migrate`` says what a changed energy rule restates."""

import pytest

from tests.conftest import fresh_database
from tests.earlier_schema import bring_to
from tests.integration.orchestration.conftest import Fleetwatt
from warehouse.postgres.connection import connect


def test_migrate_says_that_exported_days_are_rebuilt(
    server_url: str, fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database(server_url, "template1") as url:
        monkeypatch.setenv("FLEET_DATABASE_URL", url)
        bring_to(url, "0004")
        with connect(url) as connection:
            connection.execute(
                "INSERT INTO partition_ledger (stream, day, state, late_after, seal_after) "
                "VALUES ('meter_readings', '2026-02-08', 'exported', now(), now())"
            )
        said = " ".join(fleetwatt("migrate").err.split())
        assert "the energy rule changed: the models of all exported days (1, 2026-02-08 to 2026-02-08) will" in said
        assert "energy rule" not in fleetwatt("migrate").err
