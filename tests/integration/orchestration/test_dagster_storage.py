"""Dagster's storage as Dagster itself loads it from dagster.yaml: what is set there holds, or is refused."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from orchestration.dagster_runtime.own_database import make_database, storage_url
from orchestration.dagster_runtime.storage import DagsterStorageError, PooledPostgresStorage
from tests.dropped_database import drop_database
from warehouse.postgres.connection import connect

Load = Callable[..., dg.DagsterInstance]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Have Dagster load an instance whose storage is set up like this."""

    def load(**config: object) -> dg.DagsterInstance:
        custom = {"module": PooledPostgresStorage.__module__, "class": PooledPostgresStorage.__name__, "config": config}
        (tmp_path / "dagster.yaml").write_text(json.dumps({"storage": {"custom": custom}}))
        return dg.DagsterInstance.from_config(str(tmp_path))

    return load


@pytest.fixture
def url(server_url: str, admin_url: str) -> Iterator[str]:
    """The address of a database of Dagster's own, which is empty."""
    name = f"dagster_storage_{os.getpid()}"
    make_database(server_url, name)
    yield storage_url(server_url, name)
    with connect(admin_url) as admin:
        drop_database(admin, name)


def has_tables(url: str) -> bool:
    with connect(url) as connection:
        ours = "SELECT count(*) FROM pg_tables WHERE tablename IN ('runs', 'event_logs')"
        found = connection.execute(ours).fetchone()
    assert found in ((0,), (2,))
    return found == (2,)


def test_tables_are_made_unless_it_says_that_they_are_not(load: Load, url: str) -> None:
    load(postgres_url=url, should_autocreate_tables=False).dispose()
    assert not has_tables(url)
    with load(postgres_url=url) as instance:
        assert instance.get_runs_count() == 0
    assert has_tables(url)
    with load(postgres_url=url, should_autocreate_tables=False) as instance:
        assert instance.get_runs_count() == 0


def test_where_tables_may_come_later_they_are_looked_for_each_time(load: Load, url: str) -> None:
    with load(postgres_url=url, should_autocreate_tables=False) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, SqlEventLogStorage)
        assert not storage.has_table("event_logs")
        load(postgres_url=url).dispose()
        assert storage.has_table("event_logs")


def test_tokens_in_place_of_a_password_are_refused(load: Load) -> None:
    with pytest.raises(DagsterStorageError, match=r"^auth_provider: .* by the address alone"):
        load(
            postgres_db={"username": "fleet", "hostname": "127.0.0.1", "db_name": "dagster"},
            auth_provider={"gcp_wif": {}},
        )


@pytest.mark.parametrize("name", ["_has_asset_key_index_cols_on_connection", "has_asset_key_index_cols"])
def test_a_storage_that_is_made_otherwise_is_refused(
    load: Load, url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(SqlEventLogStorage, f"{name}_2", getattr(SqlEventLogStorage, name), raising=False)
    monkeypatch.delattr(SqlEventLogStorage, name)
    with pytest.raises(
        DagsterStorageError, match=rf"of dagster-postgres [0-9.]+ has no {name}; install what is locked"
    ):
        load(postgres_url=url)
