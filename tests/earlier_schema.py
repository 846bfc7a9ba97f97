"""Databases of an earlier version, for tests of migrations."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import psycopg
from alembic import command
from alembic.script import ScriptDirectory
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.conftest import fresh_database
from warehouse.contract.partitions import Stream, bounds, partition_name
from warehouse.postgres.connection import open_connection
from warehouse.postgres.migrate import alembic_config


@contextmanager
def database_before(server_url: str, migration: Path) -> Iterator[str]:
    """A database at the revision before a migration, whose file is named by its number; dropped at the end."""
    with fresh_database(server_url, "template1") as url:
        before = ScriptDirectory.from_config(alembic_config()).get_revision(migration.name[:4]).down_revision
        assert isinstance(before, str), "the first one has none before it"
        bring_to(url, before)
        yield url


def bring_to(url: str, revision: str) -> None:
    """Run an empty database's migrations up to this one."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: open_connection(url), poolclass=NullPool)
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def add_partitions(connection: psycopg.Connection, days: Iterable[date]) -> None:
    """Add the partitions of these days to both streams by plain SQL: the product's own came with a later version."""
    for stream, day in product(Stream, days):
        day_bounds = bounds(day, timedelta(hours=2))
        names = {"parent": Identifier(stream), "partition": Identifier(partition_name(stream, day))}
        ends = {"starts_at": Literal(day_bounds.start), "ends_at": Literal(day_bounds.end)}
        made = "CREATE TABLE {partition} PARTITION OF {parent} FOR VALUES FROM ({starts_at}) TO ({ends_at})"
        connection.execute(SQL(made).format(**names, **ends))
        connection.execute(
            "INSERT INTO partition_ledger (stream, day, late_after, seal_after) VALUES (%s, %s, %s, %s)",
            [stream, day, day_bounds.late_after, day_bounds.seal_after],
        )
