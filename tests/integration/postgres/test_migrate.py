"""Bringing a database to head: once, whoever asks at the same time, and whole or not at all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import DuplicateTable
from psycopg.sql import SQL, Identifier
from sqlalchemy.exc import ProgrammingError

from tests.conftest import fresh_database
from tests.dropped_database import drop_database
from tests.earlier_schema import database_before
from warehouse.contract.errors import DatabaseUnavailableError
from warehouse.postgres.connection import connect
from warehouse.postgres.migrate import migrate
from warehouse.postgres.schema_version import MIGRATIONS, head_revision

REVISIONS = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


@pytest.fixture
def empty(server_url: str) -> Iterator[str]:
    """An empty database, with a name and a zone that invite mistakes."""
    name = "test migrate's 100%"
    with connect(server_url) as admin:
        admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        admin.execute(SQL("ALTER DATABASE {} SET timezone = 'Asia/Kolkata'").format(Identifier(name)))
        yield make_conninfo(server_url, dbname=name)
        drop_database(admin, name)


@pytest.fixture(scope="module")
def migrated(server_url: str, template: str) -> Iterator[str]:
    with fresh_database(server_url, template) as url:
        yield url


def rows(url: str, query: str) -> list[Any]:
    with connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_an_empty_database_is_brought_to_head_and_then_there_is_nothing_to_do(empty: str) -> None:
    assert migrate(empty) == REVISIONS
    assert rows(empty, "SELECT version_num FROM alembic_version") == [(head_revision(),)]
    assert rows(empty, "SELECT count(*) FROM meter_readings") == [(0,)]
    assert migrate(empty) == []


def test_of_many_at_once_one_migrates_and_the_others_find_nothing_to_do(empty: str) -> None:
    with ThreadPoolExecutor(5) as pool:
        applied = list(pool.map(migrate, [empty] * 5))
    assert sorted(applied) == [[], [], [], [], REVISIONS]


def test_a_migration_that_fails_leaves_nothing_behind_and_may_be_tried_again(empty: str) -> None:
    with connect(empty) as connection:
        connection.execute("CREATE TABLE late_rows ()")  # in the way of the first migration's last table
    with pytest.raises(ProgrammingError) as caught:
        migrate(empty)
    assert isinstance(caught.value.orig, DuplicateTable)
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    assert rows(empty, tables) == [("late_rows",)]
    with connect(empty) as connection:
        connection.execute("DROP TABLE late_rows")
    assert migrate(empty) == REVISIONS


def test_who_was_at_work_on_the_database_before_is_told(server_url: str) -> None:
    """An old version, maybe on another machine, goes on by the old schema and the old rules until it is stopped."""
    said: list[str] = []
    newest = MIGRATIONS / "versions" / f"{head_revision()}_.py"
    with database_before(server_url, newest) as url, connect(url), psycopg.connect(url):
        assert migrate(url, said.append) == [head_revision()]
        told = [line for line in said if line.startswith("Fleetwatt was at work on this database before")]
        assert len(told) == 1
        assert "(1 session of 127.0.0.1): what has not been started again since goes on by the old schema" in told[0]
        said.clear()
        assert migrate(url, said.append) == []
        assert said == []


def test_a_database_that_is_not_there_is_unavailable(empty: str) -> None:
    nobody_listens = "postgresql://fleet@127.0.0.1:1/fleet"
    for url in (nobody_listens, make_conninfo(empty, dbname="not there"), make_conninfo(empty, password="wrong")):  # noqa: S106
        with pytest.raises(DatabaseUnavailableError):
            migrate(url)


@pytest.mark.parametrize("form", ["url", "keywords", "socket-style url"])
def test_every_form_of_address_that_a_service_takes_is_taken(migrated: str, form: str) -> None:
    parts = conninfo_to_dict(migrated)
    rest = "&".join(f"{name}={parts[name]}" for name in ("host", "port", "user", "password") if parts.get(name))
    address = {
        "url": migrated,
        "keywords": make_conninfo(migrated),
        "socket-style url": f"postgresql:///{parts['dbname']}?{rest}",
    }[form]
    with psycopg.connect(address):
        assert migrate(address) == []


def test_each_migration_has_its_statements_in_a_file_of_the_same_name() -> None:
    found = {path.stem: path.suffix for path in (MIGRATIONS / "versions").glob("[0-9]*") if path.suffix == ".py"}
    assert found
    for name in found:
        assert (MIGRATIONS / "versions" / f"{name}.sql").exists()
