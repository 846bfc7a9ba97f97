"""The database of a home, for commands that have one thing to do with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from orchestration.cli.options import read_settings
from orchestration.home.database import database
from warehouse.contract.database_roles import Role
from warehouse.postgres.connection import connect
from warehouse.settings import FleetSettings


@contextmanager
def connected_to_home(home: Path | None) -> Iterator[psycopg.Connection]:
    """A connection to the database of a home, else of the settings, as the API's role: people do here what
    they could do there. Raises as ``database``."""
    with database(read_settings(FleetSettings, home=home), Role.INGEST) as url, connect(url) as connection:
        yield connection
