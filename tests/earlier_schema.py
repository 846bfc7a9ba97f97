"""Databases of an earlier version, for tests of migrations."""

from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from warehouse.postgres.connection import open_connection
from warehouse.postgres.migrate import alembic_config


def bring_to(url: str, revision: str) -> None:
    """Run an empty database's migrations up to this one."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: open_connection(url), poolclass=NullPool)
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
