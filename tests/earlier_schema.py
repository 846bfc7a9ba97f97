"""Databases of an earlier version, for tests of migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.conftest import fresh_database
from warehouse.postgres.connection import open_connection
from warehouse.postgres.migrate import alembic_config
from warehouse.postgres.schema_version import MIGRATIONS


@contextmanager
def database_before(server_url: str, migration: Path) -> Iterator[str]:
    """A database at the revision before a migration, whose file is named by its number; dropped at the end."""
    with fresh_database(server_url, "template1") as url:
        bring_to(url, max(each for each in _revisions() if each < migration.name[:4]))
        yield url


def _revisions() -> list[str]:
    return [path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")]


def bring_to(url: str, revision: str) -> None:
    """Run an empty database's migrations up to this one."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: open_connection(url), poolclass=NullPool)
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
